//! The model: takes accesses, keeps every thread's private caches coherent over a shared last level, and counts. Prefetching,
//! instruction fetches, page walks' own accesses and time are not modelled.

use super::cache::{Cache, Slot, State};
use super::coherence::Core;
use super::geometry::{Geometry, Holds};
use super::sharing::{LONGEST_LINE_BYTES, WriteSets};
use super::tlb::Found;
use super::touched::Touched;
use super::{Access, AccessKind, Tracer};

/// A machine's caches in software. It is deterministic: the same accesses in the same order give the same counts.
#[derive(Debug, Clone)]
pub struct Model {
    geometry: Geometry,
    line_shift: u32,
    cores: Vec<Core>,
    last: Cache,
    touched: Touched,
    writes: WriteSets,
    counts: Counts,
}

/// A count of reads and one of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByKind {
    /// Those of reads.
    pub reads: u64,
    /// Those of writes.
    pub writes: u64,
}

impl ByKind {
    /// Both together.
    pub fn sum(self) -> u64 {
        self.reads + self.writes
    }

    #[inline(always)]
    fn add(&mut self, write: bool) {
        self.reads += u64::from(!write);
        self.writes += u64::from(write);
    }
}

/// What the model has counted. An access that lies across two lines is one access and may miss twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accesses.
    pub accesses: ByKind,
    /// Lines that were not in the thread's first level.
    pub l1d_misses: ByKind,
    /// Lines that were not in its second level either; 0 where there is none.
    pub l2_misses: ByKind,
    /// Lines that came from memory: neither the last level nor another core held them.
    pub l3_misses: ByKind,
    /// Those of them that were never touched before: no cache could have held them.
    pub first_touches: u64,
    /// Translations that were not in the buffer that every access asks.
    pub dtlb_misses: u64,
    /// Translations that were in neither buffer.
    pub page_walks: u64,
    /// Copies in private caches that other cores lost to a write.
    pub invalidations: u64,
    /// Lines fetched from another core's modified copy.
    pub hitm: u64,
    /// Lines fetched from another core's clean copy because the last level did not hold them.
    pub fills_from_clean_copies: u64,
    /// Lines that more than one thread wrote.
    pub shared_written_lines: u64,
    /// Those of them in which no byte was written by two threads.
    pub false_shared_lines: u64,
}

impl Model {
    /// A cold machine for this many threads, each on a core of its own.
    ///
    /// # Panics
    /// Where the geometry has a line that is no power of two up to 128 bytes, or a cache without a whole set.
    pub fn new(geometry: &Geometry, threads: usize) -> Self {
        let line_bytes = geometry.line_bytes;
        assert!(
            line_bytes.is_power_of_two() && line_bytes <= LONGEST_LINE_BYTES,
            "lines of {line_bytes} bytes"
        );
        Self {
            line_shift: line_bytes.trailing_zeros(),
            cores: vec![Core::new(geometry); threads.max(1)],
            last: Cache::new(&geometry.l3, line_bytes),
            touched: Touched::default(),
            writes: WriteSets::default(),
            counts: Counts::default(),
            geometry: geometry.clone(),
        }
    }

    /// What it models.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// What was counted since the last reset.
    pub fn counts(&self) -> Counts {
        let shared = self.writes.shared();
        Counts { shared_written_lines: shared.written, false_shared_lines: shared.falsely, ..self.counts }
    }

    /// Counts from zero; what the caches hold and which lines were ever touched stays.
    pub fn reset_counts(&mut self) {
        self.counts = Counts::default();
        self.writes.clear();
    }

    /// Notes which bytes of which lines a thread writes.
    fn note_write(&mut self, access: Access) {
        let (line_bytes, mut address) = (u64::from(self.geometry.line_bytes), access.address);
        let end = address + u64::from(access.size_bytes);
        while address < end {
            let next = (address | (line_bytes - 1)) + 1;
            let bytes = next.min(end) - address;
            let offset = (address % line_bytes) as u32;
            self.writes.wrote(access.thread, address >> self.line_shift, offset, bytes as u32);
            address = next;
        }
    }

    #[inline(always)]
    fn line(&mut self, core: usize, line: u64, write: bool) {
        let own = &mut self.cores[core];
        if let Some(tlb) = &mut own.tlb {
            let found = tlb.translate(line << self.line_shift);
            self.counts.dtlb_misses += u64::from(found != Found::Near);
            self.counts.page_walks += u64::from(found == Found::Walked);
        }
        match own.l1.touch(line).map(|slot| slot.state()) {
            Some(state) if write => self.write_held(core, line, state),
            Some(_) => {}
            None => self.miss(core, line, write),
        }
    }

    fn miss(&mut self, core: usize, line: u64, write: bool) {
        self.counts.l1d_misses.add(write);
        let own = &mut self.cores[core];
        let below = own.l2.as_mut().and_then(|l2| l2.touch(line)).copied();
        let left = match below {
            Some(slot) => [own.fill_l1(slot), None],
            None => {
                let there_is_a_second_level = own.l2.is_some();
                if there_is_a_second_level {
                    self.counts.l2_misses.add(write);
                }
                let state = self.fetch(core, line, write);
                self.cores[core].fill(Slot::new(line, state))
            }
        };
        if let (Some(slot), true) = (below, write) {
            self.write_held(core, line, slot.state());
        }
        left.into_iter().flatten().for_each(|slot| self.take_victim(slot));
    }

    /// A write to a line that the core holds in this state.
    #[inline(always)]
    fn write_held(&mut self, core: usize, line: u64, state: State) {
        if state == State::Shared {
            self.invalidate_others(core, line);
            self.forget_stale(line);
        }
        if state != State::Modified {
            self.cores[core].set_state(line, State::Modified);
        }
    }

    /// Gets a line that no private cache of the core holds; in which state it arrives.
    fn fetch(&mut self, core: usize, line: u64, write: bool) -> State {
        let others = if write { self.invalidate_others(core, line) } else { self.share_with(core, line) };
        let below = self.last.touch(line).map(|slot| slot.state());
        match (others, below) {
            (Some(State::Modified), _) => self.counts.hitm += 1,
            (_, Some(_)) => {}
            (Some(_), None) => self.counts.fills_from_clean_copies += 1,
            (None, None) => self.fetch_from_memory(line, write),
        }
        let goes_up = self.geometry.l3.holds == Holds::Victims && below.is_some();
        match others {
            _ if write => {
                self.forget_stale(line);
                State::Modified
            }
            Some(State::Modified) => {
                self.write_back(line);
                State::Shared
            }
            Some(_) => State::Shared,
            None if goes_up => {
                self.last.remove(line).map_or(State::Exclusive, |slot| slot.state().max(State::Exclusive))
            }
            None => State::Exclusive,
        }
    }

    fn fetch_from_memory(&mut self, line: u64, write: bool) {
        self.counts.l3_misses.add(write);
        self.counts.first_touches += u64::from(self.touched.add(line));
        if self.geometry.l3.holds != Holds::Victims {
            self.put_into_last(Slot::new(line, State::Exclusive));
        }
    }

    fn put_into_last(&mut self, slot: Slot) {
        let evicted = self.last.insert(slot);
        if let (Some(evicted), Holds::Everything) = (evicted, self.geometry.l3.holds) {
            for core in &mut self.cores {
                core.remove(evicted.line());
            }
        }
    }

    /// Memory's side learns what a core has modified and another now reads.
    fn write_back(&mut self, line: u64) {
        if self.last.find(line).is_none() {
            self.put_into_last(Slot::new(line, State::Shared));
        }
    }

    /// A last level of victims must not keep what is written above it.
    fn forget_stale(&mut self, line: u64) {
        if self.geometry.l3.holds == Holds::Victims {
            self.last.remove(line);
        }
    }

    /// What a core's lower level has evicted goes into a last level of victims.
    fn take_victim(&mut self, slot: Slot) {
        if self.geometry.l3.holds != Holds::Victims {
            return;
        }
        match self.last.touch(slot.line()) {
            Some(held) => held.set_state(held.state().max(slot.state())),
            None => self.put_into_last(slot),
        }
    }

    /// Takes a line from all other cores; the state of the most advanced copy, if there was one.
    fn invalidate_others(&mut self, core: usize, line: u64) -> Option<State> {
        let mut most = None;
        for other in others(&mut self.cores, core) {
            if let Some(slot) = other.remove(line) {
                self.counts.invalidations += 1;
                most = most.max(Some(slot.state()));
            }
        }
        most
    }

    /// Makes all copies of other cores shared ones; the state of the most advanced of them, if there was one.
    fn share_with(&mut self, core: usize, line: u64) -> Option<State> {
        let mut most = None;
        for other in others(&mut self.cores, core) {
            let state = other.state(line);
            if state > Some(State::Shared) {
                other.set_state(line, State::Shared);
            }
            most = most.max(state);
        }
        most
    }
}

fn others(cores: &mut [Core], core: usize) -> impl Iterator<Item = &mut Core> {
    cores.iter_mut().enumerate().filter(move |(index, _)| *index != core).map(|(_, other)| other)
}

impl Tracer for Model {
    /// # Panics
    /// Where the thread's number is beyond the model's threads.
    #[inline]
    fn access(&mut self, access: Access) {
        let write = access.kind == AccessKind::Write;
        self.counts.accesses.add(write);
        if write && self.cores.len() > 1 {
            self.note_write(access);
        }
        let last_byte = access.address + u64::from(access.size_bytes.max(1)) - 1;
        let (first, last) = (access.address >> self.line_shift, last_byte >> self.line_shift);
        self.line(access.thread as usize, first, write);
        for line in first + 1..=last {
            self.line(access.thread as usize, line, write);
        }
    }
}

#[cfg(test)]
mod tests;
