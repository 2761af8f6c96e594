//! Samples planted work as the users that there are: as whoever runs the tests, as nobody, and where the kernel refuses
//! perf events. Without libtest: each needs a process of its own.

use perfbench_harness::case::{opaque, solo};
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::profile::{Request, SampleClock, Unwinding, profile};
use perfbench_harness::record::Profile;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

const NOBODY: u32 = 65_534;

/// The argument with which this program samples, and tells a line of what came of it.
const SAMPLE: &str = "sample";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(SAMPLE) {
        return sample();
    }
    println!("profile: as this user: {}", told(&mut itself()));
    where_perf_events_are_refused_signals_take_over_and_say_why();
    match rustix::process::geteuid().is_root() {
        true => nobody_can_sample(),
        false => println!("profile: not as nobody, because only root can become somebody else"),
    }
    println!("profile: all checks passed");
}

fn nobody_can_sample() {
    println!("profile: as nobody: {}", told(itself().uid(NOBODY).gid(NOBODY)));
}

fn where_perf_events_are_refused_signals_take_over_and_say_why() {
    let mut refused = itself();
    // SAFETY: the hook makes two system calls and takes no lock, as a child of a fork must.
    unsafe { refused.pre_exec(refuse_perf_events) };
    let line = told(&mut refused);
    println!("profile: where perf events are refused: {line}");
    assert!(line.starts_with("SIGPROF") && line.contains("EPERM"), "{line}");
}

fn itself() -> Command {
    let mut itself = Command::new(std::env::current_exe().expect("this program has a path"));
    itself.arg(SAMPLE);
    itself
}

fn told(command: &mut Command) -> String {
    let output = command.output().expect("this program can be started once more");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints words")
}

#[inline(never)]
fn hot(rounds: u64) -> u64 {
    let (mut value, mut left) = (1u64, rounds);
    while left > 0 {
        value = opaque(value.wrapping_mul(3));
        left -= 1;
    }
    value
}

fn sample() {
    let request = Request {
        hz: 997.0,
        length_s: 0.5,
        clock: SampleClock::Best,
        unwinding: Unwinding::Best,
        compare: false,
    };
    let profile = profile(&mut *solo(|_| hot(10_000)), &Clock::open(ClockChoice::Best), &request);
    let profile = profile.expect("signals need no privilege");
    let Profile { clock, clock_why, samples, notes, .. } = &profile;
    let whole = samples.iter().filter(|sample| sample.whole).count();
    println!("{clock} ({clock_why}), {whole} of {} stacks whole, {notes:?}", samples.len());
    assert!(whole as f64 >= 0.99 * samples.len() as f64);
    let is_hot = |frame: &u32| profile.frames[*frame as usize].function.ends_with("::hot");
    let hit =
        samples.iter().filter(|sample| profile.stacks[sample.stack as usize].iter().any(is_hot)).count();
    assert!(hit as f64 > 0.9 * samples.len() as f64, "{hit}");
}

/// Has the kernel answer `EPERM` to perf events, as the default profile of a container does.
fn refuse_perf_events() -> io::Result<()> {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, k| libc::sock_filter { code, jt, jf: 0, k };
    let mut steps = [
        step(LOAD_NUMBER, 0, 0),
        libc::sock_filter { jf: 1, ..step(JUMP_EQUAL, 0, libc::SYS_perf_event_open as u32) },
        step(RETURN, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(RETURN, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: takes no pointers.
    call(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    // SAFETY: the program and its steps are locals that outlast the call.
    call(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) })
}

fn call(status: i32) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
