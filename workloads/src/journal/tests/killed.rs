//! Real children that append to a file and are killed: what they were told is there is there.

use super::documented::Documented;
use super::*;
use crate::shm::Mapping;
use perfbench_harness::stats::random::Random;
use std::time::Duration;

/// Forks; the child runs `work`, which must not allocate, and never comes back.
fn child(work: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs `work`, which takes no lock that another thread may hold, and ends by `_exit`.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", io::Error::last_os_error()),
        0 => {
            work();
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(0) }
        }
        pid => pid,
    }
}

/// Waits for a child; by which signal it died, if by any.
fn signal_of(pid: libc::pid_t) -> Option<i32> {
    let mut status = 0;
    // SAFETY: the status is ours, the child as well, and it is reaped here only.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
}

fn kill(pid: libc::pid_t) {
    // SAFETY: it is our own child, which nobody has reaped yet.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
}

#[test]
fn the_documented_journal_dies_of_writing_behind_its_map() {
    let journal = Documented::create(file::scratch().unwrap(), 4096).unwrap();
    let pid = child(|| {
        // SAFETY: the child's own copy, into which nothing but an emulator would tell of the signal that is meant to come.
        unsafe { libc::close(libc::STDERR_FILENO) };
        for _ in 0..100 {
            let place = journal.reserve(64);
            // SAFETY: none: the place is not looked at, as printed. The guard page behind the map stops the child.
            unsafe { journal.put(place, &[1; 64], 64) };
        }
    });
    assert_eq!(signal_of(pid), Some(libc::SIGSEGV));
}

/// How many records the child was told are there; shared with it.
struct Told(Mapping);

impl Told {
    fn new() -> Self {
        Self(Mapping::new(8).unwrap())
    }

    fn count(&self) -> &std::sync::atomic::AtomicU64 {
        // SAFETY: the mapping is a page of zeros, and all that is ever made of it is this atomic.
        unsafe { self.0.start().cast().as_ref() }
    }
}

/// Appends numbered records in a child until it is killed, some hundred microseconds later.
fn told_before_the_kill<J: Journal>(mut journal: J, random: &mut Random) -> u64 {
    let told = Told::new();
    let pid = child(|| {
        let mut random = Random::new(5);
        for number in 0u64.. {
            let payload = [number.to_le_bytes(); 12].as_flattened().first_chunk::<96>().copied();
            let bytes = 8 + random.below(88) as usize;
            if journal.append(&payload.expect("twelve words")[..bytes]).is_err() {
                break;
            }
            told.count().store(number + 1, Ordering::Release);
        }
        loop {
            std::hint::spin_loop();
        }
    });
    let nap = Duration::from_micros(100 + random.below(900));
    let until_it_began = || told.count().load(Ordering::Acquire) > 0;
    while !until_it_began() {
        std::thread::yield_now();
    }
    std::thread::sleep(nap);
    kill(pid);
    assert_eq!(signal_of(pid), Some(libc::SIGKILL));
    told.count().load(Ordering::Acquire)
}

fn keeps_what_it_told<J: Journal>() {
    let mut random = Random::new(11);
    for round in 0..40 {
        let file = file::scratch().unwrap();
        let journal = J::create(file.try_clone().unwrap(), 8 << 20).unwrap();
        let told = told_before_the_kill(journal, &mut random);
        let bytes = file::read_all(&file).unwrap();
        let recovered = recover(&bytes).unwrap();
        let read = recovered.records.len() as u64;
        assert!(read == told || read == told + 1, "round {round}: {told} told, {read} read");
        assert_ne!(recovered.tail, Tail::Damaged, "round {round}");
        for record in &recovered.records {
            let number = record.sequence.to_le_bytes();
            assert!(record.payload.iter().zip(number.iter().cycle()).all(|(a, b)| a == b), "round {round}");
        }
    }
}

#[test]
fn journals_that_say_so_keep_what_they_told_when_they_are_killed_at_any_moment() {
    keeps_what_it_told::<committed::Committed>();
    keeps_what_it_told::<single_writer::SingleWriter>();
}
