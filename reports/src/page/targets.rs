//! The documented targets sorted for reading: what needs attention open, what is met or cannot be had folded.

use super::{Page, words};
use crate::model::{Document, Report};
use crate::verdict::{Judged, Verdict};
use perfbench_harness::Reason;

/// One document's targets.
pub struct DocumentView<'a> {
    /// Number of the document.
    pub number: &'a str,
    /// Its counts in words.
    pub summary: String,
    /// Missed, implausible and unresolved, in file order.
    pub open: Vec<&'a Judged>,
    /// Met.
    pub met: Vec<&'a Judged>,
    /// Without a value, by reason.
    pub absent: Vec<Absent<'a>>,
}

/// Targets that share a reason.
pub struct Absent<'a> {
    /// The reason code.
    pub reason: Reason,
    /// The targets.
    pub targets: Vec<&'a Judged>,
}

/// The documents in the report's order.
pub fn documents(report: &Report) -> Vec<DocumentView<'_>> {
    report.documents.iter().map(view).collect()
}

fn view(document: &Document) -> DocumentView<'_> {
    let with = |wanted: &[Verdict]| -> Vec<&Judged> {
        document.targets.iter().filter(|judged| wanted.contains(&judged.verdict)).collect()
    };
    let verdicts =
        [Verdict::Met, Verdict::Missed, Verdict::Implausible, Verdict::Unresolved, Verdict::NotMeasurable];
    let counts = verdicts.map(|verdict| (with(&[verdict]).len(), verdict.word()));
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    DocumentView {
        number: &document.number,
        summary: told.collect::<Vec<_>>().join(", "),
        open: with(&[Verdict::Missed, Verdict::Implausible, Verdict::Unresolved]),
        met: with(&[Verdict::Met]),
        absent: by_reason(with(&[Verdict::NotMeasurable])),
    }
}

fn by_reason(targets: Vec<&Judged>) -> Vec<Absent<'_>> {
    let mut groups: Vec<Absent<'_>> = Vec::new();
    for judged in targets {
        let Some(reason) = judged.reason else { continue };
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.targets.push(judged),
            None => groups.push(Absent { reason, targets: vec![judged] }),
        }
    }
    groups
}

impl DocumentView<'_> {
    /// Targets without a value.
    pub fn absent_count(&self) -> usize {
        self.absent.iter().map(|group| group.targets.len()).sum()
    }
}

impl Page<'_> {
    /// What was measured and its bounds.
    pub(super) fn measured(&self, judged: &Judged) -> (String, String) {
        let told = |value| (words::measured_value(value, &judged.claim.unit), words::measured_bounds(value));
        judged.measured.as_ref().map_or_else(|| ("nothing".into(), String::new()), told)
    }

    /// A note as a sentence.
    pub(super) fn sentence(&self, text: &str) -> String {
        words::sentence(text)
    }
}
