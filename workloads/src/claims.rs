//! The documented targets of `claims.toml` as values. Judging them is the reports' affair.

use perfbench_harness::claim::Claim;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    claim: Vec<Claim>,
}

/// Every documented target, in file order.
///
/// # Panics
/// Where the file that was compiled in does not parse; a test reads it before anybody else does.
pub fn claims() -> Vec<Claim> {
    let file: File = toml::from_str(include_str!("../claims.toml")).expect("claims.toml parses");
    file.claim
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REGISTRY;
    use perfbench_harness::plan;
    use std::collections::BTreeSet;

    #[test]
    fn every_documented_figure_is_here_once() {
        let claims = claims();
        let ids: BTreeSet<&str> = claims.iter().map(|claim| claim.id.as_str()).collect();
        assert_eq!((claims.len(), ids.len()), (128, 128));
        let per_document =
            |number: &str| claims.iter().filter(|claim| claim.source.starts_with(number)).count();
        assert_eq!(["000", "001", "002", "003", "004"].map(per_document), PER_DOCUMENT);
    }

    const PER_DOCUMENT: [usize; 5] = [59, 11, 14, 16, 28];

    #[test]
    fn every_claim_says_how_it_is_compared_and_is_measured_or_unmeasurable_but_not_both() {
        for claim in claims() {
            assert!(["<=", "<", ">=", ">", "=="].contains(&claim.op.as_str()), "{}: {}", claim.id, claim.op);
            let kinds = ["ratio", "absolute", "bound", "count", "scaling"];
            assert!(kinds.contains(&claim.kind.as_str()), "{}: {}", claim.id, claim.kind);
            assert!(claim.measure.is_none() || claim.unmeasurable.is_none(), "{}", claim.id);
            assert!(claim.value.is_finite() && claim.spread.is_none_or(f64::is_finite), "{}", claim.id);
        }
    }

    #[test]
    fn every_row_that_a_claim_is_read_off_is_in_the_registry() {
        let names = plan::names(REGISTRY);
        let measures =
            claims().into_iter().filter_map(|claim| claim.measure.map(|measure| (claim.id, measure)));
        let rows = measures
            .flat_map(|(id, m)| [Some(m.row), m.over].into_iter().flatten().map(move |r| (id.clone(), r)));
        let unknown: Vec<(String, String)> = rows.filter(|(_, row)| !names.contains(row)).collect();
        assert!(unknown.is_empty(), "no such row: {unknown:?}");
    }
}
