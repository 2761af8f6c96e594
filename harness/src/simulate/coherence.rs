//! The private caches of one core, and the state in which they hold a line: always the same in both levels, so that either
//! can be asked. Which core may hold what is `model`'s affair.

use super::cache::{Cache, Slot, State};
use super::geometry::{Geometry, Holds, Level};
use super::tlb::Translations;

/// One core.
#[derive(Debug, Clone)]
pub(super) struct Core {
    pub(super) l1: Cache,
    pub(super) l2: Option<Cache>,
    pub(super) tlb: Option<Translations>,
    l2_holds_everything: bool,
}

impl Core {
    pub(super) fn new(geometry: &Geometry) -> Self {
        let cache = |level: &Level| Cache::new(level, geometry.line_bytes);
        Self {
            l1: cache(&geometry.l1d),
            l2: geometry.l2.as_ref().map(cache),
            tlb: geometry.tlb.as_ref().map(Translations::new),
            l2_holds_everything: geometry.l2.is_some_and(|l2| l2.holds == Holds::Everything),
        }
    }

    /// The state in which it holds a line.
    pub(super) fn state(&mut self, line: u64) -> Option<State> {
        self.copies(line).next().map(|slot| slot.state())
    }

    /// Changes the state of a line wherever it is held.
    pub(super) fn set_state(&mut self, line: u64, state: State) {
        self.copies(line).for_each(|slot| slot.set_state(state));
    }

    fn copies(&mut self, line: u64) -> impl Iterator<Item = &mut Slot> {
        self.l1.find(line).into_iter().chain(self.l2.as_mut().and_then(|l2| l2.find(line)))
    }

    /// Loses a line.
    pub(super) fn remove(&mut self, line: u64) -> Option<Slot> {
        let far = self.l2.as_mut().and_then(|l2| l2.remove(line));
        self.l1.remove(line).or(far)
    }

    /// Takes a line that neither level holds; hands over what leaves the lower one for it.
    pub(super) fn fill(&mut self, slot: Slot) -> [Option<Slot>; 2] {
        let Some(l2) = &mut self.l2 else { return [self.l1.insert(slot), None] };
        let evicted = l2.insert(slot);
        if let (Some(evicted), true) = (evicted, self.l2_holds_everything) {
            self.l1.remove(evicted.line());
        }
        [evicted, self.fill_l1(slot)]
    }

    /// Takes a line into the first level. What goes for it and is nowhere below is written back there, and may push out
    /// another, which is handed over.
    #[inline(always)]
    pub(super) fn fill_l1(&mut self, slot: Slot) -> Option<Slot> {
        let evicted = self.l1.insert(slot)?;
        let must_be_written = evicted.state() == State::Modified && !self.l2_holds_everything;
        let l2 = self.l2.as_mut().filter(|_| must_be_written)?;
        if l2.find(evicted.line()).is_some() { None } else { l2.insert(evicted) }
    }
}
