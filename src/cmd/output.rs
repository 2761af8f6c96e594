//! Where results go: the table on stdout, `-o FMT=FILE` outputs, and latest.html in the store.

use super::Context;
use crate::error::{Failure, INTERNAL, nearest};
use crate::settings::Settings;
use perfbench_harness::record::RunRecord;
use perfbench_reports::Report;
use perfbench_reports::format::paint::Paint;
use perfbench_reports::format::text::{self, Look};
use perfbench_reports::format::{self, FORMATS, Format, Render};
use perfbench_reports::store::{Store, StoreError};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// One `FMT=FILE`.
pub struct Output {
    format: &'static Format,
    path: PathBuf,
}

/// Parses `FMT=FILE`s.
pub fn parse(outputs: &[String]) -> Result<Vec<Output>, Failure> {
    outputs.iter().map(|text| parse_one(text)).collect()
}

fn parse_one(text: &str) -> Result<Output, Failure> {
    let (format, path) = choose(text, FORMATS, |format| [format.name, format.extension])?;
    Ok(Output { format, path })
}

/// The format and the file of a `FMT=FILE`; each format has a name and another for it.
///
/// # Errors
/// What is missing, or the nearest name to one that is none.
pub fn choose<F>(
    text: &str,
    formats: &'static [F],
    names: fn(&F) -> [&'static str; 2],
) -> Result<(&'static F, PathBuf), Failure> {
    let all = formats.iter().map(|format| names(format)[0]).collect::<Vec<_>>().join(", ");
    let Some((name, path)) = text.split_once('=').filter(|(_, path)| !path.is_empty()) else {
        return Err(Failure::usage(format!("--output {text}: write FORMAT=FILE; formats are {all}")));
    };
    if let Some(format) = formats.iter().find(|format| names(format).contains(&name)) {
        return Ok((format, path.into()));
    }
    let failure = Failure::usage(format!("--output {text}: no format `{name}`; formats are {all}"));
    Err(match nearest(name, formats.iter().flat_map(names)).first() {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure,
    })
}

/// Prints the results, or with `-q` the summary alone.
pub fn show(context: &Context<'_>, report: &Report) {
    let look = look();
    let text = if context.quiet { text::summary(report, &look) } else { text::render(report, &look) };
    anstream::print!("{text}");
}

/// Width and colour of stdout; `anstream` strips what must not be there.
pub fn look() -> Look {
    let colour =
        io::stdout().is_terminal() || anstream::ColorChoice::global() == anstream::ColorChoice::Always;
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    Look { paint: if colour { Paint::Ansi } else { Paint::Plain }, width: width.max(80) }
}

/// Writes every output that was asked for.
pub fn write_all(record: &RunRecord, report: &Report, outputs: &[Output]) -> Result<(), Failure> {
    outputs.iter().try_for_each(|output| match output.format.render {
        Render::File(render) => write(&output.path, &render(report, record)),
        Render::Folder(render) => {
            let files = render(report, record);
            files.iter().try_for_each(|(name, text)| write(&output.path.join(name), text))
        }
    })
}

/// The page of the newest run in the store.
pub fn page(settings: &Settings) -> Output {
    let format = format::named("html").expect("html is in the table");
    Output { format, path: settings.store.join("latest.html") }
}

/// Says where the outputs lie.
pub fn announce(outputs: &[Output]) {
    outputs.iter().for_each(|output| anstream::println!(" Report   {}", output.path.display()));
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_or(
        path,
        text,
        "the run itself is stored: `perfbench report -o FORMAT=FILE` renders it again elsewhere",
    )
}

/// Writes a file.
///
/// # Errors
/// What the operating system says, with the next step.
pub fn write_or(path: &Path, text: &str, help: &str) -> Result<(), Failure> {
    write_file(path, text).map_err(|error| {
        Failure::new(INTERNAL, format!("cannot write {}: {error}", path.display())).help(help)
    })
}

/// Writes a file by way of a neighbour, so that a full disk leaves the old one whole. What is no plain file (a device, a
/// pipe, a link) is written through, never replaced.
pub fn write_file(path: &Path, text: &str) -> io::Result<()> {
    let plain = fs::symlink_metadata(path).map_or(true, |there| there.is_file());
    if plain { replace(path, text) } else { fs::write(path, text) }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        // What is left of the part is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&part);
    })
}

/// A store's error with the next step.
pub fn store_failure(error: StoreError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        StoreError::NotWritable(..) => {
            failure.help("name a folder that you may write: --store DIR or PERFBENCH_STORE")
        }
        StoreError::Unknown(..) => {
            failure.help("`perfbench run` makes one; a record file can be named by its path")
        }
        StoreError::Ambiguous(..) => failure.help("type more of the id"),
        StoreError::IsGate(_) => failure.help("name a run; what a gate found is printed by `perfbench gate`"),
        StoreError::UnknownGate(..) => failure.help("`perfbench gate` makes one"),
        StoreError::UnknownProfile(..) => failure.help("`perfbench profile ROW` makes one"),
        StoreError::DamagedSelftest(..) => failure.help("remove it and run `perfbench selftest` again"),
        StoreError::Unreadable(_) => failure.help("records are NDJSON files written by `perfbench run`"),
    }
}

/// The record that a name means.
pub fn find(settings: &Settings, name: Option<&str>) -> Result<RunRecord, Failure> {
    Store::at(&settings.store).find(name.unwrap_or("latest")).map_err(store_failure)
}
