//! Canaries: works of known content that a counter must see before its zero is believed. Some kernels open a counter
//! for a user and leave it at zero for ever; only a planted event tells such a counter from a quiet program.
//!
//! A source plants a canary when it is opened, reads itself around it, and refuses where too little came:
//! `let planted = canary::SLEEPS.plant(); believed(&canary::SLEEPS, planted, counted)?`.

use crate::machine::limits::mapping::{Mapping, Pages};
use crate::unavailable::{Reason, Unavailable};
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use std::time::Duration;

/// A work that causes events of one kind on the calling thread.
#[derive(Debug, Clone, Copy)]
pub struct Canary {
    /// What it plants, in the plural: `fresh pages`.
    pub about: &'static str,
    times: u64,
    work: fn(u64) -> u64,
}

/// First writes to pages of fresh memory: each is a page fault, taken in user mode.
pub static PAGES: Canary =
    Canary { about: "first writes to fresh pages", times: 16, work: touch_fresh_pages };

/// Short sleeps: each is a voluntary context switch.
pub static SLEEPS: Canary = Canary { about: "short sleeps", times: 3, work: sleep_shortly };

/// Moves to another CPU and back; the thread's affinity is afterwards what it was.
pub static MIGRATIONS: Canary = Canary { about: "moves to another CPU", times: 2, work: migrate };

/// System calls that do nothing.
pub static CALLS: Canary = Canary { about: "system calls", times: 5, work: call_the_kernel };

impl Canary {
    /// Does the work here and now, in less than a millisecond; tells how many events it has caused for certain. None are
    /// planted where the machine has no way to (a second CPU that it may move to).
    pub fn plant(&self) -> u64 {
        (self.work)(self.times)
    }
}

/// Believes a counter that saw at least as many events as were `planted`.
///
/// # Errors
/// The counter is blind, or nothing could be planted: its zero would say nothing.
pub fn believed(canary: &Canary, planted: u64, counted: f64) -> Result<(), Unavailable> {
    let doubt = |detail| Err(Unavailable::new(Reason::Unsupported, detail));
    match planted {
        0 => doubt(format!(
            "no {} could be made here to see whether the counter moves; give the program a second CPU",
            canary.about
        )),
        planted if counted < planted as f64 => doubt(format!(
            "the counter is blind: it saw {counted} of {planted} planted {}, so its zero would say nothing; count as root",
            canary.about
        )),
        _ => Ok(()),
    }
}

/// Base pages, because a huge one takes one fault for all.
fn touch_fresh_pages(pages: u64) -> u64 {
    let page_bytes = rustix::param::page_size();
    let Ok(mut memory) = Mapping::new(pages as usize * page_bytes, Pages::Base) else { return 0 };
    memory.bytes().iter_mut().step_by(page_bytes).for_each(|byte| *byte = std::hint::black_box(1));
    std::hint::black_box(memory.bytes());
    pages
}

fn sleep_shortly(sleeps: u64) -> u64 {
    (0..sleeps).for_each(|_| std::thread::sleep(Duration::from_micros(20)));
    sleeps
}

/// Asks for CPUs beyond the thread's own mask too: the measuring thread is pinned to one.
fn migrate(moves: u64) -> u64 {
    let Ok(before) = sched_getaffinity(None) else { return 0 };
    let here = sched_getcpu();
    let other = (0..CpuSet::MAX_CPU).find(|cpu| *cpu != here && move_to(*cpu));
    let made = other.map_or(0, |other| {
        let there_and_back = [here, other].into_iter().cycle().take(moves as usize - 1);
        1 + there_and_back.filter(|cpu| move_to(*cpu)).count() as u64
    });
    // A kernel that gave the mask takes it back.
    let _ = sched_setaffinity(None, &before);
    made
}

fn move_to(cpu: usize) -> bool {
    let mut mask = CpuSet::new();
    mask.set(cpu);
    sched_setaffinity(None, &mask).is_ok()
}

/// The C library asks the kernel each time.
fn call_the_kernel(calls: u64) -> u64 {
    (0..calls).for_each(|_| _ = rustix::process::getppid());
    calls
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::counter::rusage::usage;
    use crate::machine::probe::{Pinned, cpus};

    /// What the kernel accounts to this thread while a canary is planted, and how much of it was planted.
    fn accounted(canary: &Canary, of: fn(&libc::rusage) -> i64) -> (u64, u64) {
        let read = || of(&usage(libc::RUSAGE_THREAD).expect("the kernel accounts to threads")) as u64;
        let before = read();
        let planted = canary.plant();
        (planted, read() - before)
    }

    #[test]
    fn fresh_pages_fault_as_often_as_they_say() {
        let (planted, faults) = accounted(&PAGES, |usage| usage.ru_minflt);
        assert!(planted == 16 && faults >= planted, "{planted} {faults}");
    }

    #[test]
    fn each_short_sleep_gives_up_the_cpu() {
        let (planted, switches) = accounted(&SLEEPS, |usage| usage.ru_nvcsw);
        assert!(planted == 3 && switches >= planted, "{planted} {switches}");
    }

    #[test]
    fn migrations_leave_the_thread_with_the_affinity_that_it_had() {
        let pinned = Pinned::to(cpus()[0]);
        let before = cpus();
        let moves = MIGRATIONS.plant();
        assert!(moves == 2 || moves == 0, "{moves}");
        assert_eq!(cpus(), before);
        drop(pinned);
    }

    #[test]
    fn a_counter_is_believed_only_once_it_has_moved() {
        assert_eq!(believed(&CALLS, 5, 5.0), Ok(()));
        assert_eq!(believed(&CALLS, 5, 6.0), Ok(()));
        let blind = believed(&CALLS, 5, 0.0).unwrap_err();
        assert!(blind.detail.contains("saw 0 of 5 planted system calls"), "{blind}");
        assert!(believed(&MIGRATIONS, 0, 3.0).is_err());
    }
}
