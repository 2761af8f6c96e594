//! A made-up profile that every test here shows: two threads, inlined code, a stack that is not whole, and the machine
//! code of a small loop.

use super::{Sources, View};
use perfbench_harness::record::{Code, Frame, PROFILE_SCHEMA, Profile, Sample};

/// The row of the fixture.
const ROW: &str = "ring_spsc/hop/cached_index";

/// Where the annotated loop lies in its module.
pub const LOOP: u64 = 0x4000;

/// Multiplies and adds along a list: `xor; mov; 3: imul; add; add; dec; jne 3; ret`.
const X86: &str = "31c04889f9486bc0034803064883c60848ffc975f0c3";

/// The same for AArch64: `mov; 4: ldr; madd; subs; b.ne 4; ret`.
const AARCH64: &str = "020080d2038440f8420c019b840400f1a1ffff54c0035fd6";

fn frame(function: &str, line: Option<u32>, inlined: bool) -> Frame {
    let file = line.map(|_| "src/ring.rs".to_owned());
    Frame { function: function.into(), module: "perfbench".into(), file, line, inlined }
}

fn frames() -> Vec<Frame> {
    vec![
        frame("main", None, false),
        frame("perfbench_harness::case::pair::lead", None, false),
        frame("perfbench::ring::Ring<T; 64>::push", Some(12), false),
        frame("perfbench::ring::wait", Some(20), false),
        frame("core::hint::spin_loop", None, true),
        Frame { module: "libc.so.6".into(), ..frame("memcpy", None, false) },
        frame("0x7f31", None, false),
        frame("<perfbench::ring::Sum as perfbench::ring::Fold<&[u64]>>::fold", Some(30), false),
    ]
}

/// What is sampled in turns: thread, stack, offset in the module, whether the stack is whole.
type Turn = (u32, u32, u64, bool);

/// Twenty samples that repeat: 11 in the loop, 4 in a wait that spins, 3 in push, 1 in memcpy, 1 cut short.
const TURNS: [Turn; 20] = {
    const fn hot(offset: u64) -> Turn {
        (0, 0, LOOP + offset, true)
    }
    let (wait, push) = ((1, 2, 0x5000, true), (0, 1, 0x6000, true));
    [
        hot(0x5),
        hot(0x9),
        wait,
        hot(0x5),
        push,
        hot(0x13),
        hot(0x5),
        wait,
        (0, 3, 0x100, true),
        hot(0x5),
        push,
        hot(0x5),
        wait,
        hot(0x9),
        hot(0x5),
        (0, 4, 0x7f31, false),
        hot(0xc),
        push,
        wait,
        hot(0x2),
    ]
};

fn code(bytes: &str) -> Code {
    let line = |offset: u64, line: u32| (LOOP + offset, "src/ring.rs".to_owned(), line);
    Code {
        function: "<perfbench::ring::Sum as perfbench::ring::Fold<&[u64]>>::fold".into(),
        module: "perfbench".into(),
        offset: LOOP,
        bytes: bytes.into(),
        lines: vec![line(0, 30), line(5, 32), line(9, 31), line(0x10, 33), line(0x15, 35)],
    }
}

/// The profile, 2,000 samples.
pub fn profile() -> Profile {
    let turns = TURNS.iter().cycle().take(2000).enumerate();
    let samples = turns.map(|(index, (thread, stack, offset, whole))| Sample {
        time_ns: 1e6 * index as f64,
        thread: *thread,
        stack: *stack,
        offset: *offset,
        whole: *whole,
    });
    Profile {
        schema: PROFILE_SCHEMA.into(),
        version: "0.1.0".into(),
        started: "2026-11-21T16:00:00Z".into(),
        row: ROW.into(),
        cpu: "Made-up CPU".into(),
        architecture: "x86_64".into(),
        clock: "cpu-clock".into(),
        clock_why: "no hardware performance counters here".into(),
        unwinding: "DWARF".into(),
        wanted_hz: 1000.0,
        task_clock_ns: 2.01e9,
        ops: 100_000_000,
        sampled_ns_per_op: Some(20.24),
        unsampled_ns_per_op: Some(20.1),
        lost: Some(3),
        with_kernel: Some(true),
        built: Some("2026-11-21T15:00:00Z".into()),
        notes: Vec::new(),
        threads: vec!["leader".into(), "follower 1".into()],
        frames: frames(),
        stacks: vec![vec![0, 1, 7], vec![0, 1, 2], vec![0, 3, 4], vec![0, 1, 2, 5], vec![6]],
        samples: samples.collect(),
        code: vec![code(X86)],
    }
}

/// The same row before: its loop took more of the time, and nothing was copied.
pub fn base() -> Profile {
    let mut base = Profile { started: "2026-11-20T16:00:00Z".into(), task_clock_ns: 2.5e9, ..profile() };
    base.samples.iter_mut().filter(|sample| sample.stack == 3).for_each(|sample| sample.stack = 0);
    base.samples.truncate(1990);
    base
}

/// The profile as it might come from a Neoverse.
pub fn on_aarch64() -> Profile {
    let mut profile = Profile { architecture: "aarch64".into(), code: vec![code(AARCH64)], ..profile() };
    let of_loop = profile.samples.iter_mut().filter(|sample| sample.stack == 0);
    of_loop.for_each(|sample| sample.offset = LOOP + (sample.offset - LOOP) / 4 * 4);
    profile
}

/// Three lines of the source, from the thirtieth.
pub fn sources() -> Sources {
    let text = "\n".repeat(29)
        + "fn fold(list: &[u64], seed: u64) -> u64 {\n    list.iter()\n        .fold(seed, |sum, next| 3 * sum + next)\n}\n";
    Sources::from([("src/ring.rs".to_owned(), text)])
}

/// A view of a profile with nothing beside it.
pub fn view<'a>(profile: &'a Profile, sources: &'a Sources) -> View<'a> {
    View { profile, base: None, function: None, sources }
}
