//! Perf events as this kernel really grants them, to this user and to one without privilege. It forks, so it has no
//! test runner and no second thread beside it.

use perfbench_harness::counter::perf_event::{CACHE, CORE, SOFTWARE};
use perfbench_harness::counter::{self, Selection, Source};
use perfbench_harness::record::{Count, CounterFacts, Provenance};
use perfbench_harness::{Reason, Unavailable};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Duration;

const NOBODY: u32 = 65534;
const PAGE_BYTES: usize = 4096;

fn main() {
    if cfg!(miri) {
        return println!("perf_event: skipped, the interpreter has no perf events");
    }
    every_absent_event_is_explained_in_words();
    instructions_grow_with_the_work_where_they_are_counted();
    counters_that_must_be_shared_are_scaled_or_not_counted();
    software_events_move_as_far_as_the_setting_lets_this_user_see();
    if rustix::process::geteuid().is_root() {
        without_privilege(every_absent_event_is_explained_in_words);
        without_privilege(instructions_grow_with_the_work_where_they_are_counted);
        without_privilege(software_events_move_as_far_as_the_setting_lets_this_user_see);
    } else {
        println!(
            "perf_event: the checks without privilege are skipped, because only root can give privilege up"
        );
    }
    a_thread_that_only_computes_has_its_time_counted();
    a_thread_that_stands_before_the_region_is_counted_with_the_caller();
    println!("perf_event: all checks passed");
}

fn every_absent_event_is_explained_in_words() {
    for fact in [&CORE, &CACHE, &SOFTWARE].into_iter().flat_map(|source| counter::facts_of(source)) {
        println!("{}", told(&fact));
        assert!(fact.unavailable.is_none_or(|why| why.detail.contains("; ")), "no remedy");
    }
}

fn told(fact: &CounterFacts) -> String {
    let user = rustix::process::geteuid().as_raw();
    let why = fact.unavailable.as_ref().map_or("counts".to_owned(), Unavailable::to_string);
    format!("user {user}, {}: {why}", fact.name)
}

/// Ten times the loop is ten times the instructions, whatever a round of the loop takes.
fn instructions_grow_with_the_work_where_they_are_counted() {
    let rounds = |rounds| (0..rounds).for_each(|round| _ = black_box(round));
    let instructions = |ops| counter::count_here(&group("core"), ops, &mut { rounds }).swap_remove(1);
    match (instructions(100_000).per_op, instructions(1_000_000).per_op) {
        (Ok(short), Ok(long)) => {
            println!("perf_event: {short} and {long} instructions a round");
            assert!((short / long - 1.0).abs() < 0.01, "{short} {long}");
        }
        (short, _) => println!("perf_event: no instructions to check, {}", short.expect_err("both or none")),
    }
}

/// Eight groups at once are more than any CPU has counters for.
fn counters_that_must_be_shared_are_scaled_or_not_counted() {
    let mut groups: Vec<_> = (0..8).filter_map(|_| CORE.open(&Selection::all()).ok()).collect();
    groups.iter_mut().for_each(|group| group.start());
    (0..20_000_000).for_each(|round| _ = black_box(round));
    for cycles in groups.iter_mut().map(|group| group.stop(1).swap_remove(0)) {
        println!("perf_event: shared counters give {:?} cycles, {:?}", cycles.value, cycles.provenance);
        match (cycles.value, cycles.provenance) {
            (Ok(value), Provenance::HwScaled(share)) => assert!(value > 0.0 && share > 0.0 && share < 1.0),
            (Ok(value), provenance) => assert!(value > 0.0 && provenance == Provenance::HwGeneric),
            (Err(why), _) => assert_eq!(why.reason, Reason::InUse, "{why}"),
        }
    }
}

/// Faults, sleeps and work that this process causes on purpose show up, or the count says that it cannot see them: it
/// never says zero.
fn software_events_move_as_far_as_the_setting_lets_this_user_see() {
    let mut run = |pages| {
        touch_fresh_pages(pages as usize);
        (0..pages / 100).for_each(|_| std::thread::sleep(Duration::from_micros(100)));
    };
    let counts = counter::count_here(&group("software"), 512, &mut run);
    match SOFTWARE.open(&Selection::all()) {
        Ok(_) => assert_moved(&counts),
        Err(why) => assert!([Reason::NoPrivilege, Reason::Unsupported].contains(&why.reason), "{why}"),
    }
}

fn assert_moved(counts: &[Count]) {
    let total =
        |name: &str| counts.iter().find(|c| c.name == name).map(|c| c.per_op.clone().map(|v| v * 512.0));
    let sees_kernel = total("page_faults").is_some();
    let faults = total("page_faults").or(total("page_faults:u")).expect("one of both scopes");
    assert!(faults.is_ok_and(|faults| faults >= 1.0), "{counts:?}");
    assert!(total("task_clock_ns").expect("a row").is_ok_and(|ns| ns > 1000.0), "{counts:?}");
    let switches = total("context_switches").expect("a row");
    assert_eq!(switches.clone().is_ok_and(|switches| switches >= 5.0), sees_kernel, "{counts:?}");
    assert_eq!(switches.is_err_and(|why| why.reason == Reason::NoPrivilege), !sees_kernel, "{counts:?}");
}

/// Without a context switch in between, at which the kernel would bring a lagging clock up to date.
fn a_thread_that_only_computes_has_its_time_counted() {
    let rounds = |rounds| (0..rounds).for_each(|round| _ = black_box(round));
    let task_clock_ns =
        counter::count_here(&group("software"), 1_000_000, &mut { rounds }).swap_remove(3).per_op;
    assert!(task_clock_ns.as_ref().is_err() || task_clock_ns.is_ok_and(|ns| ns > 0.0));
}

/// The caller waits while another thread, older than the counter, takes the faults.
fn a_thread_that_stands_before_the_region_is_counted_with_the_caller() {
    let barrier = Barrier::new(2);
    let wait_twice = |ops| {
        for _ in 0..2 * ops {
            barrier.wait();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            barrier.wait();
            touch_fresh_pages(256);
            barrier.wait();
            barrier.wait();
        });
        barrier.wait();
        let counts = counter::count_here(&group("software"), 1, &mut { wait_twice });
        barrier.wait();
        let faults = &counts[0].per_op;
        assert!(
            faults.as_ref().is_err() || faults.as_ref().is_ok_and(|faults| *faults >= 16.0),
            "{counts:?}"
        );
    });
}

fn group(word: &str) -> Selection {
    word.parse().expect("the word is a group")
}

fn touch_fresh_pages(pages: usize) {
    let mut memory: Vec<u8> = Vec::with_capacity(pages * PAGE_BYTES);
    memory.resize(pages * PAGE_BYTES, 1);
    black_box(memory);
}

/// Runs a check as the user `nobody` in a forked child.
fn without_privilege(check: fn()) {
    // SAFETY: this process has one thread, so the child is a whole copy of it.
    match unsafe { libc::fork() } {
        -1 => panic!("fork failed: {}", std::io::Error::last_os_error()),
        0 => std::process::exit(as_nobody(check)),
        child => {
            let child = Pid::from_raw(child).expect("fork returned a child");
            let (_, status) = waitpid(Some(child), WaitOptions::empty()).expect("a child").expect("its end");
            assert_eq!(status.exit_status(), Some(0), "the check failed without privilege");
        }
    }
}

fn as_nobody(check: fn()) -> i32 {
    // SAFETY: changes the user of this process, which has one thread; takes no pointers.
    let status = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
    assert_eq!(status, 0, "root may become nobody: {}", std::io::Error::last_os_error());
    i32::from(std::panic::catch_unwind(check).is_err())
}
