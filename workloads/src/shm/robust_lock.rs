//! A lock word in shared memory that survives its holder: whoever waits asks whether the holder still runs, and takes the
//! lock over from one that was killed. What it guards must be in order after every single store of a holder.

use super::Identity;
use crate::sync::{AtomicU64, Ordering, spin_loop};

/// Zero where nobody holds it, otherwise the word of the holder.
#[derive(Debug)]
#[repr(transparent)]
pub struct RobustLock(AtomicU64);

/// Whoever locks: a word that is not zero, and a way to tell whether another signer still runs. A process that forks keeps
/// its word: its child makes a signer of its own.
pub struct Signer {
    word: u64,
    lives: Box<dyn Fn(u64) -> bool + Send + Sync>,
}

impl Signer {
    /// The calling process, as the kernel knows it.
    pub fn process() -> Self {
        let lives = |word| Identity::of_word(word).is_some_and(Identity::is_alive);
        Self::new(Identity::own().word(), lives)
    }

    /// Somebody else's idea of who lives, for models.
    pub fn new(word: u64, lives: impl Fn(u64) -> bool + Send + Sync + 'static) -> Self {
        assert_ne!(word, 0, "zero is nobody");
        Self { word, lives: Box::new(lives) }
    }
}

/// A living process held the lock for longer than its part takes: it is stopped, or starved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// The holder's word.
    pub holder: u64,
}

/// A held lock.
#[derive(Debug)]
pub struct Locked<'a>(&'a AtomicU64);

/// Rounds of waiting without a question to the kernel. Models have no time to lose.
const SPINS: u32 = if cfg!(loom) { 0 } else { 200 };
/// Rounds with one, of a millisecond each.
const NAPS: u32 = 2000;

impl Default for RobustLock {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl RobustLock {
    /// Waits for the lock, or takes it over from a holder that no longer runs.
    ///
    /// # Errors
    /// [`Stuck`] after two seconds.
    pub fn lock(&self, signer: &Signer) -> Result<Locked<'_>, Stuck> {
        let mut last = 0;
        for round in 0..SPINS + NAPS {
            match self.try_lock(signer, round >= SPINS) {
                Ok(locked) => return Ok(locked),
                Err(holder) => last = holder,
            }
            rest(round >= SPINS);
        }
        Err(Stuck { holder: last })
    }

    fn try_lock(&self, signer: &Signer, ask: bool) -> Result<Locked<'_>, u64> {
        // Acquire takes over what the last holder wrote; pairs with the Release of the drop.
        let free = self.0.compare_exchange(0, signer.word, Ordering::Acquire, Ordering::Relaxed);
        let Err(holder) = free else { return Ok(Locked(&self.0)) };
        if !ask || holder == signer.word || (signer.lives)(holder) {
            return Err(holder);
        }
        // Relaxed: the dead released nothing; the kernel, which told of the death, orders it after all that they wrote.
        let taken = self.0.compare_exchange(holder, signer.word, Ordering::Relaxed, Ordering::Relaxed);
        taken.map(|_| Locked(&self.0))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // Release hands over what was written under the lock; pairs with the Acquire of `try_lock`.
        self.0.store(0, Ordering::Release);
    }
}

fn rest(long: bool) {
    if cfg!(any(loom, miri)) || !long {
        spin_loop();
    } else {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_taken_over_from_the_dead_only() {
        let lock = RobustLock::default();
        std::mem::forget(lock.lock(&Signer::new(7, |_| true)).unwrap());
        assert_eq!(lock.try_lock(&Signer::new(8, |_| true), true).unwrap_err(), 7);
        let locked = lock.lock(&Signer::new(8, |word| word != 7)).unwrap();
        assert_eq!(lock.try_lock(&Signer::new(9, |word| word != 7), true).unwrap_err(), 8);
        drop(locked);
        assert!(lock.try_lock(&Signer::new(9, |_| true), false).is_ok());
    }

    #[test]
    fn threads_of_one_process_exclude_each_other_too() {
        let (lock, signer) = (RobustLock::default(), Signer::new(7, |_| false));
        let locked = lock.lock(&signer).unwrap();
        assert_eq!(lock.try_lock(&signer, true).unwrap_err(), 7);
        drop(locked);
    }
}
