//! System calls counted in every way that this kernel grants, by this user and by one without privilege: planted calls are
//! found one by one, and pure code has none. Each check runs in a forked child, because one of the ways cannot be undone.

use perfbench_harness::case::{Case, fleet, pair};
use perfbench_harness::clock::Clock;
use perfbench_harness::counter::syscalls::{self, Syscalls, Way};
use perfbench_harness::counter::{self, Counter, Reading, Selection, Source};
use rustix::process::{Pid, WaitOptions, getppid, waitpid};
use std::ffi::CStr;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const NOBODY: u32 = 65534;

/// Counts in one way.
type Check = fn(Way);

static CHECKS: &[Check] = &[
    a_thousand_calls_of_many_kinds_are_a_thousand,
    pure_work_makes_none,
    a_single_call_in_a_hundred_thousand_operations_is_found,
    what_other_threads_call_is_not_counted,
    yields_of_a_thread_that_waits_are_left_out_and_others_are_not,
    the_threads_of_a_case_are_counted_by_themselves,
    reading_the_clock_is_no_call,
    calls_fail_and_are_interrupted_as_they_would_be,
    threads_and_processes_start_and_end_as_they_would,
    masks_and_stacks_of_signals_are_set_as_they_would_be,
    masks_that_cannot_be_read_are_refused_as_they_would_be,
];

fn main() {
    if cfg!(miri) {
        return println!("syscalls: skipped, the interpreter has no system calls to count");
    }
    for way in Way::ALL {
        in_child(|| all_checks(way));
        without_privilege(|| all_checks(way));
    }
    in_child(a_tracepoint_that_sees_nothing_is_not_believed);
    without_privilege(a_tracepoint_that_sees_nothing_is_not_believed);
    in_child(the_default_way_counts_and_says_how);
    without_privilege(the_default_way_counts_and_says_how);
    println!("syscalls: all checks passed");
}

fn all_checks(way: Way) {
    let user = rustix::process::geteuid().as_raw();
    match Syscalls::by(way).open(&Selection::all()) {
        Ok(_) => CHECKS.iter().for_each(|check| check(way)),
        Err(why) => return println!("syscalls: user {user} has no {way:?}, {why}"),
    }
    println!("syscalls: user {user}, {way:?}: {} checks passed", CHECKS.len());
}

fn open(way: Way) -> Box<dyn Counter> {
    Syscalls::by(way).open(&Selection::all()).expect("it was opened before")
}

/// What one region counts on this thread.
fn counted<R>(way: Way, work: impl FnOnce() -> R) -> (u64, R) {
    let mut counter = open(way);
    let bracket = counter.bracket().expect("threads are counted by themselves");
    counter.start();
    bracket.enter();
    let result = work();
    bracket.leave();
    (total(&counter.stop(1)), result)
}

fn total(readings: &[Reading]) -> u64 {
    readings[0].value.clone().expect("it counts") as u64
}

fn a_thousand_calls_of_many_kinds_are_a_thousand(way: Way) {
    let file = rustix::fs::memfd_create(c"words", rustix::fs::MemfdFlags::CLOEXEC).expect("a file in memory");
    let word = AtomicU32::new(0);
    let mut byte = [0];
    let (calls, ()) = counted(way, || {
        for _ in 0..200 {
            black_box(getppid());
            rustix::io::write(&file, b"x").expect("the file grows");
            rustix::io::read(&file, &mut byte).expect("the file may be read");
            rustix::thread::futex::wake(&word, rustix::thread::futex::Flags::empty(), 1)
                .expect("nobody waits");
            map_nothing();
        }
    });
    assert_eq!(calls, 1000, "{way:?}");
}

/// A call for a mapping that the kernel must refuse.
fn map_nothing() {
    // SAFETY: a mapping of no bytes is refused, so nothing changes.
    let refused =
        unsafe { libc::mmap(std::ptr::null_mut(), 0, 0, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
    assert_eq!(refused, libc::MAP_FAILED);
}

fn pure_work_makes_none(way: Way) {
    assert_eq!(counted(way, || ()).0, 0, "{way:?}");
    assert_eq!(counted(way, || (0..1_000_000u64).for_each(|i| _ = black_box(i))).0, 0, "{way:?}");
}

fn a_single_call_in_a_hundred_thousand_operations_is_found(way: Way) {
    let call_once = |i| if i == 77_777 { _ = black_box(getppid()) } else { _ = black_box(i) };
    assert_eq!(counted(way, || (0..100_000).for_each(call_once)).0, 1, "{way:?}");
}

fn what_other_threads_call_is_not_counted(way: Way) {
    let (calling, over) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                black_box(getppid());
                calling.store(true, Ordering::Relaxed);
            }
        });
        while !calling.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        let spin = || (0..1_000_000u64).for_each(|i| _ = black_box(i));
        assert_eq!(counted(way, spin).0, 0, "{way:?}");
        over.store(true, Ordering::Relaxed);
    });
}

fn yields_of_a_thread_that_waits_are_left_out_and_others_are_not(way: Way) {
    let wait = || (0..50).for_each(|_| syscalls::yield_turn());
    assert_eq!(counted(way, wait).0, 0, "{way:?}");
    let yield_and_wait = || {
        (0..50).for_each(|_| [std::thread::yield_now, syscalls::yield_turn].iter().for_each(|turn| turn()))
    };
    assert_eq!(counted(way, yield_and_wait).0, 50, "{way:?}");
}

fn the_threads_of_a_case_are_counted_by_themselves(way: Way) {
    let quiet = |i: u64| black_box(i);
    let calls_once = |i: u64| i + getppid().map_or(0, |_| 1);
    let calls_twice = move |i: u64| calls_once(calls_once(i));
    let cpus = [0, 1];
    assert_eq!(threads_of(way, pair(cpus, 1.0, quiet, calls_once)), (100, vec![0, 100]), "{way:?}");
    assert_eq!(threads_of(way, pair(cpus, 1.0, calls_twice, quiet)), (200, vec![200, 0]), "{way:?}");
    assert_eq!(threads_of(way, fleet(&[0, 1, 0], vec![calls_once; 3])), (300, vec![100; 3]), "{way:?}");
}

/// All calls of a hundred operations, and those of each thread.
fn threads_of(way: Way, mut case: Box<dyn Case>) -> (u64, Vec<u64>) {
    let mut counter = open(way);
    let clock = Clock::around(counter.bracket().expect("threads are counted by themselves"));
    case.batch(0, &clock);
    counter.start();
    case.batch(100, &clock);
    let readings = counter.stop(100);
    (total(&readings), readings[0].threads.iter().map(|count| *count as u64).collect())
}

fn reading_the_clock_is_no_call(way: Way) {
    let source = std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    if !source.is_ok_and(|name| ["tsc", "arch_sys_counter"].contains(&name.trim())) {
        return println!("syscalls: on this clock source a reading may be a call");
    }
    assert_eq!(counted(way, || (0..1000).for_each(|_| _ = black_box(Instant::now()))).0, 0, "{way:?}");
}

fn calls_fail_and_are_interrupted_as_they_would_be(way: Way) {
    let (calls, error) = counted(way, || {
        // SAFETY: no descriptor has this number.
        let status = unsafe { libc::close(-1) };
        (status, std::io::Error::last_os_error().raw_os_error())
    });
    assert_eq!((calls, error), (1, (-1, Some(libc::EBADF))), "{way:?}");
    let (calls, slept) = counted(way, || {
        let start = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        start.elapsed()
    });
    assert!(calls >= 1 && slept >= Duration::from_millis(2), "{way:?} {calls} {slept:?}");
    assert_eq!(counted(way, handle_a_signal).1, 1, "{way:?}");
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn note_signal(_: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
    black_box(getppid());
}

/// Has a handler run that calls the kernel and returns; how often it ran.
fn handle_a_signal() -> u32 {
    let before = HANDLED.load(Ordering::Relaxed);
    let handler: extern "C" fn(libc::c_int) = note_signal;
    // SAFETY: the handler touches an atomic and makes one call that may be made in a handler.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    // SAFETY: the signal has a handler.
    unsafe { libc::raise(libc::SIGUSR1) };
    HANDLED.load(Ordering::Relaxed) - before
}

/// A thread is started and joined, a program is run, a process is forked: by this thread, under its eyes.
fn threads_and_processes_start_and_end_as_they_would(way: Way) {
    let (calls, sum) = counted(way, || std::thread::spawn(|| black_box(20) + 22).join().expect("it returns"));
    assert!(sum == 42 && calls >= 1, "{way:?} {calls}");
    let (calls, status) = counted(way, || std::process::Command::new("true").status());
    assert!(calls >= 2 && status.as_ref().is_ok_and(|status| status.success()), "{way:?} {calls} {status:?}");
    let (calls, status) = counted(way, || {
        // SAFETY: the child ends at once and touches nothing.
        match unsafe { libc::fork() } {
            // SAFETY: ends the child alone.
            0 => unsafe { libc::_exit(7) },
            child => end_of(child),
        }
    });
    assert!(calls >= 2 && status == Some(7), "{way:?} {calls} {status:?}");
}

/// All signals are held back and let through again, as the C library does around starting a thread.
fn masks_and_stacks_of_signals_are_set_as_they_would_be(way: Way) {
    let (calls, kept) = counted(way, || {
        let before = mask(libc::SIG_BLOCK, &all_signals());
        black_box(getppid());
        let within = mask(libc::SIG_SETMASK, &before);
        (within, mask(libc::SIG_BLOCK, &before), before)
    });
    let (within, after, before) = kept;
    let holds = |set: &libc::sigset_t, signal| {
        // SAFETY: reads a set that was filled by the kernel.
        (unsafe { libc::sigismember(set, signal) }) == 1
    };
    assert!(holds(&within, libc::SIGUSR1) && !holds(&before, libc::SIGUSR1) && !holds(&after, libc::SIGUSR1));
    assert_eq!(calls, 4, "{way:?}");
    let (calls, ()) = counted(way, || {
        let mut stack = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
        for flags in [libc::SS_DISABLE, 0] {
            let wanted = libc::stack_t { ss_flags: flags, ..signal_stack() };
            // SAFETY: the memory of the stack lives for ever.
            assert_eq!(unsafe { libc::sigaltstack(&wanted, std::ptr::null_mut()) }, 0);
            // SAFETY: writes the stack in use to a place of its own.
            assert_eq!(unsafe { libc::sigaltstack(std::ptr::null(), &mut stack) }, 0);
            assert_eq!(stack.ss_flags, flags, "{way:?}");
        }
    });
    assert_eq!(calls, 4, "{way:?}");
}

/// The kernel answers, not a fault in whoever watches.
fn masks_that_cannot_be_read_are_refused_as_they_would_be(way: Way) {
    const NOWHERE: usize = 8;
    let set_mask = |address: usize, size_bytes: usize| {
        let (how, none) = (libc::SIG_BLOCK, std::ptr::null_mut::<u64>());
        // SAFETY: the kernel refuses the address or the size, and changes nothing.
        let status = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, address, none, size_bytes) };
        (status, std::io::Error::last_os_error().raw_os_error())
    };
    let (calls, answers) = counted(way, || [set_mask(NOWHERE, 8), set_mask(NOWHERE, 7)]);
    assert_eq!((calls, answers), (2, [(-1, Some(libc::EFAULT)), (-1, Some(libc::EINVAL))]), "{way:?}");
}

fn signal_stack() -> libc::stack_t {
    let memory = vec![0u8; 4 * libc::SIGSTKSZ].leak();
    libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: memory.len() }
}

fn all_signals() -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: fills the set that it is given.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // SAFETY: it has been filled.
    unsafe { set.assume_init() }
}

/// Changes this thread's mask; what it was.
fn mask(how: libc::c_int, set: &libc::sigset_t) -> libc::sigset_t {
    let mut before = all_signals();
    // SAFETY: reads one set and writes another, both alive.
    let status = unsafe { libc::pthread_sigmask(how, set, &mut before) };
    assert_eq!(status, 0);
    before
}

/// Opened without sight of the kernel it stays at zero for ever, whatever is called.
fn a_tracepoint_that_sees_nothing_is_not_believed() {
    let why = Syscalls::by(Way::BlindTracepoint).open(&Selection::all()).err();
    let why = why.expect("whatever cannot see must not count");
    println!("syscalls: without sight of the kernel, {why}");
    let explained = ["blind", "perf_event_open answers"].iter().any(|words| why.detail.contains(words));
    assert!(explained, "{why}");
}

fn the_default_way_counts_and_says_how() {
    let syscalls = "syscalls".parse().expect("a group");
    let call = |ops| (0..ops).for_each(|_| _ = black_box(getppid()));
    let count = counter::count_here(&syscalls, 1000, &mut { call }).swap_remove(0);
    println!("syscalls: {:?} by {}", count.per_op, count.method);
    match &count.per_op {
        Ok(per_op) => assert_eq!((*per_op, count.method.is_empty()), (1.0, false)),
        Err(why) => assert!(why.detail.len() > 20, "{why}"),
    }
}

/// Runs a check in a forked child, as the same user.
fn in_child(check: impl FnOnce()) {
    // SAFETY: this process has one thread, so the child is a whole copy of it.
    match unsafe { libc::fork() } {
        -1 => panic!("fork failed: {}", std::io::Error::last_os_error()),
        0 => std::process::exit(i32::from(!passes(check))),
        child => assert_eq!(end_of(child), Some(0), "a check failed"),
    }
}

fn passes(check: impl FnOnce()) -> bool {
    list_tracepoints();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_ok()
}

/// Root gets the kernel's list of tracepoints in a world of its own, where it is not mounted already.
fn list_tracepoints() {
    const LIST: &CStr = c"/sys/kernel/tracing";
    const KIND: &CStr = c"tracefs";
    // SAFETY: gives this process mounts of its own; takes no pointers.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return;
    }
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: the path lives for ever, and the other pointers may be null for a change of propagation.
    unsafe { libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), private, std::ptr::null()) };
    // SAFETY: the strings live for ever. What comes of it shows where the list is read.
    unsafe { libc::mount(KIND.as_ptr(), LIST.as_ptr(), KIND.as_ptr(), 0, std::ptr::null()) };
}

/// Runs a check as the user `nobody`.
fn without_privilege(check: impl FnOnce()) {
    if !rustix::process::geteuid().is_root() {
        return println!("syscalls: skipped, only root can give privilege up");
    }
    in_child(|| {
        // SAFETY: changes the user of this process, which has one thread; takes no pointers.
        let status = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
        assert_eq!(status, 0, "root may become nobody: {}", std::io::Error::last_os_error());
        check();
    });
}

fn end_of(child: libc::pid_t) -> Option<i32> {
    let child = Pid::from_raw(child).expect("fork returned a child");
    waitpid(Some(child), WaitOptions::empty()).ok()??.1.exit_status()
}
