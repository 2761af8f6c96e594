//! What is derived from raw rounds, on small records made by hand.

use super::*;

fn launch(number: u32, p99_ns: Option<f64>) -> Launch {
    let percentiles =
        p99_ns.map(|p99_ns| Percentiles { p50_ns: 20.0, p90_ns: 25.0, p99_ns, p999_ns: 2.0 * p99_ns });
    Launch {
        launch: number,
        rounds_ns_per_op: vec![20.0, 90.0, 21.0],
        classes: "nfn".into(),
        bounce_ns: vec![25.0, 220.0, 27.0],
        percentiles,
    }
}

fn measured(p99_ns: [Option<f64>; 3]) -> Measured {
    let latency = Latency {
        samples: 3000,
        p50_ns: 20.0,
        p90_ns: 25.0,
        p99_ns: 31.0,
        p999_ns: 62.0,
        max_ns: 100.0,
        histogram_v2: String::new(),
    };
    Measured {
        ops_per_batch: 1,
        launches: (0..).zip(p99_ns).map(|(number, p99_ns)| launch(number, p99_ns)).collect(),
        latency: Some(latency),
        latency_parts: BTreeMap::new(),
        counts: vec![],
        facts: vec![],
        checksum: String::new(),
    }
}

#[test]
fn a_percentile_is_as_wide_as_the_launches_differ() {
    let p99 = measured([Some(30.0), Some(31.0), Some(33.0)]).metric("p99").unwrap();
    assert_eq!(p99.value, 31.0);
    assert!(p99.low < 30.5 && p99.high > 32.0 && p99.high.is_finite(), "{p99:?}");
}

#[test]
fn a_percentile_of_one_merged_distribution_is_never_exact() {
    for launches in [[None; 3], [Some(30.0), None, None]] {
        let p99 = measured(launches).metric("p99").unwrap();
        assert_eq!((p99.value, p99.low, p99.high), (31.0, 0.0, f64::INFINITY));
    }
}

#[test]
fn the_bounce_of_a_row_is_that_of_the_rounds_kept() {
    assert_eq!(measured([None; 3]).bounce_ns(), Some(26.0));
}
