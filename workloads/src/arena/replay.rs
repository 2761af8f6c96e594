//! Plays an allocation trace back through an arena: once untimed, watching that no block overlaps another, then in a
//! circle, one event an operation.

use super::cases::Held;
use super::check::Blocks;
use super::trace::{self, Event, Trace};
use super::{Arena, Misuse, design_facts};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{Broken, Reason, Unavailable, ensure};
use std::alloc::Layout;
use std::path::Path;
use std::ptr::NonNull;

/// The case of the trace in a file, or of the project's own recording.
pub fn case<A: Arena>(file: Option<&Path>) -> Result<Box<dyn Case>, Unavailable> {
    let trace = match file {
        Some(path) => trace::load(path).map_err(|error| no_trace(path, &error))?,
        None => trace::parse(trace::DEFAULT.as_bytes()).expect("the recording is a trace"),
    };
    let mut replay = Replay::<A>::new(trace)?;
    replay.watched_cycle().map_err(|Broken(why)| Unavailable::new(Reason::Broke, why))?;
    Ok(solo(replay))
}

fn no_trace(path: &Path, error: &dyn std::fmt::Display) -> Unavailable {
    Unavailable::new(Reason::NoInput, format!("{} is no allocation trace: {error}", path.display()))
}

/// An arena, a trace, and where in it they are.
pub struct Replay<A: Arena> {
    arena: A,
    trace: Trace,
    held: Vec<Option<Held>>,
    next: usize,
}

impl<A: Arena> Replay<A> {
    /// An arena with room for three times what the trace has live at its peak, rounding included.
    ///
    /// # Errors
    /// [`Reason::Unsupported`] where the system has no such region.
    pub fn new(trace: Trace) -> Result<Self, Unavailable> {
        let rounded = trace.peak_live_bytes + trace.slots * A::FREE_BLOCK_BYTES.unwrap_or(0);
        let arena = A::with_capacity(3 * rounded + (1 << 20)).ok_or_else(|| {
            Unavailable::new(Reason::Unsupported, format!("no region of {} bytes to be had", 3 * rounded))
        })?;
        Ok(Self { arena, held: vec![None; trace.slots], trace, next: 0 })
    }

    /// Plays the whole trace once and watches every block.
    ///
    /// # Errors
    /// [`Broken`] where blocks overlap, are misaligned, or do not hold what was put into them, and where the arena is
    /// too small.
    pub fn watched_cycle(&mut self) -> Result<(), Broken> {
        let mut blocks = Blocks::default();
        for index in 0..self.trace.events.len() {
            let event = self.trace.events[index];
            let slot = event.slot();
            if let (Event::Free { .. } | Event::Reallocate { .. }, Some(held)) = (event, self.held[slot]) {
                blocks.remove(held);
            }
            self.play(event).map_err(|why| Broken(format!("event {}: {why:?}", index + 1)))?;
            if let Some(held) = self.held[slot] {
                blocks.add(held)?;
            }
        }
        ensure!(blocks.is_empty(), "the trace does not free all it allocates");
        Ok(())
    }

    /// Does what the program did; the value is what the block held, or what it holds now.
    #[inline(always)]
    fn play(&mut self, event: Event) -> Result<u64, Refused> {
        let slot = event.slot();
        let stamp = slot as u8;
        match event {
            Event::Allocate { layout, .. } => self.hold(slot, layout, A::allocate),
            Event::AllocateZeroed { layout, .. } => self.hold(slot, layout, A::allocate_zeroed),
            Event::Reallocate { layout, .. } => {
                let held = self.held[slot].take().expect("the parser saw a live slot");
                // SAFETY: the block was handed out with that layout, and its slot is empty now.
                let moved = unsafe { self.arena.reallocate(held.block, held.layout, layout) };
                let held = Held { block: moved.ok_or(Refused::NoRoom)?, layout };
                self.held[slot] = Some(held.stamped(stamp));
                Ok(layout.size() as u64)
            }
            Event::Free { .. } => {
                let held = self.held[slot].take().expect("the parser saw a live slot");
                held.give_back(&mut self.arena).map_err(Refused::Misuse)
            }
        }
    }

    #[inline(always)]
    fn hold(
        &mut self,
        slot: usize,
        layout: Layout,
        allocate: impl FnOnce(&mut A, Layout) -> Option<NonNull<u8>>,
    ) -> Result<u64, Refused> {
        let block = allocate(&mut self.arena, layout).ok_or(Refused::NoRoom)?;
        self.held[slot] = Some(Held { block, layout }.stamped(slot as u8));
        Ok(layout.size() as u64)
    }
}

/// Why an event could not be played.
#[derive(Debug)]
enum Refused {
    NoRoom,
    Misuse(#[allow(dead_code, reason = "shown by Debug")] Misuse),
}

impl<A: Arena> Body for Replay<A> {
    #[inline(always)]
    fn op(&mut self, _i: u64) -> u64 {
        let event = self.trace.events[self.next];
        self.next += 1;
        if self.next == self.trace.events.len() {
            self.next = 0;
        }
        self.play(event).expect("the arena served the watched cycle")
    }

    fn cycle_ops(&self) -> u64 {
        self.trace.events.len() as u64
    }

    fn facts(&mut self) -> Vec<Fact> {
        let peak = self.trace.peak_live_bytes as f64;
        let mut facts = vec![Fact::new("peak_live_bytes", "bytes", peak)];
        if let Some(statistics) = self.arena.statistics() {
            let percent = 100.0 * (statistics.peak_footprint_bytes as f64 / peak - 1.0);
            facts.push(Fact::new("fragmentation_percent", "%", percent));
        }
        facts.extend(design_facts(&self.arena));
        facts
    }
}

impl<A: Arena> Drop for Replay<A> {
    fn drop(&mut self) {
        for held in self.held.drain(..).flatten() {
            held.give_back(&mut self.arena).expect("the block is live");
        }
    }
}
