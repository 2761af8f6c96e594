//! The idle slots that a thread has for itself. The one that came back last lies in a field of its own, so that a slot that
//! comes and goes moves no height: take and give-back wait for one word that went through memory, not for two.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// No slot is the hottest; none ever is where there is no room. No pool has slots of these numbers.
const NONE: u32 = u32::MAX;
const CLOSED: u32 = u32::MAX - 1;

/// The slots, and how often one was taken. One thread alone writes, so nothing here is ever waited for.
#[derive(Debug)]
pub struct OwnStack {
    hottest: AtomicU32,
    takes: AtomicU64,
    /// Slots below the hottest, the coldest first.
    fill: AtomicUsize,
    below: Box<[AtomicU32]>,
}

// Relaxed throughout: one thread writes, others read a number to look at; who hands a stack on does so under a lock.
impl OwnStack {
    /// An empty stack for at most `room` slots.
    pub fn new(room: usize) -> Self {
        Self {
            hottest: AtomicU32::new(if room == 0 { CLOSED } else { NONE }),
            takes: AtomicU64::new(0),
            fill: AtomicUsize::new(0),
            below: (1..room).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// The slot that became idle last, counted as a take.
    #[inline(always)]
    pub fn take(&self) -> Option<u32> {
        let slot = self.lift()?;
        count(&self.takes);
        Some(slot)
    }

    /// Counts a take that gets none of the slots here.
    pub fn take_elsewhere(&self) {
        count(&self.takes);
    }

    /// The slot that became idle last, for one who counts it elsewhere.
    #[inline(always)]
    pub fn lift(&self) -> Option<u32> {
        let hottest = self.hottest.load(Ordering::Relaxed);
        if hottest < CLOSED {
            self.hottest.store(NONE, Ordering::Relaxed);
            return Some(hottest);
        }
        self.lift_from_below()
    }

    #[inline(never)]
    fn lift_from_below(&self) -> Option<u32> {
        let top = self.fill.load(Ordering::Relaxed).checked_sub(1)?;
        self.fill.store(top, Ordering::Relaxed);
        Some(self.below[top].load(Ordering::Relaxed))
    }

    /// Keeps an idle slot, where there is room.
    #[inline(always)]
    pub fn give(&self, slot: u32) -> bool {
        if self.hottest.load(Ordering::Relaxed) == NONE {
            self.hottest.store(slot, Ordering::Relaxed);
            return true;
        }
        self.give_on_top(slot)
    }

    #[inline(never)]
    fn give_on_top(&self, slot: u32) -> bool {
        let fill = self.fill.load(Ordering::Relaxed);
        let Some(place) = self.below.get(fill) else { return false };
        place.store(self.hottest.load(Ordering::Relaxed), Ordering::Relaxed);
        self.fill.store(fill + 1, Ordering::Relaxed);
        self.hottest.store(slot, Ordering::Relaxed);
        true
    }

    /// Offers the coldest slots, at most `MOST`, and lets go of as many of them as were taken: how many it was.
    pub fn shed<const MOST: usize>(&self, taken: impl FnOnce(&[u32]) -> usize) -> usize {
        let (fill, mut coldest) = (self.fill.load(Ordering::Relaxed), [0; MOST]);
        let all = self.below[..fill].iter().chain((self.idle() > fill).then_some(&self.hottest));
        let offered =
            coldest.iter_mut().zip(all).map(|(to, slot)| *to = slot.load(Ordering::Relaxed)).count();
        let shed = taken(&coldest[..offered]);
        if shed > fill {
            self.hottest.store(NONE, Ordering::Relaxed);
        }
        let below = shed.min(fill);
        for (to, slot) in self.below.iter().zip(&self.below[below..fill]) {
            to.store(slot.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.fill.store(fill - below, Ordering::Relaxed);
        shed
    }

    /// Idle slots here.
    pub fn idle(&self) -> usize {
        self.fill.load(Ordering::Relaxed) + usize::from(self.hottest.load(Ordering::Relaxed) < CLOSED)
    }

    /// The most that there may be.
    pub fn room(&self) -> usize {
        self.below.len() + usize::from(self.hottest.load(Ordering::Relaxed) != CLOSED)
    }

    /// Takes until now.
    pub fn takes(&self) -> u64 {
        self.takes.load(Ordering::Relaxed)
    }
}

/// Counts in a word that one thread alone writes. Relaxed: a count publishes nothing.
#[inline(always)]
pub fn count(of: &AtomicU64) {
    of.store(of.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Takes, gives and sheddings of any number beside a deque, at every room around the smallest.
    #[test]
    fn object_pool_own_stacks_agree_with_a_deque() {
        for room in [0, 1, 2, 3, 8] {
            let (stack, mut oracle, mut next) = (OwnStack::new(room), VecDeque::new(), 0);
            for step in 0..400_u32 {
                match step.wrapping_mul(2_654_435_761) >> 29 {
                    0..3 => {
                        assert_eq!(stack.give(next), oracle.len() < room, "room {room}, step {step}");
                        if oracle.len() < room {
                            oracle.push_back(next);
                        }
                        next += 1;
                    }
                    3..6 => assert_eq!(stack.take(), oracle.pop_back(), "room {room}, step {step}"),
                    of => {
                        let expected: Vec<u32> = oracle.iter().copied().take(4).collect();
                        let wanted = expected.len().min(of as usize - 4);
                        let shed = stack.shed::<4>(|offered| {
                            assert_eq!(offered, expected, "room {room}, step {step}");
                            wanted
                        });
                        assert_eq!(shed, wanted);
                        oracle.drain(..shed);
                    }
                }
                assert_eq!((stack.idle(), stack.room()), (oracle.len(), room), "step {step}");
            }
            assert!(room == 0 || stack.takes() > 20, "room {room}: {} takes", stack.takes());
        }
    }
}
