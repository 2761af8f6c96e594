//! Colour for terminals: the same words either way, so that colour is never the only sign.

use crate::verdict::Verdict;

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// No escape codes.
    Plain,
    /// ANSI escape codes of the sixteen terminal colours.
    Ansi,
}

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Undecided, or needs attention.
    Doubt,
    /// Of lesser weight.
    Quiet,
    /// A heading.
    Strong,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Doubt => "33",
            Ink::Quiet => "2",
            Ink::Strong => "1",
        }
    }

    /// The ink of a verdict.
    pub fn of(verdict: Verdict) -> Ink {
        match verdict {
            Verdict::Met => Ink::Good,
            Verdict::Missed | Verdict::Implausible => Ink::Bad,
            Verdict::Unresolved => Ink::Doubt,
            Verdict::NotMeasurable => Ink::Quiet,
        }
    }
}

impl Paint {
    /// The text in an ink; padding belongs inside the text, so that columns stay aligned.
    pub fn text(self, ink: Ink, text: &str) -> String {
        match self {
            Paint::Plain => text.into(),
            Paint::Ansi => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
        }
    }
}
