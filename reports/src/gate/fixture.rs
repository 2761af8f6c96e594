//! A gate made by code with a row of every kind, for tests and goldens. Nothing in it was measured.

use super::{Gate, SelfTest, SelfTestRow, judge};
use crate::fixture;
use perfbench_harness::duel::record::{
    Achieved, Compared, Contest, CountPair, End, Header, Outcome, PairLaunch, Power, Share, SideFacts, Trial,
};
use perfbench_harness::duel::rule::{Decision, Look, Rule};
use perfbench_harness::machine::limits::truths::Truth;
use perfbench_harness::record::Provenance;
use perfbench_harness::stats::Interval;
use perfbench_harness::{Reason, Unavailable};

/// The gate that goldens are made of: judged, ended, with a missed target.
pub fn gate() -> Gate {
    let mut gate = judge(&header(), &contests());
    gate.missed_targets = vec!["ring.spsc.op".into()];
    gate.end = Some(end());
    gate
}

/// The same on a machine where no self-test was run, with one link of the base, and nothing in it red.
pub fn quiet_gate() -> Gate {
    let note = Some("no ld.lld beside the compiler".to_owned());
    let base = SideFacts { name: "base.bin".into(), links: 1, note };
    let rule = Rule::one_link(0.02);
    let header = Header { base, rule, achieved: None, ..header() };
    let quiet = |contest: &Contest| ["same", "faster"].contains(&contest.variant.as_str());
    judge(&header, &contests().into_iter().filter(quiet).collect::<Vec<_>>())
}

/// What was known before the first comparison.
pub fn header() -> Header {
    let run = fixture::record().header;
    let side = |name: &str| SideFacts { name: name.into(), links: 16, note: None };
    Header {
        schema: perfbench_harness::duel::record::SCHEMA.into(),
        version: "0.1.0".into(),
        gate: "20260301T080000Z-6a7e".into(),
        started: "2026-03-01T08:00:00Z".into(),
        command: ["perfbench", "gate", "--base", "main", "it's here"].map(String::from).to_vec(),
        base: side("main (1a2b3c4)"),
        candidate: side("working tree"),
        rule: Rule::relinked(0.02),
        alpha: 0.01,
        seed: 1,
        clock: run.clock,
        machine: run.machine,
        environment: run.environment,
        achieved: Some(achieved()),
    }
}

/// How it ended.
pub fn end() -> End {
    End { finished: "2026-03-01T08:00:31Z".into(), status: "complete".into(), elapsed_s: 31.2, build_s: 12.5 }
}

/// What a self-test found on the same machine.
pub fn achieved() -> Achieved {
    let power = |percent, hits, mean_s| Power { percent, found: Share { hits, of: 60 }, mean_s };
    Achieved {
        measured: "2026-02-27T17:00:00Z".into(),
        cpu: "Example CPU 9000".into(),
        relinked: true,
        false_alarms: Share { hits: 0, of: 120 },
        confirmed_false_alarms: Share { hits: 0, of: 120 },
        power: vec![power(1.04, 21, 2.1), power(2.08, 58, 0.84), power(5.1, 60, 0.31), power(10.2, 60, 0.24)],
        coverage: Share { hits: 114, of: 120 },
        unchanged_s: 0.58,
    }
}

/// A self-test of two pieces of work, one of them by far the harder.
pub fn selftest() -> SelfTest {
    let row = |name: &str, alarms, found: [u64; 4], notes: &[&str]| SelfTestRow {
        name: name.into(),
        false_alarms: Share { hits: alarms, of: 20 },
        power: achieved()
            .power
            .into_iter()
            .zip(found)
            .map(|(power, hits)| Power { found: Share { hits, of: 10 }, ..power })
            .collect(),
        coverage: Share { hits: 19, of: 20 },
        unchanged_s: 0.52,
        notes: notes.iter().map(|note| (*note).to_owned()).collect(),
    };
    SelfTest {
        achieved: achieved(),
        rows: vec![
            row("yardstick/solo/compute", 0, [6, 10, 10, 10], &[]),
            row("yardstick/solo/churn", 1, [0, 7, 10, 10], &["its launches are born fast or slow"]),
        ],
        truths: truths(),
    }
}

fn truths() -> Vec<Truth> {
    let truth = |name: &str, unit: &str, [low, value, high]: [f64; 3], measured| Truth {
        name: name.into(),
        unit: unit.into(),
        expected: Interval { value, low, high },
        measured,
    };
    let adds = "a dependent multiply costs three dependent adds";
    let absent = Unavailable::new(Reason::Unsupported, "no counting allocator is installed");
    vec![
        truth(adds, "adds", [2.94, 3.0, 3.06], Ok(3.004)),
        truth("an empty body costs nothing", "ns", [-1.0, 0.0, 1.0], Ok(1.4)),
        truth("1000 allocations count 1000", "allocations", [1e3; 3], Ok(1e3)),
        truth("1000 allocations count 1000", "allocations", [1e3; 3], Err(absent)),
    ]
}

/// A contest of every kind; the variant names the kind.
pub fn contests() -> Vec<Contest> {
    let twice = |p: Option<f64>| {
        let again = p.map(|p| trial(1.095, 0.010, Decision::Slower, p));
        compared(95.9, trial(1.101, 0.012, Decision::Slower, 1e-6), again)
    };
    let near = compared(
        12e3,
        trial(1.024, 0.01, Decision::Slower, 2e-4),
        Some(trial(1.002, 0.006, Decision::Same, 0.4)),
    );
    vec![
        timed("same", compared(18.7, trial(1.001, 0.004, Decision::Same, 0.9), None)),
        timed("gain_not_excluded", compared(18.7, trial(0.985, 0.012, Decision::Same, 0.9), None)),
        timed("slower", twice(Some(1e-6))),
        timed("slower_by_chance", twice(Some(0.004))),
        timed("not_repeated", twice(None)),
        timed("not_confirmed", near),
        timed("faster", compared(1.2e3, trial(0.78, 0.008, Decision::Faster, 1.0), None)),
        timed("unresolved", compared(42.0, trial(1.011, 0.024, Decision::Unresolved, 0.2), None)),
        timed("wandering_cores", with_drops(compared(240.0, trial(1.0, 0.006, Decision::Same, 0.7), None))),
        timed(
            "one_more_allocation",
            Compared {
                counts: vec![count("allocations", 3.0, 4.0), count("allocated_bytes", 192.0, 256.0)],
                ..compared(60.0, trial(1.004, 0.006, Decision::Same, 0.6), None)
            },
        ),
        timed(
            "one_fewer_allocation",
            Compared {
                counts: vec![count("allocations", 2.0, 1.0), count("allocated_bytes", 64.0, 64.0)],
                ..compared(60.0, trial(0.998, 0.006, Decision::Same, 0.9), None)
            },
        ),
        contest(
            "unchanged",
            Outcome::Unchanged { code: "5d41402a".into(), counts: vec![count("allocations", 1.0, 1.0)] },
        ),
        timed("unchanged_yet_timed", Compared { code_changed: Some(false), ..twice(Some(1e-6)) }),
        contest(
            "unavailable",
            Outcome::Unavailable(Unavailable::new(Reason::IsaAbsent, "this CPU lacks avx512f")),
        ),
        contest(
            "broke",
            Outcome::Broke {
                side: "candidate".into(),
                message: "check failed: <expected> \"187 bytes\" & got 186\u{1b}[0m | at offset 4".into(),
            },
        ),
    ]
}

/// A row of the fixture's one group that was timed.
pub fn timed(variant: &str, compared: Compared) -> Contest {
    contest(variant, Outcome::Compared(compared))
}

/// A row of the fixture's one group.
pub fn contest(variant: &str, outcome: Outcome) -> Contest {
    Contest {
        workload: "ring_spsc".into(),
        point: "hop".into(),
        variant: variant.into(),
        unit_of_work: "hop".into(),
        outcome,
        prepare_s: 0.2,
        compare_s: 0.6,
    }
}

/// Both sides with the same counts and changed code.
pub fn compared(base_ns: f64, first: Trial, confirmation: Option<Trial>) -> Compared {
    let at = |trial: Trial| Trial { launches: launches(base_ns, trial.ratio.value), ..trial };
    Compared {
        code_changed: Some(true),
        ops_per_sample: 4096,
        counts: vec![count("allocations", 1.0, 1.0)],
        first: at(first),
        confirmation: confirmation.map(at),
    }
}

/// A comparison with a ratio and how far its interval reaches to either side.
pub fn trial(ratio: f64, reach: f64, decision: Decision, p_slower: f64) -> Trial {
    let ratio = Interval { value: ratio, low: ratio - reach, high: ratio + reach };
    let look = Look { launches: 8, estimate: ratio.value.ln(), low: ratio.low.ln(), high: ratio.high.ln() };
    Trial { launches: vec![], looks: vec![look], decision, ratio, p_slower, elapsed_s: 0.5 }
}

fn launches(base_ns: f64, ratio: f64) -> Vec<PairLaunch> {
    let launch = |link| PairLaunch {
        link,
        candidate_link: link,
        base_ns: vec![base_ns; 3],
        candidate_ns: vec![base_ns * ratio; 3],
        dropped: 0,
    };
    (0..8).map(launch).collect()
}

fn with_drops(mut compared: Compared) -> Compared {
    for launch in compared.first.launches.iter_mut().step_by(2) {
        launch.base_ns.pop();
        launch.candidate_ns.pop();
        launch.dropped = 1;
    }
    compared
}

/// A count of both sides.
pub fn count(name: &str, base: f64, candidate: f64) -> CountPair {
    CountPair { name: name.into(), base, candidate, provenance: Provenance::Software }
}
