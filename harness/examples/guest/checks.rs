//! What must hold on a machine with seven counters, and what must be said on one with none. Every check calls what a run
//! of perfbench calls.

use crate::boot::set;
use crate::loops::{PER_TURN, turns};
use perf_event::events::Hardware;
use perf_event::{Builder, Counter as Pinned};
use perfbench_harness::case::solo;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::perf_event::{
    CACHE, CORE, INSTRUCTIONS_PER_ROUND, events_of_a_group, instructions_per_round, user_read_agrees,
};
use perfbench_harness::counter::syscalls::{Syscalls, Way};
use perfbench_harness::counter::{self, Anchor, Counter, Next, Reading, Selection, Source};
use perfbench_harness::profile::{self, Request, SampleClock, Unwinding};
use perfbench_harness::record::{Provenance, Sample};
use perfbench_harness::{Reason, Unavailable};
use rustix::process::{Pid, WaitOptions, waitpid};

/// What was found, or what was found instead.
pub type Check = fn() -> Result<String, String>;

/// For a machine that has counters.
pub const WITH_PMU: &[(&str, Check)] = &[
    ("registers-tell-what-the-kernel-tells", registers_tell_what_the_kernel_tells),
    ("user-read-agrees", || as_nobody(user_read_is_exact)),
    ("known-loop-is-counted", || as_nobody(known_loop_is_counted)),
    ("instructions-are-linear", || as_nobody(instructions_are_linear)),
    ("shared-counters-are-scaled", || as_nobody(shared_counters_are_scaled)),
    ("eight-are-refused-and-split", || as_nobody(eight_are_refused_and_split)),
    ("starved-is-not-zero", starved_is_not_zero),
    ("sampler-finds-the-loop", || as_nobody(sampler_finds_the_loop)),
    ("system-calls-are-proven", || as_nobody(system_calls_are_proven)),
    ("paranoia-is-explained", paranoia_is_explained),
];

/// For a machine that has none.
pub const WITHOUT_PMU: &[(&str, Check)] = &[("no-counter-has-a-reason", no_counter_has_a_reason)];

/// The user without privilege, and the one with all.
const NOBODY: u32 = 65534;
const ROOT: u32 = 0;

/// Where user mode reads counters.
const USER_ACCESS: &str = "kernel/perf_user_access";

/// A pass counts the same whether it is read by registers or by the kernel; by registers a region has no system call.
/// This is the first check, because a process asks once whether user mode may read.
fn registers_tell_what_the_kernel_tells() -> Result<String, String> {
    set(USER_ACCESS, "0");
    let by_kernel = as_user(ROOT, cost_of_a_pass)?;
    set(USER_ACCESS, "1");
    let by_registers = as_user(ROOT, cost_of_a_pass)?;
    let told = format!("by registers {by_registers}; by the kernel {by_kernel}");
    let ([registers, _, no_call], [kernel, _, calls]) = (numbers(&by_registers), numbers(&by_kernel));
    // The kernel's timer ticks in both, and is counted as the kernel's share.
    let agree = (registers / kernel - 1.0).abs() < 1e-3;
    held(agree && no_call == 0.0 && calls == 2.0, told)
}

/// Instructions of a million turns alone, and those and the system calls of an empty region, in words.
fn cost_of_a_pass() -> Result<String, String> {
    const TURNS: u64 = 1_000_000;
    let mut core = [CORE.open(&selection("core")).map_err(|why| why.to_string())?];
    let mut instructions = |ops| named(region(&mut core, ops, turns).swap_remove(0), "instructions");
    let mut counted = |ops| instructions(ops)?.value.map_err(|why| why.to_string());
    // The first region asks which thread this is.
    counted(0)?;
    let empty = counted(0)?;
    let whole = counted(TURNS)?;
    let syscalls = Syscalls::by(Way::Seccomp).open(&selection("syscalls")).map_err(|why| why.to_string())?;
    let [core] = core;
    let readings = region(&mut [syscalls, core], 0, turns).swap_remove(0);
    let calls = named(readings, "syscalls")?.value.map_err(|why| why.to_string())?;
    Ok(format!("{} instructions, {empty} in an empty region, {calls} system calls", whole - empty))
}

/// The numbers among the words.
fn numbers(told: &str) -> [f64; 3] {
    let mut numbers = told.split(' ').filter_map(|word| word.parse().ok());
    std::array::from_fn(|_| numbers.next().expect("three numbers are told"))
}

/// One loop read both ways: the kernel's region lies around the other and holds its two reads.
fn user_read_is_exact() -> Result<String, String> {
    let (by_user, by_kernel) = user_read_agrees().map_err(|why| why.to_string())?;
    let apart = by_kernel.checked_sub(by_user);
    held(
        apart.is_some_and(|apart| apart < 1000),
        format!("{by_user} by registers, {by_kernel} by the kernel around it"),
    )
}

fn known_loop_is_counted() -> Result<String, String> {
    let counted = instructions_per_round().map_err(|why| why.to_string())?;
    let apart = (counted / INSTRUCTIONS_PER_ROUND - 1.0).abs();
    held(apart < 1e-4, format!("{counted} instructions a round of {INSTRUCTIONS_PER_ROUND}"))
}

/// Two instructions a turn, however many turns, without anything that the region itself costs.
fn instructions_are_linear() -> Result<String, String> {
    let counted = |turns_| {
        let counts = counter::count_here(&selection("core"), turns_, &mut { turns });
        let instructions = counts.into_iter().find(|count| count.name.starts_with("instructions"));
        instructions.ok_or("no such count")?.per_op.map_err(|why| why.to_string())
    };
    let found: Vec<f64> =
        [100_000, 300_000, 1_000_000, 3_000_000].map(counted).into_iter().collect::<Result<_, _>>()?;
    let exact = found.iter().all(|per_turn| is_two(*per_turn));
    held(exact, format!("{found:?} instructions a turn of two"))
}

/// Twelve events on seven counters: each has a counter for a part of the time, says for which, and is scaled to the truth.
fn shared_counters_are_scaled() -> Result<String, String> {
    const TURNS: u64 = 100_000_000;
    let open = |_| CORE.open(&selection("core")).map_err(|why| why.to_string());
    let mut groups: Vec<Box<dyn Counter>> = (0..6).map(open).collect::<Result<_, _>>()?;
    let all = region_again(&mut groups, TURNS)?;
    let mut told = Vec::new();
    for readings in all {
        let reading = named(readings, "instructions")?;
        let value = reading.value.map_err(|why| why.to_string())? / TURNS as f64;
        let Provenance::HwScaled(share) = reading.provenance else {
            return Err(format!("{value} a turn is not marked as scaled: {:?}", reading.provenance));
        };
        told.push(format!("{value:.4} ({:.1} % of the time)", 100.0 * share));
        if (value / PER_TURN - 1.0).abs() > 0.005 {
            return Err(told.join(", "));
        }
    }
    Ok(told.join(", "))
}

/// What opened counters say of one region of work on this thread.
fn region(counters: &mut [Box<dyn Counter>], ops: u64, work: fn(u64)) -> Vec<Vec<Reading>> {
    counters.iter_mut().for_each(|counter| counter.start());
    let brackets: Vec<_> = counters.iter().filter_map(|counter| counter.bracket()).collect();
    brackets.iter().for_each(|bracket| bracket.enter());
    work(ops);
    brackets.iter().rev().for_each(|bracket| bracket.leave());
    counters.iter_mut().map(|counter| counter.stop(ops)).collect()
}

/// What they say of a region of turns the second time: a first one without all counters must be asked for again.
fn region_again(counters: &mut [Box<dyn Counter>], ops: u64) -> Result<Vec<Vec<Reading>>, String> {
    let first = region(counters, ops, turns);
    for (counter, mut readings) in counters.iter_mut().zip(first) {
        if counter.judge(&mut readings, &mut Anchor::default()) != Next::Again {
            return Err(format!("a region stands that shared its counters: {readings:?}"));
        }
    }
    Ok(region(counters, ops, turns))
}

/// The kernel refuses an eighth event in a group of seven counters. A selection of more events than that is counted in
/// several passes: no event is refused for want of room, and none is scaled.
fn eight_are_refused_and_split() -> Result<String, String> {
    let opened = events_of_a_group().map_err(|why| why.to_string())?;
    let counts =
        counter::count_here(&selection("core,cache,memory,tlb,sharing,simd,topdown"), 1_000_000, &mut {
            turns
        });
    let scaled = counts.iter().filter(|count| matches!(count.provenance, Provenance::HwScaled(_))).count();
    let full = |why: &Unavailable| why.detail.contains("EINVAL") || why.reason == Reason::InUse;
    let refused = counts.iter().filter(|count| count.per_op.as_ref().is_err_and(full)).count();
    let exact = counts
        .iter()
        .find(|count| count.name == "instructions:u")
        .and_then(|count| count.per_op.clone().ok());
    let told = format!(
        "{opened} open together, {} counts asked for, {refused} refused for want of room, {scaled} scaled, {exact:?} \
         instructions a turn",
        counts.len()
    );
    held(opened == 7 && counts.len() > 8 && refused + scaled == 0 && exact.is_some_and(is_two), told)
}

fn is_two(per_turn: f64) -> bool {
    (per_turn / PER_TURN - 1.0).abs() < 1e-4
}

/// A second of samples of a loop that has all the time, by the cycle counter's overflows.
fn sampler_finds_the_loop() -> Result<String, String> {
    let mut case = solo(|i| {
        turns(20_000);
        i
    });
    let request = Request {
        hz: 1000.0,
        length_s: 0.3,
        clock: SampleClock::Cycles,
        unwinding: Unwinding::Best,
        compare: false,
    };
    let clock = Clock::open(ClockChoice::Best);
    let profile = profile::profile(case.as_mut(), &clock, &request).map_err(|why| why.to_string())?;
    let in_loop = |sample: &&Sample| {
        let innermost = profile.stacks[sample.stack as usize].last();
        innermost.is_some_and(|frame| profile.frames[*frame as usize].function.contains("turns"))
    };
    let (all, found) = (profile.samples.len(), profile.samples.iter().filter(in_loop).count());
    let lost = profile.lost.map_or("unknown".into(), |lost| lost.to_string());
    let told = format!("{found} of {all} samples by {} in the loop, {lost} lost", profile.clock);
    held(profile.clock == "cycles" && all >= 50 && found * 100 >= all * 95, told)
}

/// A hundred planted calls are a hundred, and a loop without one has none, as an ordinary user.
fn system_calls_are_proven() -> Result<String, String> {
    let counter = Syscalls::by(Way::Seccomp).open(&selection("syscalls")).map_err(|why| why.to_string())?;
    let mut counters = [counter];
    let mut counted = |calls| {
        let reading = named(region(&mut counters, calls, plant).swap_remove(0), "syscalls")?;
        Ok::<_, String>((reading.value.map_err(|why| why.to_string())?, reading.method))
    };
    let ((planted, method), (none, _)) = (counted(100)?, counted(0)?);
    held(planted == 100.0 && none == 0.0, format!("{planted} of 100 planted and {none} of none, by {method}"))
}

fn plant(calls: u64) {
    turns(1000);
    for _ in 0..calls {
        // SAFETY: takes nothing and cannot fail.
        unsafe { libc::syscall(libc::SYS_getppid) };
    }
}

/// Others hold every counter for the whole region.
fn starved_is_not_zero() -> Result<String, String> {
    let others = hold_all()?;
    let mut group = CORE.open(&selection("core")).map_err(|why| why.to_string())?;
    let again = region_again(std::slice::from_mut(&mut group), 1_000_000)?;
    let reading = named(again.into_iter().flatten().collect(), "instructions")?;
    let told = match reading.value {
        Ok(value) => {
            return Err(format!("{value} instructions, while {} events held the counters", others.len()));
        }
        Err(why) => why,
    };
    let is_starved = told.reason == Reason::InUse && told.detail.starts_with("not counted");
    held(is_starved, format!("{} counters held: {told}", others.len()))
}

/// Pinned events of this thread, as many as there are counters.
fn hold_all() -> Result<Vec<Pinned>, String> {
    let mut held = Vec::new();
    loop {
        let mut builder = Builder::new(Hardware::INSTRUCTIONS);
        builder.attrs_mut().set_pinned(1);
        let mut counter = builder.build().map_err(|error| error.to_string())?;
        counter.enable().map_err(|error| error.to_string())?;
        // A pinned event that finds no counter reads nothing.
        if counter.read().is_err() || held.len() > 32 {
            return Ok(held);
        }
        held.push(counter);
    }
}

/// Debian's strictest setting, as an ordinary user: nothing opens, and each event says which setting mends it.
fn paranoia_is_explained() -> Result<String, String> {
    set("kernel/perf_event_paranoid", "3");
    let found = as_nobody(|| {
        every_event_says(|why| {
            why.reason == Reason::NoPrivilege && why.detail.contains("perf_event_paranoid")
        })
    });
    set("kernel/perf_event_paranoid", "2");
    found
}

fn no_counter_has_a_reason() -> Result<String, String> {
    every_event_says(|why| why.reason == Reason::NoPmu && why.detail.contains("ENOENT"))
}

fn every_event_says(expected: fn(&Unavailable) -> bool) -> Result<String, String> {
    let facts: Vec<_> = [&CORE, &CACHE].into_iter().flat_map(|source| counter::facts_of(source)).collect();
    for fact in &facts {
        match &fact.unavailable {
            Some(why) if expected(why) => {}
            other => return Err(format!("{}: {other:?}", fact.name)),
        }
    }
    Ok(format!("{} events: {}", facts.len(), facts[0].unavailable.as_ref().expect("it has a reason")))
}

fn named(readings: Vec<Reading>, name: &str) -> Result<Reading, String> {
    readings
        .into_iter()
        .find(|reading| reading.name.trim_end_matches(":u") == name)
        .ok_or(format!("no {name}"))
}

fn selection(word: &str) -> Selection {
    word.parse().expect("the word is a group")
}

fn held(holds: bool, found: String) -> Result<String, String> {
    if holds { Ok(found) } else { Err(found) }
}

/// Runs a check as the user `nobody`.
fn as_nobody(check: Check) -> Result<String, String> {
    as_user(NOBODY, check)
}

/// Runs a check as this user in a child, which tells what it found.
fn as_user(user: u32, check: Check) -> Result<String, String> {
    let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    // SAFETY: this process has one thread, so the child is a whole copy of it.
    match unsafe { libc::fork() } {
        -1 => Err(format!("fork failed: {}", std::io::Error::last_os_error())),
        0 => std::process::exit(child(user, check, writer)),
        id => {
            drop(writer);
            let found = std::io::read_to_string(reader).map_err(|error| error.to_string())?;
            let id = Pid::from_raw(id).expect("fork returned a child");
            let (_, status) = waitpid(Some(id), WaitOptions::empty()).expect("a child").expect("its end");
            held(status.exit_status() == Some(0), found)
        }
    }
}

fn child(user: u32, check: Check, mut writer: std::io::PipeWriter) -> i32 {
    // SAFETY: changes the user of this process, which has one thread; takes no pointers.
    let status = unsafe { libc::setresuid(user, user, user) };
    assert_eq!(status, 0, "the first process may become anybody");
    let found = check();
    let text = found.as_ref().unwrap_or_else(|text| text);
    std::io::Write::write_all(&mut writer, text.as_bytes()).expect("the parent reads");
    i32::from(found.is_err())
}
