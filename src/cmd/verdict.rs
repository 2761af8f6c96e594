//! Where a gate's verdict goes: stdout, the files that were asked for, and GitHub's job summary.

use super::output::{look, write_file};
use crate::args::ComparisonFormat;
use crate::error::{Failure, INTERNAL};
use crate::settings::GateOutputs;
use perfbench_reports::gate::{Gate, json, junit, markdown, text};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Prints the verdict and writes it wherever else it was asked for.
///
/// # Errors
/// A file that cannot be written; what can be written before it is.
pub fn deliver(gate: &Gate, outputs: &GateOutputs) -> Result<(), Failure> {
    let shown = match outputs.format {
        ComparisonFormat::Text => text(gate, &look()),
        ComparisonFormat::Markdown => markdown(gate),
        ComparisonFormat::Json => json(gate),
    };
    anstream::print!("{shown}");
    let files = [(&outputs.comment, markdown as fn(&Gate) -> String), (&outputs.junit, junit)];
    for (path, render) in files {
        path.as_ref().map_or(Ok(()), |path| told(path, write_file(path, &render(gate))))?;
    }
    outputs.job_summary.as_ref().map_or(Ok(()), |path| told(path, append(path, &markdown(gate))))
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

fn told(path: &Path, written: io::Result<()>) -> Result<(), Failure> {
    written.map_err(|error| {
        Failure::new(INTERNAL, format!("cannot write {}: {error}", path.display()))
            .help("the verdict is printed, and the gate itself is stored")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_summary_that_is_there_is_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        append(&path, "one\n").and_then(|()| append(&path, "two\n")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_where_the_verdict_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let failure = told(folder.path(), append(folder.path(), "")).unwrap_err();
        assert!(failure.to_string().contains(&folder.path().display().to_string()));
        assert!(miette::Diagnostic::help(&failure).unwrap().to_string().contains("stored"));
    }
}
