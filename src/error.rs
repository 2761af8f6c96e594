//! What the user can mend: an error with a next step and a documented exit code.

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use std::fmt;

/// Everything went well.
pub const OK: u8 = 0;
/// Something failed that should not, or the operating system refused.
pub const INTERNAL: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// The filters select nothing.
pub const NOTHING_SELECTED: u8 = 4;
/// The machine's grade is worse than what was asked for.
pub const ENVIRONMENT_REFUSED: u8 = 20;
/// A workload broke: failed check, panic, signal.
pub const BROKE: u8 = 30;
/// Ended by a signal; what was measured is kept.
pub const INTERRUPTED: u8 = 130;

/// An error that names the fix.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub code: u8,
    words: Box<Words>,
}

/// What is said of it; boxed, because a result that is nearly always `Ok` should be small.
#[derive(Debug, Default)]
struct Words {
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl Failure {
    /// An error with its exit code.
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, words: Box::new(Words { message: message.into(), ..Words::default() }) }
    }

    /// Something typed or configured wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// Adds the next step.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.words.help = Some(help.into());
        self
    }

    /// Adds the place in a file.
    pub fn at(mut self, name: &str, text: &str, span: std::ops::Range<usize>, label: &str) -> Self {
        self.words.source = Some(NamedSource::new(name, text.to_owned()));
        self.words.label = Some(LabeledSpan::at(span, label));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.message)
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.words.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.words.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.words
            .label
            .clone()
            .map(|label| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// The names nearest to a mistyped one, best first, at most three.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<(f64, &str)> = known.into_iter().map(|k| (similarity(name, k), k)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().filter(|(score, _)| *score > 0.7).take(3).map(|(_, name)| name).collect()
}

/// Similarity to the whole of a name or to any of its parts between slashes.
fn similarity(typed: &str, known: &str) -> f64 {
    let parts = known.split('/').map(|part| strsim::jaro_winkler(typed, part) * 0.99);
    parts.fold(strsim::jaro_winkler(typed, known), f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_neighbours_best_first() {
        let known = ["ring_spsc", "ring_spsc/hop", "object_pool", "arena"];
        assert_eq!(nearest("ring_spcs", known)[0], "ring_spsc");
        assert_eq!(nearest("hopp", known), ["ring_spsc/hop"]);
        assert!(nearest("zzzzqqqq", known).is_empty());
    }
}
