//! The best time that a machine limit allows an operation: which measurement of the limit counts, and how its unit turns
//! into a time.

use perfbench_harness::record::{Measured, RunRecord};
use serde::Serialize;

/// The limit that two-sided cases measure themselves, around each of their rounds.
const LINE_BOUNCE: &str = "line_bounce";

/// Which measurement of a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitSource {
    /// The one of the whole run, before its rows.
    Run,
    /// The one around the rounds of the row that were kept: the same cores, at the same place, in the same seconds.
    Row,
}

/// The best time that a limit allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// The time, ns.
    pub ns: f64,
    /// Where the limit's value comes from.
    pub source: LimitSource,
}

/// The best time of an operation that needs `times` of a limit: so many times the limit where that is a time, and so many
/// bytes where it is a bandwidth. None where the limit is unknown or bounds no time.
pub fn best(record: &RunRecord, row: Option<&Measured>, limit: &str, times: f64) -> Option<Best> {
    let own = row.filter(|_| limit == LINE_BOUNCE).and_then(Measured::bounce_ns).filter(|ns| *ns > 0.0);
    if let Some(ns) = own {
        return Some(Best { ns: times * ns, source: LimitSource::Row });
    }
    let limit = record.limits.iter().find(|known| known.name == limit)?;
    let value = limit.value.as_ref().ok()?.value;
    let ns = match limit.unit.as_str() {
        "ns" => times * value,
        // A gigabyte a second is a byte a nanosecond.
        "GB/s" => times / value,
        _ => return None,
    };
    Some(Best { ns, source: LimitSource::Run })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_row_on_two_cores_brings_its_own_bounce_of_the_rounds_kept() {
        let mut record = fixture::record();
        let hop = record.rows.iter().find(|row| row.key() == "ring_spsc/hop/sequenced").cloned();
        let measured = hop.as_ref().and_then(|row| row.measured());
        record.limits.iter_mut().filter(|l| l.name == LINE_BOUNCE).for_each(|l| {
            l.value = l.value.clone().map(|value| value.map(|ns| 5.0 * ns));
        });
        let own = best(&record, measured, LINE_BOUNCE, 2.0);
        assert_eq!(own, Some(Best { ns: 84.0, source: LimitSource::Row }));
        let of_run = best(&record, None, LINE_BOUNCE, 2.0);
        assert_eq!(of_run, Some(Best { ns: 420.0, source: LimitSource::Run }));
    }

    #[test]
    fn of_a_bandwidth_an_operation_needs_bytes() {
        let best = best(&fixture::record(), None, "read_bandwidth", 213.0).unwrap();
        assert!((best.ns - 10.0).abs() < 1e-9, "{best:?}");
    }

    #[test]
    fn what_is_unknown_bounds_nothing() {
        assert_eq!(best(&fixture::record(), None, "page_fault", 1.0), None);
        assert_eq!(best(&fixture::record(), None, "no_such_limit", 1.0), None);
    }
}
