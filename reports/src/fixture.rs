//! A realistic record made by code, with every kind of row and verdict, for tests and goldens. Nothing in it was
//! measured.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::serialization::{Serializer, V2Serializer};
use perfbench_harness::case::{Fact, histogram};
use perfbench_harness::claim::{Claim, Floor, Measure, Transform};
use perfbench_harness::clock::ClockFacts;
use perfbench_harness::machine::{Environment, EnvironmentCheck, Machine};
use perfbench_harness::record::{
    CorePair, Count, CounterFacts, End, Header, Latency, Launch, Limit, Line, Measured, Outcome, Provenance,
    Row, RowBound, RunRecord, Setting,
};
use perfbench_harness::stats::Interval;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Reason, Unavailable};
use std::collections::BTreeMap;

const LAUNCHES: u32 = 5;
const ROUNDS: usize = 8;

/// The record that goldens are made of.
pub fn record() -> RunRecord {
    let mut record = RunRecord::new(header("0193f2c4a7"));
    record.limits = limits();
    record.rows = rows(&mut Random::new(1));
    record.warnings = vec!["the other core was busy during ring_spsc/hop: 2 rounds were repeated".into()];
    record.end = Some(end());
    record
}

/// The same run a day later: the sequenced ring 10 % slower, the portable cipher gone, the rest alike.
pub fn later() -> RunRecord {
    let mut record =
        RunRecord::new(Header { started: "2026-03-02T08:00:00Z".into(), ..header("0194a001b2") });
    record.limits = limits();
    record.rows = rows(&mut Random::new(2));
    record.rows.retain(|row| row.key() != "aead/seal_4k/portable");
    for row in record.rows.iter_mut().filter(|row| row.key() == "ring_spsc/hop/sequenced") {
        slow_down(row, 1.1);
    }
    record.end = Some(end());
    record
}

/// The same run on an emulated machine, as a perfbench that does not know emulators would have written it.
pub fn emulated() -> RunRecord {
    let real = record();
    let machine = Machine { emulator: Some("QEMU TCG".into()), ..real.header.machine.clone() };
    let mut record = RunRecord::new(Header { machine, ..real.header });
    real.limits.into_iter().for_each(|limit| record.push(Line::Limit(limit)));
    real.rows.into_iter().for_each(|row| record.push(Line::Row(Box::new(row))));
    record.end = real.end;
    record
}

/// A record of `count` measured rows in groups of four, for the size and speed of a page.
pub fn wide(count: usize) -> RunRecord {
    let mut random = Random::new(3);
    let mut record = RunRecord::new(header("0195ffff00"));
    record.limits = limits();
    let row = |index: usize| {
        let ns = 5.0 + 3.0 * (index % 97) as f64;
        let mut row = solo(&mut random, "wide", ["a", "b", "c", "d"][index % 4], ns);
        row.point = format!("point_{}", index / 4);
        row
    };
    record.rows = (0..count).map(row).collect();
    record.end = Some(end());
    record
}

fn slow_down(row: &mut Row, factor: f64) {
    if let Outcome::Measured(measured) = &mut row.outcome {
        let rounds = measured.launches.iter_mut().flat_map(|launch| &mut launch.rounds_ns_per_op);
        rounds.for_each(|ns| *ns *= factor);
    }
}

fn header(run: &str) -> Header {
    Header {
        program: String::new(),
        schema: "perfbench.run/1".into(),
        version: "0.1.0".into(),
        run: run.into(),
        started: "2026-03-01T08:00:00Z".into(),
        command: ["perfbench", "run", "--budget", "60s"].map(String::from).to_vec(),
        settings: vec![setting("budget", "60s", "flag"), setting("launches", "5", "default")],
        seed: 42,
        inputs: BTreeMap::new(),
        registry: String::new(),
        cold: false,
        loop_ns_per_op: None,
        clock: clock(),
        machine: machine(),
        environment: environment(),
        counters: vec![counter("heap: allocations", None), counter("perf_event: cycles", Some(no_pmu()))],
        claims: claims(),
    }
}

fn setting(name: &str, value: &str, origin: &str) -> Setting {
    Setting { name: name.into(), value: value.into(), origin: origin.into() }
}

fn counter(name: &str, unavailable: Option<Unavailable>) -> CounterFacts {
    CounterFacts { name: name.into(), about: "counted in a pass of its own".into(), unavailable }
}

fn no_pmu() -> Unavailable {
    Unavailable::new(Reason::NoPmu, "this VM exposes no performance counters")
}

fn clock() -> ClockFacts {
    ClockFacts {
        name: "tsc".into(),
        why: "invariant and calibrated".into(),
        ns_per_tick: 0.25,
        overhead_ns: 9.0,
        resolution_ns: 0.5,
    }
}

fn machine() -> Machine {
    Machine {
        cpu: "Example CPU 9000".into(),
        microarchitecture: "AMD Zen 5".into(),
        architecture: "x86_64".into(),
        features: ["sse2", "avx2", "aes-ni", "pclmul"].map(String::from).to_vec(),
        hypervisor: Some("KVM".into()),
        kernel: "Linux 6.1".into(),
        compiler: "rustc 1.95.0".into(),
        ..Machine::scripted()
    }
}

fn environment() -> Environment {
    let check = |name: &str, value: &str, good, effect: &str, remedy: Option<&str>| EnvironmentCheck {
        name: name.into(),
        value: value.into(),
        good,
        effect: effect.into(),
        remedy: remedy.map(String::from),
    };
    Environment {
        grade: 'C',
        checks: vec![
            check("governor", "unknown", None, "a varying clock moves absolute times", None),
            check("hypervisor", "KVM", Some(false), "virtual cores wander between core complexes", None),
            check("swap", "off", Some(true), "no page is fetched from disk", None),
            check(
                "smt",
                "on",
                Some(false),
                "a sibling thread takes half a core",
                Some("echo off > /sys/devices/system/cpu/smt/control"),
            ),
        ],
    }
}

fn end() -> End {
    End {
        finished: "2026-03-01T08:01:02Z".into(),
        status: "complete".into(),
        elapsed_s: 62.4,
        environment: environment(),
    }
}

fn limits() -> Vec<Limit> {
    let limit = |name: &str, about: &str, unit: &str, value: f64| Limit {
        name: name.into(),
        about: about.into(),
        unit: unit.into(),
        value: Ok(Interval { value, low: 0.98 * value, high: 1.03 * value }),
        note: None,
        curve: vec![],
        repeats: vec![],
        pairs: vec![],
    };
    let staircase = [[16.0, 1.1], [32.0, 1.1], [64.0, 3.4], [1024.0, 3.6], [4096.0, 11.0], [65536.0, 95.0]];
    vec![
        limit("clock_add", "one dependent add", "ns", 0.26),
        Limit {
            note: Some("sysfs states 32 KiB and the staircase agrees".into()),
            curve: staircase.to_vec(),
            ..limit("l1_latency", "dependent load from the first-level cache", "ns", 1.1)
        },
        Limit {
            pairs: two_clusters(4, 96.0),
            ..limit("line_bounce", "one-way cache-line transfer between the two cores", "ns", 42.0)
        },
        limit("read_bandwidth", "streaming read of 256 MiB", "GB/s", 21.3),
        Limit {
            value: Err(Unavailable::new(Reason::NoHugePages, "no huge page could be had")),
            ..limit("page_fault", "first touch of a fresh page", "ns", 0.0)
        },
    ]
}

/// All pairs of so many CPUs, of which each half lies together; between the halves a line takes `apart_ns`.
pub fn two_clusters(cpus: usize, apart_ns: f64) -> Vec<CorePair> {
    let pair = |first: usize, second: usize| {
        let apart = first / (cpus / 2) != second / (cpus / 2);
        let ns = if apart { apart_ns } else { 24.0 };
        let far_visits = if ns > 110.0 { 4 } else { 0 };
        CorePair { cpus: [first, second], one_way_ns: [ns, ns], near_visits: 4 - far_visits, far_visits }
    };
    (0..cpus).flat_map(|first| (first + 1..cpus).map(move |second| pair(first, second))).collect()
}

fn rows(random: &mut Random) -> Vec<Row> {
    let mut rows = pool_rows(random);
    rows.extend(cipher_rows(random));
    rows.extend(wire_rows(random));
    rows.extend(ring_rows(random));
    rows
}

fn pool_rows(random: &mut Random) -> Vec<Row> {
    let malloc = Row { role: "baseline".into(), ..solo(random, "object_pool", "system_malloc", 24.0) };
    let sync_pool = Row { role: "optimised".into(), ..solo(random, "object_pool", "sync_mutex", 9.6) };
    let async_pool = solo(random, "object_pool", "async_mutex", 31.0);
    let rows =
        [malloc, sync_pool, async_pool].map(|row| Row { point: "hit".into(), source: "000".into(), ..row });
    let [malloc, sync_pool, mut async_pool] = rows;
    with(&mut async_pool, |m| m.latency = Some(latency(31.0)));
    vec![malloc, sync_pool, async_pool]
}

fn cipher_rows(random: &mut Random) -> Vec<Row> {
    let isa = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let lacks = Unavailable::new(Reason::IsaAbsent, "neon-aes belongs to aarch64; this machine is x86_64");
    let mut rows = Vec::new();
    for (point, portable_ns, aes_ns) in [("seal_210", 820.0, 95.0), ("seal_4k", 14_300.0, 1_180.0)] {
        let portable = Row { role: "baseline".into(), ..solo(random, "aead", "portable", portable_ns) };
        let aes = Row { isa: isa(&["aes-ni", "pclmul"]), ..solo(random, "aead", "aes_ni", aes_ns) };
        let neon = Row {
            isa: isa(&["neon", "neon-aes"]),
            outcome: Outcome::Unavailable(lacks.clone()),
            ..solo(random, "aead", "neon_aes", 1.0)
        };
        rows.extend([portable, aes, neon].map(|row| Row {
            point: point.into(),
            source: "000".into(),
            ..row
        }));
    }
    rows
}

fn wire_rows(random: &mut Random) -> Vec<Row> {
    let mut rows = Vec::new();
    for (variant, ns, allocations) in [("nested", 260.0, 10.0), ("flat", 61.0, 1.0)] {
        let row = solo(random, "wire_message", variant, ns);
        let mut row = Row { point: "serialise".into(), source: "001".into(), ..row };
        with(&mut row, |m| {
            m.counts.push(count("allocations", Ok(allocations), Provenance::Software));
            m.counts.push(count("cycles", Err(no_pmu()), Provenance::Unavailable));
            m.counts.extend(wire_counts(allocations));
            m.facts.push(Fact::new("wire_bytes", "bytes", 187.0));
        });
        rows.push(row);
    }
    let broke = Outcome::Broke { message: "check failed: expected 187 bytes, got 186".into() };
    let pooled = solo(random, "wire_message", "flat_pooled", 1.0);
    rows.push(Row { point: "serialise".into(), source: "001".into(), outcome: broke, ..pooled });
    rows
}

/// Counts of every provenance that must be told apart.
fn wire_counts(allocations: f64) -> [Count; 4] {
    let (provenance, threads) = match allocations > 1.0 {
        true => (Provenance::HwRaw, vec![1.1, 1.3]),
        false => (Provenance::HwScaled(0.5), Vec::new()),
    };
    let simulated = |geometry: &str, misses| {
        count("sim_l1d_misses", Ok(misses * allocations), Provenance::Simulated(geometry.into()))
    };
    let fills = count("fills_from_other_cores", Ok(2.4 * allocations), provenance);
    let syscalls = count("syscalls", Ok(0.0), Provenance::Software);
    [
        Count { method: "event 0x44 umask 0x14".into(), threads, ..fills },
        simulated("host", 0.25),
        simulated("document-000", 0.5),
        Count { method: "seccomp trap".into(), ..syscalls },
    ]
}

fn ring_rows(random: &mut Random) -> Vec<Row> {
    let variants = [
        ("locked_deque", "baseline", 310.0),
        ("sequenced", "documented", 96.0),
        ("cached_index", "optimised", 88.0),
        ("rtrb", "peer", 88.3),
    ];
    variants.map(|(variant, role, ns)| hop(random, variant, role, ns)).to_vec()
}

fn hop(random: &mut Random, variant: &str, role: &str, ns: f64) -> Row {
    let mut row = Row {
        point: "hop".into(),
        role: role.into(),
        source: "002".into(),
        unit_of_work: "hop".into(),
        cpus: vec![0, 1],
        bound: Some(RowBound {
            limit: "line_bounce".into(),
            times: 1.0,
            why: "a message needs one line transfer".into(),
        }),
        ..solo(random, "ring_spsc", variant, ns)
    };
    with(&mut row, |measured| {
        measured.launches.iter_mut().for_each(|launch| wander(launch, random));
        measured.latency = Some(latency(ns));
    });
    row
}

/// Moves one round of a launch far away, where virtual cores go now and then.
fn wander(launch: &mut Launch, random: &mut Random) {
    let far = random.below(ROUNDS as u64) as usize;
    launch.rounds_ns_per_op[far] *= 4.6;
    launch.classes = (0..ROUNDS).map(|round| if round == far { 'f' } else { 'n' }).collect();
    launch.bounce_ns = (0..ROUNDS).map(|round| if round == far { 205.0 } else { 42.0 }).collect();
}

fn solo(random: &mut Random, workload: &str, variant: &str, ns: f64) -> Row {
    Row {
        unbounded: None,
        workload: workload.into(),
        point: "point".into(),
        variant: variant.into(),
        role: "documented".into(),
        source: "000".into(),
        about: format!("the {variant} way"),
        unit_of_work: "operation".into(),
        isa: vec![],
        bound: None,
        cpus: vec![0],
        partial: false,
        outcome: Outcome::Measured(measured(random, ns)),
    }
}

fn measured(random: &mut Random, ns: f64) -> Measured {
    let noisy = |random: &mut Random, spread: f64| ns * (1.0 + spread * (random.unit() - 0.5));
    let launch = |launch| Launch {
        launch,
        rounds_ns_per_op: (0..ROUNDS).map(|_| noisy(random, 0.02)).collect(),
        ..Launch::default()
    };
    Measured {
        ops_per_batch: 4096,
        launches: (0..LAUNCHES).map(launch).collect(),
        latency: None,
        latency_parts: Default::default(),
        counts: vec![],
        facts: vec![],
        checksum: "5eed".into(),
    }
}

fn with(row: &mut Row, change: impl FnOnce(&mut Measured)) {
    if let Outcome::Measured(measured) = &mut row.outcome {
        change(measured);
    }
}

fn count(name: &str, per_op: Result<f64, Unavailable>, provenance: Provenance) -> Count {
    Count::new(name, per_op, provenance)
}

/// A skewed distribution with a long tail around a median.
fn latency(ns: f64) -> Latency {
    let mut histogram = histogram();
    for index in 0..10_000u32 {
        let share = (f64::from(index) + 0.5) / 10_000.0;
        let value_ns = ns * (0.9 + 0.1 / (1.0 - share).powf(0.35));
        histogram.record((value_ns * 1000.0) as u64).expect("within the bounds");
    }
    let at = |q| histogram.value_at_quantile(q) as f64 / 1000.0;
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).expect("a vector takes it");
    Latency {
        samples: histogram.len(),
        p50_ns: at(0.5),
        p90_ns: at(0.9),
        p99_ns: at(0.99),
        p999_ns: at(0.999),
        max_ns: histogram.max() as f64 / 1000.0,
        histogram_v2: STANDARD.encode(bytes),
    }
}

fn claims() -> Vec<Claim> {
    vec![
        Claim {
            spread: Some(2.1),
            note: Some("two async mutexes are taken on the way".into()),
            ..claim("pool.hit", "000", "<=", 15.3, "ns", measure("object_pool/hit/async_mutex"))
        },
        claim("pool.malloc", "000", ">=", 847.0, "ns", measure("object_pool/hit/system_malloc")),
        claim(
            "cipher.speedup",
            "000",
            ">=",
            4.0,
            "x",
            over("aead/seal_210/aes_ni", "aead/seal_210/portable"),
        ),
        claim("cipher.neon", "000", "<=", 39.0, "ms", measure("aead/seal_210/neon_aes")),
        Claim {
            unmeasurable: Some(Unavailable::new(
                Reason::TargetAmbiguous,
                "the document names no cache level",
            )),
            measure: None,
            ..claim("pool.miss_rate", "000", "<=", 12.0, "%", measure(""))
        },
        claim("wire.nested", "001", "==", 10.0, "allocations", allocations("wire_message/serialise/nested")),
        Claim { kind: "ratio".into(), ..claim("wire.cut", "001", ">=", 95.0, "%", allocations_cut()) },
        claim(
            "wire.pooled",
            "001",
            "==",
            0.0,
            "allocations",
            allocations("wire_message/serialise/flat_pooled"),
        ),
        claim("ring.hop", "002", "<=", 88.0, "ns", measure("ring_spsc/hop/cached_index")),
        claim("ring.light", "002", "<=", 20.0, "ns", bounded("ring_spsc/hop/sequenced")),
        claim("ring.op", "002", "<=", 20.0, "ns", measure("ring_spsc/same_thread/sequenced")),
        Claim { measure: None, ..claim("arena.list", "004", ">=", 0.9, "order", measure("")) },
    ]
}

fn claim(id: &str, document: &str, op: &str, value: f64, unit: &str, measure: Measure) -> Claim {
    Claim {
        id: id.into(),
        source: format!("{document}_example.txt"),
        section: "Example section".into(),
        claim: format!("what {id} promises"),
        kind: if unit == "allocations" { "count" } else { "absolute" }.into(),
        unit: unit.into(),
        op: op.into(),
        value,
        spread: None,
        baseline: None,
        note: None,
        measure: Some(measure),
        unmeasurable: None,
    }
}

fn measure(row: &str) -> Measure {
    Measure {
        row: row.into(),
        metric: "time".into(),
        over: None,
        transform: Transform::None,
        scale: 1.0,
        floor: None,
    }
}

fn over(row: &str, other: &str) -> Measure {
    Measure { over: Some(other.into()), ..measure(row) }
}

fn allocations(row: &str) -> Measure {
    Measure { metric: "allocations".into(), ..measure(row) }
}

fn allocations_cut() -> Measure {
    Measure {
        metric: "allocations".into(),
        transform: Transform::PercentLess,
        ..over("wire_message/serialise/flat", "wire_message/serialise/nested")
    }
}

fn bounded(row: &str) -> Measure {
    let why = "a message needs one line transfer".into();
    Measure { floor: Some(Floor { limit: "line_bounce".into(), times: 1.0, why }), ..measure(row) }
}
