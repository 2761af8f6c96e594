//! A leader here and a follower in a forked process: what passes between them passes through shared memory or the
//! kernel, as it would between two programs. The child runs the body and raw system calls only, never the allocator.

use super::control::{Control, Report};
use super::follower::Follower;
use super::pair::Pair;
use super::{Body, Case, Ops};
use crate::machine::probe::pin;
use crate::unavailable::{Reason, Unavailable};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::ptr::NonNull;

/// A case of a leading body on this thread and a following one in a process of its own pinned to `cpus[1]`. Both must
/// have been given what they share (a `MAP_SHARED` mapping, a socket) before the call; the follower must not allocate
/// in its operations, because the child of a process with threads must not.
///
/// # Errors
/// What the kernel refused: the mapping or the fork.
pub fn processes(
    cpus: [usize; 2],
    units: f64,
    leader: impl Body + 'static,
    follower: impl Body + 'static,
) -> Result<Box<dyn Case>, Unavailable> {
    let process = Process::start(cpus[1], Box::new(follower))?;
    Ok(Box::new(Pair::new(units, leader, vec![Follower::process(process)])))
}

/// As [`processes`], with several followers, which share `cpus[1]`: a scenario of more roles than CPUs.
///
/// # Errors
/// What the kernel refused: a mapping or a fork.
pub fn crew(
    cpus: [usize; 2],
    units: f64,
    leader: impl Body + 'static,
    followers: Vec<Box<dyn FnMut(u64) -> u64>>,
) -> Result<Box<dyn Case>, Unavailable> {
    let start = |body| Process::start(cpus[1], Box::new(body)).map(Follower::process);
    let followers = followers.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    Ok(Box::new(Pair::new(units, leader, followers)))
}

/// A forked follower and the page it shares with its leader.
pub(super) struct Process {
    control: NonNull<Control>,
    child: Pid,
}

impl Process {
    fn start(cpu: usize, mut body: Box<dyn Ops>) -> Result<Self, Unavailable> {
        let control = shared_control()?;
        // SAFETY: the child calls only `prctl`, `sched_setaffinity`, `futex` and the body, and ends with `_exit`: it
        // takes no lock that another thread may hold at the fork.
        match unsafe { libc::fork() } {
            -1 => Err(refused("fork", std::io::Error::last_os_error())),
            0 => child(control, cpu, &mut *body),
            pid => Ok(Process { control, child: Pid::from_raw(pid).expect("fork returned a child") }),
        }
    }

    pub(super) fn control(&self) -> &Control {
        // SAFETY: the mapping lives as long as `self` and all its fields are atomics.
        unsafe { self.control.as_ref() }
    }

    pub(super) fn is_alive(&self) -> bool {
        matches!(waitpid(Some(self.child), WaitOptions::NOHANG), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The follower has been dismissed by then; a dead one has been reaped already and this finds nothing.
        let _ = waitpid(Some(self.child), WaitOptions::empty());
        // SAFETY: the mapping was made with this length, and nothing refers to it any more.
        let _ = unsafe { munmap(self.control.as_ptr().cast(), size_of::<Control>()) };
    }
}

fn shared_control() -> Result<NonNull<Control>, Unavailable> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
    let page =
        unsafe { mmap_anonymous(std::ptr::null_mut(), size_of::<Control>(), protection, MapFlags::SHARED) };
    let page = page.map_err(|error| refused("mmap", error.into()))?;
    Ok(NonNull::new(page.cast()).expect("a mapping is never at zero"))
}

fn child(control: NonNull<Control>, cpu: usize, mut body: &mut dyn Ops) -> ! {
    let follow = std::panic::AssertUnwindSafe(|| {
        // SAFETY: asks only that this process dies with its parent; takes no pointers.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        pin(cpu);
        // SAFETY: the child's copy of the mapping lives until `_exit`, and all its fields are atomics.
        let control = unsafe { control.as_ref() };
        control.follow(
            &mut body,
            |_| (),
            |body, order| Report { checksum: body.run(0, order.ops), took_ticks: 0 },
        );
    });
    let status = i32::from(std::panic::catch_unwind(follow).is_err());
    // SAFETY: ends the child without running the parent's exit handlers or destructors.
    unsafe { libc::_exit(status) }
}

fn refused(call: &str, error: std::io::Error) -> Unavailable {
    Unavailable::new(Reason::Unsupported, format!("{call} failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ClockChoice};

    #[test]
    fn the_follower_runs_in_a_process_of_its_own() {
        let clock = Clock::open(ClockChoice::Best);
        let here = std::process::id();
        let mut case = processes([0, 1], 1.0, |_| 0, move |_| u64::from(std::process::id() != here)).unwrap();
        assert!(!case.is_of_one_process());
        let batch = case.batch(1, &clock);
        assert_eq!(batch.checksum, 1u64.rotate_left(32));
        assert!(batch.bounce.is_some());
    }

    #[test]
    fn every_follower_of_a_crew_runs_all_its_operations() {
        let clock = Clock::open(ClockChoice::Best);
        let counting = |from: u64| -> Box<dyn FnMut(u64) -> u64> { Box::new(move |i| from + i) };
        let mut case = crew([0, 1], 1.0, |_| 0, vec![counting(1), counting(2)]).unwrap();
        let [ones, twos] = [1, 2].map(|from| (0..3u64).fold(0u64, |sum, i| sum.rotate_left(1) ^ (from + i)));
        assert_eq!(case.batch(3, &clock).checksum, ones.rotate_left(32) ^ twos.rotate_left(32));
    }

    #[test]
    #[should_panic(expected = "partner of this case died")]
    fn a_follower_that_dies_is_noticed_instead_of_waited_for() {
        let clock = Clock::open(ClockChoice::Best);
        let die = |_| -> u64 {
            // SAFETY: ends the forked child only; it is the one that runs this body.
            unsafe { libc::_exit(9) }
        };
        processes([0, 1], 1.0, |_| 0, die).unwrap().batch(1, &clock);
    }
}
