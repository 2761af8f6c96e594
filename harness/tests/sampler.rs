//! The sampler on a table of its own and the scripted clock: what it schedules, what it loses, what it repeats.

mod table;

use perfbench_harness::case::{Bounce, Case, solo};
use perfbench_harness::clock::Clock;
use perfbench_harness::event::{Event, Onlooker, Silent};
use perfbench_harness::launch::{Died, InProcess, Launcher};
use perfbench_harness::machine::Machine;
use perfbench_harness::plan::{Request, plan};
use perfbench_harness::record::{Line, Measured, Outcome, Row};
use perfbench_harness::sampler::Run;
use perfbench_harness::worker::{Done, Job, Reply, Task};
use perfbench_harness::{Broken, Isa, Point, Reason, Registry, Setup, Unavailable, Variant, Workload};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use table::{count, pass, point, request, variant};

fn panic_late(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let mut operations = 0;
    Ok(solo(move |i: u64| {
        operations += 1;
        assert!(operations < 12_000, "operation twelve thousand");
        i
    }))
}

fn no_device(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Err(Unavailable::new(Reason::NeedsDevice, "no such thing here"))
}

fn fail(_: &Setup<'_>) -> Result<(), Broken> {
    Err(Broken("2 and 2 made 5".into()))
}

const FOREIGN: Isa = if cfg!(target_arch = "x86_64") { Isa::NEON } else { Isa::SSE2 };

static POINTS: [Point; 2] = [point("first", 1), point("wide", 64)];
static VARIANTS: [Variant; 6] = [
    variant("good", Isa::NONE, count, pass),
    variant("other", Isa::NONE, count, pass),
    variant("panics", Isa::NONE, panic_late, pass),
    variant("wrong", Isa::NONE, count, fail),
    variant("absent", Isa::NONE, no_device, pass),
    variant("foreign", FOREIGN, count, pass),
];
static WORKLOAD: Workload =
    Workload { name: "table", about: "a test", source: "000", points: &POINTS, variants: &VARIANTS };
static REGISTRY: [&Workload; 1] = [&WORKLOAD];

fn measure(
    request: &Request,
    launcher: &mut dyn Launcher,
    onlooker: &mut dyn Onlooker,
    stop: &AtomicBool,
) -> Vec<Row> {
    measure_beside(f64::INFINITY, request, launcher, onlooker, stop)
}

fn measure_beside(
    nearest_ns: f64,
    request: &Request,
    launcher: &mut dyn Launcher,
    onlooker: &mut dyn Onlooker,
    stop: &AtomicBool,
) -> Vec<Row> {
    measure_on(&Machine::scripted(), nearest_ns, request, launcher, onlooker, stop)
}

fn measure_on(
    machine: &Machine,
    nearest_ns: f64,
    request: &Request,
    launcher: &mut dyn Launcher,
    onlooker: &mut dyn Onlooker,
    stop: &AtomicBool,
) -> Vec<Row> {
    let registry: Registry = &REGISTRY;
    let plan = plan(request, machine, registry);
    let calibration = Clock::open(request.clock).facts();
    let mut run = Run { request, plan: &plan, calibration, launcher, onlooker, stop, time: None, nearest_ns };
    let mut rows = Vec::new();
    let mut sink = |line| {
        let Line::Row(row) = line else { panic!("the sampler writes rows") };
        rows.push(*row);
        io::Result::Ok(())
    };
    run.measure(&mut sink).unwrap();
    rows
}

fn all_rows(filters: &[&str]) -> Vec<Row> {
    measure(&request(filters), &mut InProcess(&REGISTRY), &mut Silent, &AtomicBool::new(false))
}

fn reason(row: &Row) -> Option<Reason> {
    match &row.outcome {
        Outcome::Unavailable(why) => Some(why.reason),
        _ => None,
    }
}

#[test]
fn every_selected_variant_becomes_a_row_measured_or_with_its_reason() {
    let rows = all_rows(&["first"]);
    let names: Vec<&str> = rows.iter().map(|r| r.variant.as_str()).collect();
    assert_eq!(names, ["good", "other", "panics", "wrong", "absent", "foreign"]);
    assert!(rows[0].measured().is_some() && rows[1].measured().is_some());
    assert!(matches!(&rows[2].outcome, Outcome::Broke { message } if message.contains("twelve thousand")));
    assert!(matches!(&rows[3].outcome, Outcome::Broke { message } if message.contains("2 and 2 made 5")));
    assert_eq!(reason(&rows[4]), Some(Reason::NeedsDevice));
    assert_eq!(reason(&rows[5]), Some(Reason::IsaAbsent));
}

#[test]
fn on_an_emulated_machine_rows_are_checked_and_counted_and_never_timed() {
    let machine = Machine { emulator: Some("QEMU TCG".into()), ..Machine::scripted() };
    let (request, mut launcher) = (request(&["first"]), InProcess(&REGISTRY));
    let stop = AtomicBool::new(false);
    let rows = measure_on(&machine, f64::INFINITY, &request, &mut launcher, &mut Silent, &stop);
    for row in &rows[..2] {
        let Outcome::Counted(counted) = &row.outcome else { panic!("{:?}", row.outcome) };
        assert!(counted.untimed.reason == Reason::Emulated && !counted.counts.is_empty());
    }
    // The third breaks only after as many operations as timing takes.
    assert!(rows.iter().all(|row| !matches!(row.outcome, Outcome::Measured(_))));
    assert!(rows[4..].iter().all(|row| !matches!(row.outcome, Outcome::Counted(_))));
    assert!(matches!(&rows[3].outcome, Outcome::Broke { message } if message.contains("2 and 2 made 5")));
}

#[test]
fn a_point_that_needs_more_cpus_than_the_mask_holds_says_so() {
    assert!(all_rows(&["wide/good"]).iter().all(|row| reason(row) == Some(Reason::TooFewCores)));
}

#[test]
fn every_launch_brings_rounds_and_batches_are_whole_multiples_of_what_the_group_shares() {
    let rows = all_rows(&["first/good", "first/other"]);
    let (good, other) = (rows[0].measured().unwrap(), rows[1].measured().unwrap());
    assert_eq!(good.launches.iter().map(|l| l.launch).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(good.launches.iter().all(|l| l.rounds_ns_per_op.len() >= 3));
    assert_eq!(good.ops_per_batch.max(other.ops_per_batch) % good.ops_per_batch.min(other.ops_per_batch), 0);
    assert!(good.latency.as_ref().unwrap().samples >= 400);
    assert_eq!(good.checksum, other.checksum);
}

#[test]
fn the_same_script_gives_the_same_rows_to_the_last_bit() {
    let text = |rows: Vec<Row>| serde_json::to_string(&rows).unwrap();
    assert_eq!(text(all_rows(&["first"])), text(all_rows(&["first"])));
}

struct StopAfter<'a>(usize, &'a AtomicBool);

impl Onlooker for StopAfter<'_> {
    fn on(&mut self, event: &Event<'_>) {
        if let Event::Launched { done, .. } = event
            && *done == self.0
        {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_interrupt_keeps_the_launches_made_and_gives_the_rest_a_reason() {
    let stop = AtomicBool::new(false);
    let request = request(&["good", "other"]);
    let rows = measure(&request, &mut InProcess(&REGISTRY), &mut StopAfter(2, &stop), &stop);
    assert_eq!(rows[0].measured().unwrap().launches.len(), 2);
    assert!(rows[2..].iter().all(|row| row.measured().is_none()));
}

/// Dies whenever a job that measures holds the variant `other`.
struct DiesOnOther(InProcess);

impl Launcher for DiesOnOther {
    fn launch(&mut self, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), Died> {
        if matches!(job.task, Task::Measure { .. }) && job.variants.iter().any(|v| v == "other") {
            return Err(Died("the process was killed by signal 11".into()));
        }
        self.0.launch(job, reply)
    }
}

#[test]
fn a_variant_that_kills_its_process_is_found_and_costs_the_others_nothing() {
    let request = request(&["first/good", "first/other"]);
    let mut launcher = DiesOnOther(InProcess(&REGISTRY));
    let rows = measure(&request, &mut launcher, &mut Silent, &AtomicBool::new(false));
    assert_eq!(rows[0].measured().unwrap().launches.len(), 4);
    assert!(matches!(&rows[1].outcome, Outcome::Broke { message } if message.contains("signal 11")));
}

#[test]
fn a_check_alone_times_nothing_and_reports_each_variant() {
    let request = Request { test_only: true, ..request(&["first"]) };
    let plan = plan(&request, &Machine::scripted(), &REGISTRY);
    let calibration = Clock::open(request.clock).facts();
    let (mut launcher, mut onlooker, stop) = (InProcess(&REGISTRY), Silent, AtomicBool::new(false));
    let mut run = Run {
        request: &request,
        plan: &plan,
        calibration,
        launcher: &mut launcher,
        onlooker: &mut onlooker,
        stop: &stop,
        time: None,
        nearest_ns: f64::INFINITY,
    };
    let mut told = Vec::new();
    run.check(&mut |row, fault| told.push((row.to_owned(), fault.is_none())));
    let passed: Vec<&str> = told.iter().filter(|(_, ok)| *ok).map(|(row, _)| row.as_str()).collect();
    assert_eq!(told.len(), 6);
    assert_eq!(passed, ["table/good", "table/other", "table/panics", "table/absent"]);
}

/// Says that the cores were 200 ns apart in the first launch and 25 ns in the others.
struct Wandering(InProcess);

impl Launcher for Wandering {
    fn launch(&mut self, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), Died> {
        let Task::Measure { launch, .. } = job.task else { return self.0.launch(job, reply) };
        let one_way_ns = if launch == 0 { 200.0 } else { 25.0 };
        let bounce = Bounce { before_ns: one_way_ns, after_ns: one_way_ns };
        self.0.launch(job, &mut |mut told| {
            if let Reply::Outcome { result: Done::Rounds(rounds), .. } = &mut told {
                rounds.bounces = vec![bounce; rounds.ns_per_op.len()];
                rounds.stamped.bounce = Some(bounce);
            }
            reply(told);
        })
    }
}

fn classes(row: &Row) -> Vec<char> {
    row.measured().unwrap().launches.iter().map(|launch| launch.classes.chars().next().unwrap()).collect()
}

#[test]
fn launches_are_far_beside_the_nearest_place_of_the_run_and_never_mixed_with_near_ones() {
    let request = request(&["first/good"]);
    let stop = AtomicBool::new(false);
    let measure = |nearest_ns| {
        measure_beside(nearest_ns, &request, &mut Wandering(InProcess(&REGISTRY)), &mut Silent, &stop)
    };
    let wandered = measure(f64::INFINITY).pop().unwrap();
    assert_eq!(classes(&wandered), ['f', 'n', 'n', 'n']);
    let measured = wandered.measured().unwrap();
    assert_eq!(measured.launch_medians().len(), 3);
    let steady =
        measure_beside(f64::INFINITY, &request, &mut InProcess(&REGISTRY), &mut Silent, &stop).pop().unwrap();
    let samples = |measured: &Measured| measured.latency.as_ref().unwrap().samples;
    assert!(
        samples(measured) < samples(steady.measured().unwrap()),
        "stamps of the other place are left out"
    );
    assert_eq!(classes(&measure(5.0).pop().unwrap()), ['f'; 4], "something nearer was seen before");
}
