//! The formats that a report leaves in: one module each, one line each in [`FORMATS`].

pub mod cells;
pub mod compare;
pub mod counts;
pub mod csv;
pub mod json;
pub mod markdown;
pub mod paint;
pub mod targets;
pub mod text;

use crate::chart;
use crate::model::Report;
use crate::page;
use perfbench_harness::record::RunRecord;

/// One way to write a report.
#[derive(Debug)]
pub struct Format {
    /// Name as typed: `markdown`.
    pub name: &'static str,
    /// Extension of files: `md`.
    pub extension: &'static str,
    /// What it is for, one line.
    pub about: &'static str,
    /// Writes the report.
    pub render: Render,
}

/// What a format makes of a report.
#[derive(Debug, Clone, Copy)]
pub enum Render {
    /// The text of one file.
    File(fn(&Report, &RunRecord) -> String),
    /// The names and texts of the files of a folder.
    Folder(fn(&Report, &RunRecord) -> Vec<(String, String)>),
}

const fn format(
    name: &'static str,
    extension: &'static str,
    about: &'static str,
    render: fn(&Report, &RunRecord) -> String,
) -> Format {
    Format { name, extension, about, render: Render::File(render) }
}

/// Every format, one line each.
pub static FORMATS: &[Format] = &[
    format("html", "html", "one self-contained page", page::render),
    format("text", "txt", "the terminal's table", |report, _| text::render(report, &text::Look::plain())),
    format("markdown", "md", "for pull requests and wikis", |report, _| markdown::render(report)),
    format("csv", "csv", "one line a row, for spreadsheets (RFC 4180)", |report, _| csv::render(report)),
    format("counts", "counts.csv", "one line a count with its provenance (RFC 4180)", |report, _| {
        counts::render(report)
    }),
    format("json", "json", "the whole report model; an unbounded interval has null bounds", |report, _| {
        json::render(report)
    }),
    Format {
        name: "svg",
        extension: "svg",
        about: "every chart as a file of its own, in the folder named",
        render: Render::Folder(chart::files),
    },
];

/// The format of a name or of a file's extension.
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name || format.extension == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name_and_by_its_extension() {
        for format in FORMATS {
            assert_eq!(named(format.name).map(|f| f.name), Some(format.name));
            assert_eq!(named(format.extension).map(|f| f.name), Some(format.name));
        }
        assert!(named("xlsx").is_none());
    }
}
