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
        ..Launch::default()
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

#[test]
fn disturbed_rounds_stay_in_the_record_and_out_of_the_medians() {
    let launch = |marks: &str| Launch {
        rounds_ns_per_op: vec![20.0, 90.0, 21.0, 80.0],
        marks: marks.into(),
        ..Launch::default()
    };
    let median = |marks: &str| {
        let measured = Measured { launches: vec![launch(marks)], ..measured([None; 3]) };
        (measured.launch_medians()[0].1, measured.disturbed(), measured.left_out())
    };
    assert_eq!(median(""), (50.5, 0, (0, 4)));
    assert_eq!(median("-s-m"), (20.5, 2, (0, 4)));
    assert_eq!(median("ssss"), (50.5, 4, (0, 4)));
}

#[test]
fn a_round_counts_where_it_is_of_the_prevailing_class_and_undisturbed() {
    let disturbed = Launch { marks: "--s".into(), ..launch(0, None) };
    let measured = Measured { launches: vec![disturbed], ..measured([None; 3]) };
    assert_eq!((measured.launch_medians(), measured.left_out()), (vec![(0, 20.0)], (1, 3)));
    assert_eq!(measured.bounce_ns(), Some(25.0));
}

#[test]
fn a_record_that_was_cut_off_goes_on_after_its_last_whole_line_and_has_one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ndjson");
    std::fs::write(&path, "{\"one\":1}\n{\"tw").unwrap();
    let mut writer = Writer::append(&path).unwrap();
    assert_eq!(Writer::append(&path).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    writer.write(&Line::Warning { text: "it goes on".into() }).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "{\"one\":1}\n{\"type\":\"warning\",\"text\":\"it goes on\"}\n");
}
