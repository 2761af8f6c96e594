//! How a side waits while the ring is full or empty: awake at first, then in the kernel, never without a bound. What
//! it waits for is the caller's affair.

use crate::sync::spin_loop;
use perfbench_harness::counter::syscalls::yield_turn;
use std::time::Duration;

/// A waiting policy: made when a wait begins, told of every attempt that failed.
pub trait Wait: Default + 'static {
    /// Waits before the next attempt.
    fn wait(&mut self);
}

/// So many pauses after each attempt; past [`AWAKE_PAUSES`] of them the CPU is yielded, past [`YIELDS`] the thread sleeps,
/// so that a side whose partner is descheduled costs next to nothing.
#[derive(Debug, Default)]
pub struct Pauses<const PAUSES: u32> {
    failed: u32,
}

/// Attempt after attempt.
pub type Spin = Pauses<0>;
/// One pause after each attempt.
pub type OnePause = Pauses<1>;
/// Eight pauses after each attempt, which leave the line alone for longer.
pub type EightPauses = Pauses<8>;

/// Pauses of one wait before the CPU is yielded: some 50 us where one takes 23 ns. A bare attempt counts as a sixteenth.
pub const AWAKE_PAUSES: u32 = 2_048;

/// Yields before the first sleep.
pub const YIELDS: u32 = 256;

/// The first sleep; each is twice as long as the one before, up to the longest.
pub const FIRST_SLEEP: Duration = Duration::from_micros(50);
/// The longest sleep: what it takes a waiting side at most to notice that its partner is back.
pub const LONGEST_SLEEP: Duration = Duration::from_millis(1);

/// Sleeps after which the partner is given up: half a minute.
pub const GIVE_UP: u32 = 30_000;

/// What a waiting side does when it waits no longer awake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Lets another thread have the CPU.
    Yield,
    /// Sleeps in the kernel.
    Sleep(Duration),
}

impl<const PAUSES: u32> Pauses<PAUSES> {
    /// Attempts that are made awake.
    pub const AWAKE: u32 = 16 * AWAKE_PAUSES / (16 * PAUSES + 1);
}

impl<const PAUSES: u32> Wait for Pauses<PAUSES> {
    #[inline(always)]
    fn wait(&mut self) {
        self.failed += 1;
        if self.failed <= Self::AWAKE {
            (0..PAUSES).for_each(|_| spin_loop())
        } else {
            rest(self.failed - Self::AWAKE)
        }
    }
}

/// What follows the failure number `late` past the awake ones, counted from one.
///
/// # Panics
/// Where the other side does nothing for half a minute.
pub fn rest_after(late: u32) -> Rest {
    let Some(sleeps) = late.checked_sub(YIELDS + 1) else { return Rest::Yield };
    assert!(sleeps < GIVE_UP, "the other side of the ring does nothing any more");
    let doublings = sleeps.min(8);
    Rest::Sleep((FIRST_SLEEP * (1 << doublings)).min(LONGEST_SLEEP))
}

#[cold]
#[inline(never)]
fn rest(late: u32) {
    match rest_after(late) {
        Rest::Yield => yield_turn(),
        Rest::Sleep(long) => std::thread::sleep(long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_sleeps_after_a_bounded_number_of_attempts() {
        for awake in [Spin::AWAKE, OnePause::AWAKE, EightPauses::AWAKE] {
            assert!((200..=16 * AWAKE_PAUSES).contains(&awake), "{awake}");
        }
        assert_eq!(rest_after(YIELDS), Rest::Yield);
        assert_eq!(rest_after(YIELDS + 1), Rest::Sleep(FIRST_SLEEP));
        assert_eq!(rest_after(YIELDS + 100), Rest::Sleep(LONGEST_SLEEP));
    }

    #[test]
    fn a_second_of_waiting_is_about_a_thousand_attempts() {
        let mut slept = Duration::ZERO;
        let attempts = (1..).map(rest_after).take_while(|rest| {
            slept += if let Rest::Sleep(long) = rest { *long } else { Duration::ZERO };
            slept < Duration::from_secs(1)
        });
        let attempts = attempts.count();
        assert!((1_000..1_300).contains(&attempts), "{attempts}");
    }

    #[test]
    #[should_panic(expected = "does nothing any more")]
    fn a_partner_that_never_comes_back_is_given_up() {
        rest_after(YIELDS + 1 + GIVE_UP);
    }
}
