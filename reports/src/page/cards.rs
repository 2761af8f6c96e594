//! The first screen: cards, and the words for concerns and verdicts.

use super::{Page, words};
use crate::model::Concern;
use crate::verdict::Verdict;

/// One count at the top of the page.
pub struct Card {
    /// CSS class.
    pub class: &'static str,
    /// What is counted.
    pub name: &'static str,
    /// How many.
    pub value: String,
}

impl Page<'_> {
    pub(super) fn cards(&self) -> Vec<Card> {
        let cards = &self.report.cards;
        let count = |class, name, count: usize| Card { class, name, value: count.to_string() };
        let noise =
            cards.noise_floor.map_or("unknown".into(), |share| format!("± {}", words::percent(share)));
        vec![
            count("met", "targets met", cards.met),
            count("missed", "targets missed", cards.missed),
            count("unresolved", "targets unresolved", cards.unresolved),
            count("implausible", "targets implausible", cards.implausible),
            count("none", "targets not measurable here", cards.not_measurable),
            count("none", "rows measured", cards.rows_measured),
            count("none", "rows with a reason instead", cards.rows_unavailable + cards.rows_broke),
            Card { class: "wide", name: "noise floor of this run", value: noise },
        ]
    }

    pub(super) fn elapsed(&self) -> String {
        self.report.elapsed_s.map_or(self.report.status.clone(), |s| {
            let whole = s.round() as u64;
            if whole < 60 { format!("{whole} s") } else { format!("{} min {} s", whole / 60, whole % 60) }
        })
    }

    pub(super) fn verdict_class(&self, verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unresolved => "unresolved",
            Verdict::Implausible => "implausible",
            Verdict::NotMeasurable => "none",
        }
    }

    /// Class and word of a concern.
    pub(super) fn concern(&self, concern: &Concern) -> (&'static str, &'static str) {
        match concern {
            Concern::Broke => ("missed", "broke"),
            Concern::Implausible => ("implausible", "implausible"),
            Concern::Missed => ("missed", "missed"),
            Concern::NotReproduced => ("unresolved", "not reproduced"),
            Concern::Unresolved => ("unresolved", "unresolved"),
        }
    }

    /// The place on the page of a row key or target id.
    pub(super) fn anchor(&self, name: &str) -> String {
        if name.contains('/') { format!("r-{name}") } else { format!("t-{name}") }
    }
}
