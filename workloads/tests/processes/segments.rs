//! Segments whose makers, joiners and leavers are killed.

use crate::role::{is_missing, kill, ready, start, wait_until_ready};
use crate::traced::{Pace, Point, killed_at, length};
use crate::{Role, Scenario};
use perfbench_workloads::shm::{Departure, Segment, SegmentError, layout_hash, unique_name};
use perfbench_workloads::shm_segment::Life;
use perfbench_workloads::shm_segment::refcount::Counted;
use rustix::fs::{FlockOperation, Mode, flock, fstat};
use rustix::process::umask;
use rustix::shm;
use std::process::Child;

/// What this module shows.
pub const SCENARIOS: &[Scenario] = &[
    ("the mode is 0660 whatever the mask", the_mode_is_0660_whatever_the_mask),
    ("the last of several processes unlinks", the_last_of_several_processes_unlinks),
    ("a forked copy is no participant", a_forked_copy_is_no_participant),
    ("a killed process is struck out", a_killed_process_is_struck_out),
    ("a segment of the dead is joined or replaced", a_segment_of_the_dead_is_joined_or_replaced),
    ("killed at every system call and behind it", killed_all_along_its_life),
    ("churning processes killed at random", churning_processes_killed_at_random),
    ("a lock held for seconds is a typed error", a_lock_held_for_seconds_is_a_typed_error),
    ("the printed count leaks what a killed process held", the_printed_count_leaks),
];

/// Processes that this module starts.
pub const ROLES: &[Role] = &[("visit", visit), ("stay", stay), ("churn", churn), ("count", count)];

const LAYOUT: u64 = layout_hash("processes");
const BYTES: u64 = 16 << 10;

fn join(name: &str) -> Segment {
    Segment::create_or_open(name, BYTES, LAYOUT).expect("a segment is made or joined")
}

fn visit(name: &str) {
    join(name).leave().expect("a visitor leaves");
}

fn stay(name: &str) {
    let _segment = join(name);
    ready();
    wait_for_the_end();
}

fn churn(name: &str) {
    loop {
        visit(name);
    }
}

fn count(name: &str) {
    let _counted = Counted::join(name, BYTES).expect("a segment is joined");
    ready();
    wait_for_the_end();
}

fn wait_for_the_end() {
    loop {
        std::thread::park();
    }
}

fn staying(role: &str, name: &str) -> Child {
    let mut child = start(role, name);
    wait_until_ready(&mut child);
    child
}

fn the_mode_is_0660_whatever_the_mask() {
    for mask in [0, 0o22, 0o777] {
        let before = umask(Mode::from_raw_mode(mask));
        let segment = join(&unique_name("mode"));
        umask(before);
        assert_eq!(fstat(segment.file()).unwrap().st_mode & 0o7777, 0o660, "mask {mask:o}");
    }
}

fn the_last_of_several_processes_unlinks() {
    let name = unique_name("last");
    let visitors: Vec<Child> = (0..6).map(|_| start("visit", &name)).collect();
    for mut visitor in visitors {
        assert!(visitor.wait().unwrap().success());
    }
    assert!(is_missing(&name, LAYOUT));
}

fn a_forked_copy_is_no_participant() {
    let name = unique_name("fork");
    let segment = join(&name);
    // SAFETY: this program has one thread, so the child finds every lock free.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        drop(segment);
        // SAFETY: ends the child without the parent's exit handlers.
        unsafe { libc::_exit(0) };
    }
    let child = rustix::process::Pid::from_raw(pid);
    rustix::process::waitpid(child, rustix::process::WaitOptions::empty()).unwrap();
    assert_eq!(segment.participants().len(), 1);
    assert_eq!(segment.leave().unwrap(), Departure::Unlinked);
}

fn a_killed_process_is_struck_out() {
    let name = unique_name("struck");
    let own = join(&name);
    for _ in 0..5 {
        kill(staying("stay", &name));
        assert_eq!(own.participants().len(), 2, "nobody has looked yet");
        assert_eq!(own.recover().unwrap(), 1);
        assert_eq!(own.participants().len(), 1);
    }
    let living = staying("stay", &name);
    assert_eq!(own.recover().unwrap(), 0, "who lives stays");
    kill(living);
    assert_eq!(own.leave().unwrap(), Departure::Unlinked, "the dead do not keep a name");
}

fn a_segment_of_the_dead_is_joined_or_replaced() {
    let name = unique_name("stale");
    kill(staying("stay", &name));
    let joined = Segment::open(&name, LAYOUT).expect("what the dead left is joined");
    assert_eq!(joined.participants().len(), 1);
    joined.leave().unwrap();
    kill(staying("stay", &name));
    let made = Segment::create(&name, 2 * BYTES, LAYOUT + 1).expect("what the dead left is replaced");
    assert_eq!(made.payload_bytes(), 2 * BYTES);
}

/// After somebody was killed, the segment is usable by those who live, and by newcomers.
fn is_in_order(name: &str, survivor: Option<Segment>) {
    match Segment::open(name, LAYOUT) {
        Ok(_) | Err(SegmentError::Missing { .. }) => {}
        Err(SegmentError::Unfinished { .. }) => assert!(survivor.is_none(), "a survivor's segment is whole"),
        Err(other) => panic!("{other}"),
    }
    let joined = join(name);
    assert_eq!(joined.participants().len(), 1 + usize::from(survivor.is_some()));
    drop(joined);
    if let Some(survivor) = survivor {
        assert_eq!(survivor.leave().unwrap(), Departure::Unlinked);
    }
    assert!(is_missing(name, LAYOUT));
}

/// A whole life of a segment in a child that is killed somewhere in it, alone or beside a survivor.
fn killed_in_its_life(point: Point, beside_a_survivor: bool) {
    let name = unique_name("kill");
    let survivor = beside_a_survivor.then(|| join(&name));
    killed_at(point, || (), |()| visit(&name));
    is_in_order(&name, survivor);
}

/// At every entry into and return from the kernel, and some instructions behind each: what others see changes by system
/// calls and by the few stores to the header between them.
fn killed_all_along_its_life() {
    let Some(length) = length(Pace::SystemCall, || (), |()| visit(&unique_name("count"))) else { return };
    for system_calls in 0..length {
        for instructions in [0, 1 + 13 * system_calls % 150] {
            let point = Point { system_calls, instructions };
            killed_in_its_life(point, false);
            killed_in_its_life(point, true);
        }
    }
}

fn churning_processes_killed_at_random() {
    let name = unique_name("churn");
    let mut churners: Vec<Child> = (0..3).map(|_| start("churn", &name)).collect();
    for round in 0..40 {
        std::thread::sleep(std::time::Duration::from_micros(500 + 137 * round));
        kill(churners.remove(0));
        churners.push(start("churn", &name));
        let joined = join(&name);
        assert!(joined.participants().len() <= 4, "the dead are struck out");
    }
    churners.into_iter().for_each(kill);
    join(&name).leave().unwrap();
    assert!(is_missing(&name, LAYOUT));
}

fn a_lock_held_for_seconds_is_a_typed_error() {
    let name = unique_name("busy");
    let segment = join(&name);
    let other = shm::open(name.as_str(), shm::OFlags::RDWR, Mode::empty()).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    let found = Segment::open(&name, LAYOUT).unwrap_err();
    assert!(matches!(found, SegmentError::Busy { .. }), "{found}");
    flock(&other, FlockOperation::Unlock).unwrap();
    assert_eq!(segment.leave().unwrap(), Departure::Unlinked);
}

fn the_printed_count_leaks() {
    let name = unique_name("leak");
    let own = Counted::join(&name, BYTES).unwrap();
    kill(staying("count", &name));
    assert_eq!(own.count(), 2, "the dead are counted for ever");
    own.leave();
    assert!(shm::open(name.as_str(), shm::OFlags::RDONLY, Mode::empty()).is_ok(), "the last did not unlink");
    shm::unlink(name.as_str()).unwrap();
}
