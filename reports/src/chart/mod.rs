//! The charts: one file each, one line each in [`CHARTS`]. All of them draw SVG through plotters on our own backend.

pub mod axis;
mod bullet;
mod cores;
mod forest;
mod lanes;
mod linear;
mod pen;
mod percentile;
mod plane;
mod share;
mod staircase;
mod strip;
pub mod style;
pub mod svg;

use crate::model::Report;
use perfbench_harness::record::RunRecord;

/// Every chart there is, in the order in which pages show those of one place.
pub static CHARTS: &[Chart] = &[
    bullet::CHART,
    forest::CHART,
    share::CHART,
    strip::CHART,
    percentile::CHART,
    staircase::CHART,
    cores::CHART,
];

/// One kind of picture.
#[derive(Debug)]
pub struct Chart {
    /// Its name, the file's name.
    pub name: &'static str,
    /// How it is read, one or two sentences.
    pub about: &'static str,
    /// Where a page shows it.
    pub place: Place,
    /// Draws it for everything in a run that it can show.
    pub draw: fn(&Report, &RunRecord) -> Vec<Figure>,
}

/// Where a page shows a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Inside the line of a documented target; the subject is its id.
    Target,
    /// Comparison of variants; the subject is a workload.
    Comparison,
    /// Beside the machine's limits; the subject is a workload.
    Limits,
    /// In the details of a group, which is the subject.
    Group,
    /// With the machine; the subject is a limit.
    Machine,
}

/// One picture.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What it shows: a target, workload, group or limit by name.
    pub subject: String,
    /// What it says, in words and numbers; the picture holds it too.
    pub finding: String,
    /// SVG markup without style; [`style::standalone`] adds one.
    pub svg: String,
}

/// The words of a picture; its finding is told inside and outside of it.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// The chart's name.
    pub chart: &'static str,
    /// What it shows.
    pub subject: String,
    /// Title, one line.
    pub title: String,
    /// What it says.
    pub finding: String,
}

/// Every picture of a run as a file that stands alone: name and text.
pub fn files(report: &Report, record: &RunRecord) -> Vec<(String, String)> {
    let of =
        |chart: &'static Chart| (chart.draw)(report, record).into_iter().map(|figure| file(chart, &figure));
    CHARTS.iter().flat_map(of).collect()
}

fn file(chart: &Chart, figure: &Figure) -> (String, String) {
    let subject = figure.subject.replace(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c), "-");
    (format!("{}-{subject}.svg", chart.name), style::standalone(&figure.svg))
}

/// The rows of a report by workload, each with its `point/variant`.
fn by_workload(report: &Report) -> Vec<(&str, Vec<(String, &crate::model::Row)>)> {
    let mut workloads: Vec<(&str, Vec<_>)> = Vec::new();
    for group in &report.groups {
        let (workload, point) = group.name.split_once('/').unwrap_or((&group.name, ""));
        let rows = group.rows.iter().map(|row| (format!("{point}/{}", row.variant), row));
        match workloads.last_mut().filter(|(name, _)| *name == workload) {
            Some((_, known)) => known.extend(rows),
            None => workloads.push((workload, rows.collect())),
        }
    }
    workloads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn figures() -> Vec<(&'static str, Vec<Figure>)> {
        let record = fixture::record();
        let report = Report::of(&record);
        CHARTS.iter().map(|chart| (chart.name, (chart.draw)(&report, &record))).collect()
    }

    #[test]
    fn every_chart_draws_the_fixture_as_its_golden() {
        for (name, figures) in figures() {
            let first = figures.first().unwrap_or_else(|| panic!("the fixture has nothing for {name}"));
            insta::assert_snapshot!(
                name,
                style::standalone(&first.svg).replace("/><", "/>\n<").replace("><text", ">\n<text")
            );
        }
    }

    #[test]
    fn every_picture_has_a_role_a_title_and_a_finding_with_a_number_and_no_colour_of_its_own() {
        for figure in figures().into_iter().flat_map(|(_, figures)| figures) {
            assert!(figure.svg.contains("role=\"img\"><title>"), "{}", figure.svg);
            assert!(
                figure.finding.chars().any(|c| c.is_ascii_digit()),
                "{}: {}",
                figure.subject,
                figure.finding
            );
            for baked in ["style=", "fill=", "stroke=", "#0000", "rgb("] {
                assert!(!figure.svg.contains(baked), "{}: {baked}", figure.subject);
            }
        }
    }

    #[test]
    fn every_picture_is_a_file_of_its_own_with_a_name_of_its_own() {
        let record = fixture::record();
        let files = files(&Report::of(&record), &record);
        let names: std::collections::BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), figures().iter().map(|(_, figures)| figures.len()).sum::<usize>());
        assert!(names.contains("strip-ring_spsc-hop.svg") && !names.iter().any(|name| name.contains('/')));
        for (name, text) in &files {
            assert!(text.starts_with("<svg xmlns=") && text.contains("<style>"), "{name}");
        }
    }

    #[test]
    fn every_measured_row_is_in_a_strip() {
        let record = fixture::record();
        let report = Report::of(&record);
        let strips: String = (strip::CHART.draw)(&report, &record).into_iter().map(|f| f.svg).collect();
        for row in report.rows().filter(|row| row.figures().is_some()) {
            assert!(strips.contains(&format!(">{}<", row.variant)), "{}", row.key);
        }
    }
}
