//! One set-associative cache with true LRU: which lines it holds, in which state. Who asks it, and what a miss means, is
//! the affair of `model` and `tlb`.

use super::geometry::Level;

/// State of a line in a private cache; a line that is absent is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Others may hold it too; clean.
    Shared = 0,
    /// Nobody else holds it; clean.
    Exclusive = 1,
    /// Nobody else holds it; memory does not know its contents.
    Modified = 2,
}

/// A line with its state in the two lowest bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(u64);

const STATE_BITS: u32 = 2;

/// No line of any address: the highest one is far below.
const EMPTY: Slot = Slot(u64::MAX);

impl Slot {
    #[inline(always)]
    pub(super) fn new(line: u64, state: State) -> Self {
        Self(line << STATE_BITS | state as u64)
    }

    #[inline(always)]
    pub(super) fn line(self) -> u64 {
        self.0 >> STATE_BITS
    }

    #[inline(always)]
    pub(super) fn state(self) -> State {
        match self.0 & 3 {
            0 => State::Shared,
            1 => State::Exclusive,
            _ => State::Modified,
        }
    }

    #[inline(always)]
    pub(super) fn set_state(&mut self, state: State) {
        *self = Self::new(self.line(), state);
    }

    #[inline(always)]
    fn holds(self, line: u64) -> bool {
        self.0 ^ (line << STATE_BITS) < 1 << STATE_BITS
    }
}

/// A cache.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    /// Set after set, each with the most recently used line first and empty slots last.
    slots: Vec<Slot>,
    ways: usize,
    sets: u64,
    sets_are_power_of_two: bool,
}

impl Cache {
    /// An empty cache for lines of this size.
    pub(super) fn new(level: &Level, line_bytes: u32) -> Self {
        Self::with_sets(level.sets(line_bytes), level.ways as usize)
    }

    /// An empty cache of so many sets.
    pub(super) fn with_sets(sets: u64, ways: usize) -> Self {
        assert!(sets > 0 && ways > 0, "a cache holds at least one line");
        let slots = vec![EMPTY; sets as usize * ways];
        Self { slots, ways, sets, sets_are_power_of_two: sets.is_power_of_two() }
    }

    #[inline(always)]
    fn set(&mut self, line: u64) -> &mut [Slot] {
        let set = if self.sets_are_power_of_two { line & (self.sets - 1) } else { line % self.sets };
        let first = set as usize * self.ways;
        &mut self.slots[first..first + self.ways]
    }

    /// Finds a line and makes it the most recently used.
    #[inline(always)]
    pub(super) fn touch(&mut self, line: u64) -> Option<&mut Slot> {
        let set = self.set(line);
        if !set[0].holds(line) {
            let at = position(set, line)?;
            let slot = set[at];
            set.copy_within(..at, 1);
            set[0] = slot;
        }
        Some(&mut set[0])
    }

    /// Finds a line without using it.
    pub(super) fn find(&mut self, line: u64) -> Option<&mut Slot> {
        let set = self.set(line);
        position(set, line).map(|at| &mut set[at])
    }

    /// Puts in a line that is absent, as the most recently used; hands over what had to go for it.
    #[inline(always)]
    pub(super) fn insert(&mut self, slot: Slot) -> Option<Slot> {
        let set = self.set(slot.line());
        let evicted = match set.len() {
            8 => push::<8>(set, slot),
            12 => push::<12>(set, slot),
            16 => push::<16>(set, slot),
            _ => push_any(set, slot),
        };
        (evicted != EMPTY).then_some(evicted)
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, line: u64) -> Option<Slot> {
        let set = self.set(line);
        let at = position(set, line)?;
        let slot = set[at];
        set.copy_within(at + 1.., at);
        *set.last_mut().expect("a set has a way") = EMPTY;
        Some(slot)
    }
}

/// Puts a line to the front of its set; what falls out at the end. The number of ways is known to the compiler, so it moves
/// them without a loop.
#[inline(always)]
fn push<const WAYS: usize>(set: &mut [Slot], slot: Slot) -> Slot {
    let set: &mut [Slot; WAYS] = set.try_into().expect("the set has as many ways");
    let evicted = set[WAYS - 1];
    set.copy_within(..WAYS - 1, 1);
    set[0] = slot;
    evicted
}

fn push_any(set: &mut [Slot], slot: Slot) -> Slot {
    set.rotate_right(1);
    std::mem::replace(&mut set[0], slot)
}

#[inline(always)]
fn position(set: &[Slot], line: u64) -> Option<usize> {
    set.iter().position(|slot| slot.holds(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The oracle: a list of lines a set, the most recently used last.
    struct Oracle {
        sets: Vec<Vec<u64>>,
        ways: usize,
    }

    impl Oracle {
        fn access(&mut self, line: u64) -> bool {
            let sets = self.sets.len() as u64;
            let set = &mut self.sets[(line % sets) as usize];
            let hit = set.contains(&line);
            set.retain(|held| *held != line);
            set.push(line);
            if set.len() > self.ways {
                set.remove(0);
            }
            hit
        }

        fn remove(&mut self, line: u64) -> bool {
            let sets = self.sets.len() as u64;
            let set = &mut self.sets[(line % sets) as usize];
            let held = set.contains(&line);
            set.retain(|held| *held != line);
            held
        }
    }

    proptest! {
        #[test]
        fn a_cache_hits_exactly_where_a_list_of_recent_lines_does(
            sets in 1u64..5,
            ways in prop::sample::select(vec![1usize, 2, 3, 4, 5, 8, 12]),
            steps in prop::collection::vec((0u64..60, 0u8..10), 0..400),
        ) {
            let mut cache = Cache::with_sets(sets, ways);
            let mut oracle = Oracle { sets: vec![Vec::new(); sets as usize], ways };
            for (line, step) in steps {
                if step == 0 {
                    prop_assert_eq!(cache.remove(line).is_some(), oracle.remove(line));
                } else {
                    let hit = cache.touch(line).is_some();
                    if !hit {
                        cache.insert(Slot::new(line, State::Exclusive));
                    }
                    prop_assert_eq!(hit, oracle.access(line));
                }
            }
        }
    }

    #[test]
    fn a_line_keeps_its_state_on_the_way_through_its_set() {
        let mut cache = Cache::with_sets(1, 3);
        for (line, state) in [(1, State::Shared), (2, State::Exclusive), (3, State::Modified)] {
            assert_eq!(cache.insert(Slot::new(line, state)), None);
        }
        assert_eq!(cache.touch(2).map(|slot| slot.state()), Some(State::Exclusive));
        assert_eq!(cache.insert(Slot::new(4, State::Shared)), Some(Slot::new(1, State::Shared)));
        cache.find(3).expect("it is held").set_state(State::Shared);
        assert_eq!(cache.remove(3), Some(Slot::new(3, State::Shared)));
    }
}
