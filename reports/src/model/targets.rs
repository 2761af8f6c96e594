//! The documented targets judged and grouped by document, and what to look at first.

use super::{Concern, Document, Group, LOOK_AT_MOST, LookAt, Outcome};
use crate::verdict::{Judged, Verdict, is_before, is_loss, judge};
use crate::words;
use perfbench_harness::record::RunRecord;

pub(super) fn documents(record: &RunRecord) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    for claim in &record.header.claims {
        let number: String = claim.source.chars().take(3).collect();
        let judged = judge(claim, record);
        match documents.iter_mut().find(|document| document.number == number) {
            Some(document) => document.targets.push(judged),
            None => documents.push(Document { number, targets: vec![judged] }),
        }
    }
    documents
}

/// Broken rows first, then targets beyond the machine, missed ones by how far, "before" figures, unresolved ones.
pub(super) fn look_at(groups: &[Group], documents: &[Document]) -> Vec<LookAt> {
    let broken = groups.iter().flat_map(|group| &group.rows).filter_map(|row| match &row.outcome {
        Outcome::Broke { message } => Some(look(Concern::Broke, &row.key, message)),
        _ => None,
    });
    broken.chain(troubled(documents)).take(LOOK_AT_MOST).collect()
}

fn troubled(documents: &[Document]) -> Vec<LookAt> {
    let all = documents.iter().flat_map(|document| &document.targets);
    let mut troubled: Vec<(Concern, &Judged)> =
        all.filter_map(|judged| concern(judged).map(|concern| (concern, judged))).collect();
    let rank = |(concern, judged): &(Concern, &Judged)| (*concern as u8, -judged.factor.unwrap_or(1.0));
    troubled.sort_by(|a, b| rank(a).0.cmp(&rank(b).0).then(rank(a).1.total_cmp(&rank(b).1)));
    troubled.into_iter().map(|(concern, judged)| look(concern, &judged.claim.id, &brief(judged))).collect()
}

fn concern(judged: &Judged) -> Option<Concern> {
    match judged.verdict {
        Verdict::Missed if is_before(&judged.claim) => Some(Concern::NotReproduced),
        Verdict::Implausible => Some(Concern::Implausible),
        Verdict::Missed => Some(Concern::Missed),
        Verdict::Unresolved => Some(Concern::Unresolved),
        Verdict::Met | Verdict::NotMeasurable => None,
    }
}

fn look(concern: Concern, name: &str, sentence: &str) -> LookAt {
    LookAt { concern, name: name.into(), sentence: sentence.into() }
}

/// Measured against documented in one short line: `137 ns, documented <= 15.3 ns: 8.95x over`.
fn brief(judged: &Judged) -> String {
    let Some(value) = judged.measured else { return judged.evidence.clone() };
    let measured = words::measured_value(&value, &judged.claim.unit);
    let documented = format!("{measured}, documented {}", judged.target());
    let factor = judged.factor.map(words::significant);
    match (judged.verdict, factor) {
        (Verdict::Implausible, Some(factor)) => {
            format!("{documented}: {factor}x below what this machine can do")
        }
        (Verdict::Unresolved, _) => format!("{documented}: its interval holds both"),
        (_, Some(factor)) if is_loss(&judged.claim, &value) => {
            format!("{documented}: {factor}x as much, not less")
        }
        (_, Some(factor)) if value.value > judged.claim.value => format!("{documented}: {factor}x over"),
        (_, Some(factor)) => format!("{documented}: {factor}x under"),
        (_, None) => documented,
    }
}
