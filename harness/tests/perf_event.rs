//! Perf events as this kernel really grants them, to this user and to one without privilege. It forks, so it has no
//! test runner and no second thread beside it.

use perfbench_harness::case::fleet;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::perf_event::{CORE, SOFTWARE};
use perfbench_harness::counter::{self, SOURCES, Selection, Source};
use perfbench_harness::record::{Count, CounterFacts, Provenance};
use perfbench_harness::{Reason, Unavailable};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::hint::black_box;
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
    each_thread_of_a_fleet_is_counted_by_itself();
    a_thread_that_takes_no_part_adds_nothing();
    a_thread_that_started_after_the_counters_is_not_left_out_in_silence();
    println!("perf_event: all checks passed");
}

fn every_absent_event_is_explained_in_words() {
    let perf_events = SOURCES.iter().filter(|source| source.name() == CORE.name());
    for fact in perf_events.flat_map(|source| counter::facts_of(*source)) {
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
    let once = |ops| counter::count_here(&group("core"), ops, &mut { rounds }).swap_remove(1).per_op;
    // A timer tick within the region adds the kernel's instructions where they are counted too.
    let least = |ops| (1..5).fold(once(ops), |least, _| least.and_then(|least| Ok(once(ops)?.min(least))));
    match (least(100_000), least(1_000_000)) {
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
    let brackets: Vec<_> = groups.iter().filter_map(|group| group.bracket()).collect();
    groups.iter_mut().for_each(|group| group.start());
    brackets.iter().for_each(|bracket| bracket.enter());
    (0..20_000_000).for_each(|round| _ = black_box(round));
    brackets.iter().for_each(|bracket| bracket.leave());
    for cycles in groups.iter_mut().map(|group| group.stop(1).swap_remove(0)) {
        println!("perf_event: shared counters give {:?} cycles, {:?}", cycles.value, cycles.provenance);
        match (cycles.value, cycles.provenance) {
            (Ok(value), Provenance::HwScaled(share)) => assert!(value > 0.0 && share > 0.0 && share < 1.0),
            (Ok(value), provenance) => {
                assert!(value > 0.0 && [Provenance::HwGeneric, Provenance::HwRaw].contains(&provenance));
            }
            (Err(why), _) => assert_eq!(why.reason, Reason::InUse, "{why}"),
        }
    }
}

/// Faults, sleeps and work that this process causes on purpose show up, or the count says that it cannot see them: it
/// never says zero.
fn software_events_move_as_far_as_the_setting_lets_this_user_see() {
    let mut run = |pages| {
        touched(pages as usize);
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

/// Every thread takes its own faults; the hand-over between them takes none.
fn each_thread_of_a_fleet_is_counted_by_itself() {
    let touch = |pages: usize| move |_: u64| touched(pages);
    let mut case = fleet(&[0, 1, 0], vec![touch(16), touch(64), touch(256)]);
    let time = Clock::open(ClockChoice::Monotonic);
    case.batch(1, &time);
    let faults = counter::count(&group("software"), 4, &mut |pass| {
        case.batch(pass.ops, &pass.clock(&time));
    })
    .swap_remove(0);
    let Ok(sum) = faults.per_op else { return println!("perf_event: no faults to tell apart, {faults:?}") };
    println!("perf_event: {sum} faults an operation, by thread {:?}", faults.threads);
    assert_eq!(faults.threads.len(), 3);
    assert!((faults.threads.iter().sum::<f64>() / sum - 1.0).abs() < 1e-9, "{faults:?}");
    for (pages, counted) in [16.0, 64.0, 256.0].into_iter().zip(faults.threads) {
        assert!((counted - pages).abs() <= 4.0, "{pages} pages, {counted} faults");
    }
}

/// A follower of another case stands by while this one is counted.
fn a_thread_that_takes_no_part_adds_nothing() {
    let _idle = fleet(&[0, 1], vec![|_: u64| touched(64); 2]);
    let touch = |ops| (0..ops).for_each(|_| _ = touched(64));
    let faults = counter::count_here(&group("software"), 4, &mut { touch }).swap_remove(0);
    assert!(faults.threads.is_empty(), "{faults:?}");
    assert!(faults.per_op.as_ref().map_or(true, |faults| (faults - 64.0).abs() <= 4.0), "{faults:?}");
}

fn a_thread_that_started_after_the_counters_is_not_left_out_in_silence() {
    let counts = counter::count(&group("software"), 1, &mut |pass| {
        std::thread::scope(|scope| _ = scope.spawn(|| pass.inside(|| touched(16))));
    });
    for count in counts {
        let why = count.per_op.expect_err("its operations were not seen");
        assert!(why.reason == Reason::NoPrivilege || why.detail.contains("started after"), "{why}");
    }
}

fn group(word: &str) -> Selection {
    word.parse().expect("the word is a group")
}

/// By a mapping of its own: an allocator would hand the same pages out again.
fn touched(pages: usize) -> u64 {
    let (length, access) = ((pages + 1) * PAGE_BYTES, ProtFlags::READ | ProtFlags::WRITE);
    // SAFETY: asks for fresh memory at an address of the kernel's choice.
    let memory = unsafe { mmap_anonymous(std::ptr::null_mut(), length, access, MapFlags::PRIVATE) };
    let memory = memory.expect("a few pages can be had");
    for page in 0..pages {
        // SAFETY: the mapping has more pages.
        let byte = unsafe { memory.cast::<u8>().add(page * PAGE_BYTES) };
        // SAFETY: the byte is in the mapping, which nothing else knows of.
        unsafe { byte.write_volatile(1) };
    }
    // SAFETY: nothing points into the mapping any more.
    unsafe { munmap(memory, length) }.expect("what was mapped is unmapped");
    pages as u64
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
