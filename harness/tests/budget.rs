//! The schedule of a run, exact: a launcher whose launches cost what a script says, on a clock that only they move.

mod table;

use perfbench_harness::clock::Clock;
use perfbench_harness::event::Silent;
use perfbench_harness::launch::{Died, InProcess, Launcher};
use perfbench_harness::machine::Machine;
use perfbench_harness::plan::{LIMITS_S, Request, plan};
use perfbench_harness::record::{Line, Row};
use perfbench_harness::sampler::{Run, Timekeeper};
use perfbench_harness::stats::interval::over_launches;
use perfbench_harness::stats::random::Random;
use perfbench_harness::worker::{Done, Job, Reply, Task};
use perfbench_harness::{Isa, Point, Variant, Workload};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use table::{count, pass, point, request, variant};

static POINTS: [Point; 3] = [point("steady", 1), point("wide", 1), point("slow", 1)];
static VARIANTS: [Variant; 2] =
    [variant("one", Isa::NONE, count, pass), variant("two", Isa::NONE, count, pass)];
static WORKLOAD: Workload =
    Workload { name: "table", about: "a test", source: "000", points: &POINTS, variants: &VARIANTS };
static REGISTRY: [&Workload; 1] = [&WORKLOAD];

/// Time that only launches move.
#[derive(Clone)]
struct Hands(Rc<Cell<f64>>);

impl Timekeeper for Hands {
    fn elapsed_s(&self) -> f64 {
        self.0.get()
    }
}

/// Takes 0.3 s to prepare a variant and 0.05 s beside the slices of a launch; launches of `slow` take their slices three
/// times, and those of `wide` are 20 % slower every second time.
struct Costly {
    hands: Hands,
    jobs: Rc<RefCell<Vec<(String, f64)>>>,
}

impl Costly {
    fn pass(&self, job: &Job) {
        let variants = job.variants.len() as f64;
        let cost_s = match &job.task {
            Task::Measure { slice_s, .. } if job.point == "slow" => 0.05 + 3.0 * slice_s * variants,
            Task::Measure { slice_s, .. } => 0.05 + slice_s * variants,
            _ => 0.3 * variants,
        };
        self.hands.0.set(self.hands.0.get() + cost_s);
    }
}

impl Launcher for Costly {
    fn launch(&mut self, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), Died> {
        self.pass(job);
        let Task::Measure { launch, slice_s, .. } = &job.task else {
            return InProcess(&REGISTRY).launch(job, reply);
        };
        self.jobs.borrow_mut().push((job.point.clone(), *slice_s));
        let factor = if job.point == "wide" && launch % 2 == 1 { 1.2 } else { 1.0 };
        InProcess(&REGISTRY).launch(job, &mut |mut told| {
            if let Reply::Outcome { result: Done::Rounds(rounds), .. } = &mut told {
                rounds.ns_per_op.iter_mut().for_each(|ns| *ns *= factor);
            }
            reply(told);
        })
    }
}

/// What came of a run.
struct Ended {
    at_s: f64,
    /// Point and slice of every launch, in order.
    jobs: Vec<(String, f64)>,
    rows: Vec<Row>,
}

impl Ended {
    fn launches(&self, point: &str) -> usize {
        self.jobs.iter().filter(|(of, _)| of == point).count()
    }
}

/// Runs a request; machine limits have taken `limits_s` before the sampler begins.
fn run(request: &Request, limits_s: f64) -> Ended {
    let hands = Hands(Rc::new(Cell::new(limits_s)));
    let jobs = Rc::new(RefCell::new(Vec::new()));
    let mut launcher = Costly { hands: hands.clone(), jobs: jobs.clone() };
    let plan = plan(request, &Machine::scripted(), &REGISTRY);
    let stop = AtomicBool::new(false);
    let mut run = Run {
        request,
        plan: &plan,
        calibration: Clock::open(request.clock).facts(),
        launcher: &mut launcher,
        onlooker: &mut Silent,
        stop: &stop,
        time: Some(&hands),
        nearest_ns: f64::INFINITY,
    };
    let mut rows = Vec::new();
    let mut sink = |line| {
        let Line::Row(row) = line else { panic!("the sampler writes rows") };
        rows.push(*row);
        io::Result::Ok(())
    };
    run.measure(&mut sink).unwrap();
    Ended { at_s: hands.elapsed_s(), jobs: jobs.take(), rows }
}

fn of(budget_s: f64, launches: u32) -> Request {
    Request { budget_s, launches, ..request(&[]) }
}

#[test]
fn a_budget_is_kept_within_five_percent_whatever_launches_and_limits_cost() {
    for (budget_s, launches, limits_s) in [
        (60.0, 5, LIMITS_S),
        (60.0, 5, 3.0),
        (60.0, 40, 14.0),
        (24.0, 5, LIMITS_S),
        (120.0, 3, 6.0),
        (17.0, 5, 12.0),
    ] {
        let ended = run(&of(budget_s, launches), limits_s);
        let share = ended.at_s / budget_s;
        assert!((0.95..=1.05).contains(&share), "{budget_s} s, {launches} launches: {:.2} s", ended.at_s);
    }
}

#[test]
fn a_budget_too_short_for_all_launches_cuts_them_but_never_below_two() {
    let ended = run(&of(13.0, 5), LIMITS_S);
    assert_eq!(ended.launches("steady"), 3);
    let beyond = run(&of(5.0, 5), LIMITS_S);
    let made: Vec<usize> = ["steady", "wide", "slow"].map(|point| beyond.launches(point)).to_vec();
    assert_eq!(made, [2, 2, 2]);
    assert!(beyond.jobs.iter().all(|(_, slice_s)| *slice_s == 0.01));
}

#[test]
fn a_budget_that_cannot_be_kept_is_known_before_it_is_broken() {
    let plan = |budget_s| plan(&of(budget_s, 5), &Machine::scripted(), &REGISTRY);
    assert!(plan(5.0).estimate_s > 5.0);
    assert_eq!(plan(60.0).estimate_s, 60.0);
    assert_eq!((plan(60.0).launches, plan(12.5).launches, plan(5.0).launches), (5, 2, 2));
}

#[test]
fn time_that_is_left_over_goes_to_the_widest_intervals() {
    let ended = run(&of(60.0, 5), LIMITS_S);
    assert!(ended.launches("wide") > 3 * ended.launches("steady"), "{:?}", ended.jobs);
    assert!(ended.launches("steady") >= 5 && ended.launches("slow") >= 3);
}

#[test]
fn a_run_ends_as_soon_as_every_interval_is_as_narrow_as_was_asked_for() {
    let narrow = Request { precision: Some(0.005), filters: vec!["steady".into()], ..of(60.0, 30) };
    let ended = run(&narrow, LIMITS_S);
    assert_eq!((ended.launches("steady"), ended.at_s < 20.0), (5, true));
}

#[test]
fn groups_that_are_precise_leave_their_time_to_those_that_are_not() {
    let ended = run(&Request { precision: Some(0.01), ..of(60.0, 5) }, LIMITS_S);
    assert_eq!(ended.launches("steady"), 5);
    assert!(ended.launches("wide") > 20 && (57.0..=63.0).contains(&ended.at_s), "{:?}", ended.jobs);
}

#[test]
fn without_a_timekeeper_a_precision_alone_calls_for_more_launches_than_planned() {
    let request = Request { precision: Some(0.0005), filters: vec!["steady".into()], ..of(60.0, 2) };
    let plan = plan(&request, &Machine::scripted(), &REGISTRY);
    let (mut launcher, mut onlooker, stop) = (InProcess(&REGISTRY), Silent, AtomicBool::new(false));
    let calibration = Clock::open(request.clock).facts();
    let mut rows = Vec::new();
    let mut sink = |line| {
        rows.push(line);
        io::Result::Ok(())
    };
    let (launcher, onlooker) = (&mut launcher, &mut onlooker);
    Run {
        request: &request,
        plan: &plan,
        calibration,
        launcher,
        onlooker,
        stop: &stop,
        time: None,
        nearest_ns: f64::INFINITY,
    }
    .measure(&mut sink)
    .unwrap();
    let Some(Line::Row(last)) = rows.last() else { panic!("the last line is a row") };
    let measured = last.measured().unwrap();
    assert!(measured.launches.len() > 2 && measured.time().relative_half_width() <= 0.0005);
}

/// Whether the interval at which a row of simulated launches stops covers its truth.
fn covers_when_it_stops(random: &mut Random, precision: f64) -> bool {
    let mut launches = Vec::new();
    loop {
        let normal = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        launches.push((3.0 + 0.02 * normal).exp());
        let interval = over_launches(&launches);
        if launches.len() >= 5 && (interval.relative_half_width() <= precision || launches.len() == 100) {
            return interval.low <= 3f64.exp() && 3f64.exp() <= interval.high;
        }
    }
}

#[test]
fn stopping_at_a_wanted_width_costs_no_more_coverage_than_the_method_says() {
    let mut random = Random::new(5);
    for precision in [0.03, 0.02, 0.01] {
        let covered = (0..1000).filter(|_| covers_when_it_stops(&mut random, precision)).count();
        assert!(covered >= 880, "{precision}: {covered} of 1000");
    }
}

#[test]
fn launches_are_paired_within_their_group_and_a_later_row_replaces_the_earlier() {
    let ended = run(&of(40.0, 3), LIMITS_S);
    let rows = &ended.rows;
    assert!(rows.len() > 6, "first every group, then those with further launches");
    let numbers = |key: &str| -> Vec<u32> {
        let row = rows.iter().rev().find(|row| row.key() == key).unwrap();
        row.measured().unwrap().launches.iter().map(|launch| launch.launch).collect()
    };
    assert_eq!(numbers("table/wide/one"), numbers("table/wide/two"));
    assert_eq!(numbers("table/wide/one").len(), ended.launches("wide"));
}
