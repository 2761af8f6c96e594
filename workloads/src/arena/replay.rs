//! Plays an allocation trace back through an arena: once untimed, watching that no block overlaps another, then in a
//! circle, one event an operation.

use super::cases::Held;
use super::check::{Blocks, holds};
use super::trace::{self, Event, Trace};
use super::{Arena, Misuse, design_facts};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{Broken, Reason, Unavailable, ensure};
use std::path::Path;

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

    /// Plays the whole trace once and watches every block: each is filled whole, not only stamped.
    ///
    /// # Errors
    /// [`Broken`] where blocks overlap, are misaligned, or do not hold what was put into them, where a block asked to be
    /// zero is not, and where the arena is too small.
    pub fn watched_cycle(&mut self) -> Result<(), Broken> {
        let mut watch = Watch { blocks: Blocks::default(), fills: vec![0; self.trace.slots] };
        for index in 0..self.trace.events.len() {
            let event = self.trace.events[index];
            let at = |Broken(why)| Broken(format!("event {}: {why}", index + 1));
            let was = watch.let_go(event, &self.held).map_err(at)?;
            let mut seen = Ok(());
            let put = |held| {
                seen = watch.put(event, was, held, (index % 255 + 1) as u8);
                held
            };
            self.play(event, put).map_err(|why| at(Broken(format!("{why:?}"))))?;
            seen.map_err(at)?;
        }
        ensure!(watch.blocks.is_empty(), "the trace does not free all it allocates");
        Ok(())
    }

    /// Does what the program did, and lets `put` write into each block that was handed out; the value is what the block
    /// held, or how much it can hold now.
    #[inline(always)]
    fn play(&mut self, event: Event, put: impl FnOnce(Held) -> Held) -> Result<u64, Refused> {
        let slot = event.slot();
        let (block, layout) = match event {
            Event::Allocate { layout, .. } => (self.arena.allocate(layout), layout),
            Event::AllocateZeroed { layout, .. } => (self.arena.allocate_zeroed(layout), layout),
            Event::Reallocate { layout, .. } => {
                let held = self.held[slot].take().expect("the parser saw a live slot");
                // SAFETY: the block was handed out with that layout, and its slot is empty now.
                (unsafe { self.arena.reallocate(held.block, held.layout, layout) }, layout)
            }
            Event::Free { .. } => {
                let held = self.held[slot].take().expect("the parser saw a live slot");
                return held.give_back(&mut self.arena).map_err(Refused::Misuse);
            }
        };
        self.held[slot] = Some(put(Held { block: block.ok_or(Refused::NoRoom)?, layout }));
        Ok(layout.size() as u64)
    }
}

/// What is known of the blocks of a cycle: where they are, and what each was filled with.
struct Watch {
    blocks: Blocks,
    fills: Vec<u8>,
}

impl Watch {
    /// The block that the event ends or moves, which must hold what was put into it.
    fn let_go(&mut self, event: Event, held: &[Option<Held>]) -> Result<Option<Held>, Broken> {
        let Some(was) = held[event.slot()] else { return Ok(None) };
        self.blocks.remove(was);
        let kept = holds(was, was.layout.size(), self.fills[event.slot()]);
        ensure!(kept, "a block of {:?} lost what it held", was.layout);
        Ok(Some(was))
    }

    /// Takes in the block that the event brought, and fills it.
    fn put(&mut self, event: Event, was: Option<Held>, held: Held, fill: u8) -> Result<(), Broken> {
        self.blocks.add(held)?;
        let size = held.layout.size();
        if let Some(was) = was {
            let kept = holds(held, size.min(was.layout.size()), self.fills[event.slot()]);
            ensure!(kept, "a reallocated block lost what it held");
        }
        let zeroed = matches!(event, Event::AllocateZeroed { .. });
        ensure!(!zeroed || holds(held, size, 0), "a zeroed block of {:?} is not zero", held.layout);
        // SAFETY: the block is live and has at least one byte, and its layout's size.
        unsafe { held.block.write_bytes(fill, size.max(1)) };
        self.fills[event.slot()] = fill;
        Ok(())
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
        let stamp = |held: Held| held.stamped(event.slot() as u8);
        self.play(event, stamp).expect("the arena served the watched cycle")
    }

    fn cycle_ops(&self) -> u64 {
        self.trace.events.len() as u64
    }

    fn facts(&mut self) -> Vec<Fact> {
        let peak = self.trace.peak_live_bytes as f64;
        let mut facts = vec![Fact::new("peak_live_bytes", "bytes", peak)];
        if let Some(statistics) = self.arena.statistics().filter(|_| peak > 0.0) {
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
            // A broken arena may refuse its own block, which the watched cycle has reported already.
            let _ = held.give_back(&mut self.arena);
        }
    }
}
