//! The HTML report: one self-contained file that loads nothing. Templates say what stands where; the files here say
//! how a figure of the report is put. Nothing is computed from measurements here.

mod cards;
mod downloads;
mod environment;
mod matrix;
mod rows;
mod targets;

use crate::chart::{self, CHARTS, Chart, Figure, Place};
use crate::format::{cells, csv};
use crate::model::Report;
use crate::words;
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use perfbench_harness::record::RunRecord;
use sha2::{Digest, Sha256};
use targets::DocumentView;

const SCRIPT: &str = include_str!("../../templates/page.js");
const STYLE: &str = include_str!("../../templates/page.css");

/// Most pictures of one kind that stand open together.
const OPEN_TOGETHER: usize = 10;

/// Pictures that stand open where there are more than that.
const OPEN_FIGURES: usize = 3;

/// The page of a record and its report.
///
/// # Panics
/// Where a template fails to render, which only running out of memory could cause.
pub fn render(report: &Report, record: &RunRecord) -> String {
    let page = Page {
        style: format!("{}{}{STYLE}", chart::style::COLOURS, chart::style::RULES),
        script: SCRIPT,
        script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
        drawings: CHARTS
            .iter()
            .map(|chart| Drawing { chart, figures: (chart.draw)(report, record) })
            .collect(),
        documents: targets::documents(report),
        csv: STANDARD.encode(csv::render(report)),
        json: STANDARD.encode(downloads::json(report)),
        report,
    };
    page.render().expect("writing to memory cannot fail")
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a Report,
    style: String,
    script: &'static str,
    script_hash: String,
    drawings: Vec<Drawing>,
    documents: Vec<DocumentView<'a>>,
    csv: String,
    json: String,
}

/// A chart with all its pictures of this run.
struct Drawing {
    chart: &'static Chart,
    figures: Vec<Figure>,
}

/// Which pictures stand where.
impl Page<'_> {
    fn at(&self, place: Place) -> impl Iterator<Item = &Drawing> {
        self.drawings.iter().filter(move |drawing| drawing.chart.place == place)
    }

    fn of(&self, place: Place, subject: &str) -> Vec<&Figure> {
        self.at(place).flat_map(|d| &d.figures).filter(|figure| figure.subject == subject).collect()
    }

    fn opens(&self, drawing: &Drawing, index: &usize) -> bool {
        drawing.figures.len() <= OPEN_TOGETHER || *index < OPEN_FIGURES
    }
}

#[cfg(test)]
mod tests;
