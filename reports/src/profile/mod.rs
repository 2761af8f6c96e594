//! Profiles as people and other viewers read them: one module a format, one line each in [`FORMATS`]. How samples are
//! taken is the harness's affair; all here is derived from the samples of one stored profile, or of two.

mod annotate;
mod difference;
mod disassemble;
mod facts;
mod firefox;
#[cfg(test)]
pub(crate) mod fixture;
mod flame;
mod folded;
mod json;
mod page;
mod speedscope;
mod tally;
pub mod text;

pub use annotate::{Unannotated, annotated};

use perfbench_harness::record::Profile;
use std::collections::BTreeMap;

/// Text of source files, by the name under which the code of a profile knows them.
pub type Sources = BTreeMap<String, String>;

/// What is shown of a profile.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The profile: at least one sample, and no index beyond its table.
    pub profile: &'a Profile,
    /// Another one that it is compared with.
    pub base: Option<&'a Profile>,
    /// Part of the name of the function whose code is annotated; none takes the hottest.
    pub function: Option<&'a str>,
    /// Sources as they were when the profile was taken; lines of other files are named by their number.
    pub sources: &'a Sources,
}

/// One way to write a profile.
#[derive(Debug)]
pub struct Format {
    /// Name as typed: `speedscope`.
    pub name: &'static str,
    /// What it is for, one line.
    pub about: &'static str,
    /// Writes the profile.
    pub render: fn(&View<'_>) -> String,
}

const fn format(name: &'static str, about: &'static str, render: fn(&View<'_>) -> String) -> Format {
    Format { name, about, render }
}

/// Every format, one line each.
pub static FORMATS: &[Format] = &[
    format("svg", "flame graph, coloured by what changed where there is a base", flame::standalone),
    format("html", "one self-contained page", page::render),
    format("text", "the terminal's table", |view| text::render(view, &crate::format::text::Look::plain())),
    format("folded", "a line a stack, for flamegraph.pl and inferno", |view| folded::render(view.profile)),
    format("firefox", "for the Firefox Profiler", |view| firefox::render(view.profile)),
    format("speedscope", "for speedscope", |view| speedscope::render(view.profile)),
    format("json", "the profile as it is stored", |view| json::render(view.profile)),
];

/// The format of a name.
pub fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
