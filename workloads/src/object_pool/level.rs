//! How many idle objects a thread has of its own and how often it took one, in a single word that it alone writes: the
//! statistics of a thread's own stack cost no instruction beside its stack pointer.

use std::sync::atomic::{AtomicU64, Ordering};

/// The word: 16 bits of fill, 48 bits of takes.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

/// One take.
const TAKE: u64 = 1 << 16;

/// The most that a level holds.
pub const FILL_MAX: usize = TAKE as usize - 1;

// Relaxed throughout: one thread writes, others read a number to look at.
impl Level {
    /// Counts a take and says which of the idle objects it gets: the last one.
    #[inline]
    pub fn take(&self) -> Option<usize> {
        let word = self.0.load(Ordering::Relaxed);
        let fill = fill_of(word);
        if fill == 0 {
            return None;
        }
        self.0.store(word + (TAKE - 1), Ordering::Relaxed);
        Some(fill - 1)
    }

    /// Counts a take that gets none of the idle objects here.
    pub fn take_elsewhere(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + TAKE, Ordering::Relaxed);
    }

    /// Says where one more idle object goes, where fewer than `room` are here.
    #[inline]
    pub fn give(&self, room: usize) -> Option<usize> {
        let word = self.0.load(Ordering::Relaxed);
        let fill = fill_of(word);
        (fill < room).then(|| {
            self.0.store(word + 1, Ordering::Relaxed);
            fill
        })
    }

    /// Sets how many idle objects are here.
    pub fn set_fill(&self, fill: usize) {
        let word = self.0.load(Ordering::Relaxed);
        self.0.store(word - fill_of(word) as u64 + fill as u64, Ordering::Relaxed);
    }

    /// Idle objects here.
    #[inline]
    pub fn fill(&self) -> usize {
        fill_of(self.0.load(Ordering::Relaxed))
    }

    /// Takes until now.
    pub fn takes(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / TAKE
    }
}

#[inline]
fn fill_of(word: u64) -> usize {
    word as u16 as usize
}
