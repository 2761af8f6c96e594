//! The way of a cache line between every two CPUs as a table of text. Pure.

use perfbench_harness::record::CorePair;
use std::collections::BTreeSet;

/// Most CPUs whose table fits 80 columns; of more, the note beside the limit tells the extremes.
const CPUS_MOST: usize = 16;

/// Nothing for one pair, which the note tells in full, nor for too many.
pub fn table(pairs: &[CorePair]) -> String {
    let cpus: BTreeSet<usize> = pairs.iter().flat_map(|pair| pair.cpus).collect();
    if !(3..=CPUS_MOST).contains(&cpus.len()) {
        return String::new();
    }
    let names: String = cpus.iter().map(|cpu| format!("{cpu:>4}")).collect();
    let lines = cpus.iter().map(|lead| {
        let cells: String = cpus.iter().map(|follow| cell(pairs, *lead, *follow)).collect();
        format!("      {lead:>4}{cells}\n")
    });
    [format!("      CPU {names}\n")].into_iter().chain(lines).collect()
}

fn cell(pairs: &[CorePair], lead: usize, follow: usize) -> String {
    let way = pairs.iter().find_map(|pair| match pair.cpus {
        cpus if cpus == [lead, follow] => Some(pair.one_way_ns[0]),
        cpus if cpus == [follow, lead] => Some(pair.one_way_ns[1]),
        _ => None,
    });
    way.map_or("   -".into(), |ns| format!("{ns:>4.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lead_and_columns_follow() {
        let pair = |cpus, one_way_ns| CorePair { cpus, one_way_ns, near_visits: 4, far_visits: 0 };
        let pairs = [pair([0, 1], [24.2, 25.7]), pair([0, 4], [96.0, 97.0]), pair([1, 4], [98.0, 99.0])];
        let expected = "      CPU    0   1   4\n         0   -  24  96\n         1  26   -  98\n         4  97  99   -\n";
        assert_eq!(table(&pairs), expected);
        assert_eq!(table(&pairs[..1]), "");
    }
}
