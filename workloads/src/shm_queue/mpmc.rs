//! A queue of many producers and many consumers in which every cell says whose turn it is and who is at it, so that what a
//! killed process held is taken over and nobody waits for it. Payloads are single words.

use crate::ring_spsc::memory::{Layout, Line, Memory};
use crate::ring_spsc::{Pop, Push, Spsc};
use crate::roll::{Census, NoSeat, Roll, Seat};
use crate::shm::Identity;
use crate::sync::{AtomicU64, Handed, Ordering};
use perfbench_harness::{Reason, Unavailable};

/// What it is, for the table.
pub const ABOUT: &str = "many to many; cells of a killed process are taken over";

/// The queue between processes.
pub struct Mpmc;

impl Spsc<u64> for Mpmc {
    type Producer = Handle;
    type Consumer = Handle;

    fn ring(capacity: usize, start: u64) -> Result<(Handle, Handle), Unavailable> {
        let [memory, _] = Memory::mapped(Header::starting_at(start), cells(capacity, start))?;
        ends(memory, Identity::own(), Identity::is_alive)
    }
}

/// The same queue in heap memory, where every process lives for ever.
pub struct OnHeap;

impl Spsc<u64> for OnHeap {
    type Producer = Handle;
    type Consumer = Handle;

    fn ring(capacity: usize, start: u64) -> Result<(Handle, Handle), Unavailable> {
        let [memory, _] = Memory::boxed(Header::starting_at(start), cells(capacity, start));
        ends(memory, Identity::of(1, 1), |_| true)
    }
}

fn ends(memory: Shared, who: Identity, alive: Census) -> Result<(Handle, Handle), Unavailable> {
    let full = |error: NoSeat| Unavailable::new(Reason::Unsupported, error.to_string());
    let first = Handle::join(memory, who, alive).map_err(full)?;
    let second = first.another(who).map_err(full)?;
    Ok((first, second))
}

/// The first participant of a fresh queue on the heap, from position zero, with a census of its own.
///
/// # Panics
/// Never: a fresh roll has seats.
pub fn joined_on_heap(capacity: usize, who: Identity, alive: Census) -> Handle {
    let [memory, _] = Memory::boxed(Header::starting_at(0), cells(capacity, 0));
    Handle::join(memory, who, alive).expect("a fresh roll has seats")
}

/// The first participant of a fresh queue in a mapping: the calling process.
///
/// # Errors
/// What the kernel refused.
pub fn joined_mapped(capacity: usize) -> Result<Handle, Unavailable> {
    let [memory, _] = Memory::mapped(Header::starting_at(0), cells(capacity, 0))?;
    Ok(Handle::join(memory, Identity::own(), Identity::is_alive).expect("a fresh roll has seats"))
}

/// Header and cells as a handle holds them.
pub type Shared = Memory<Header, Cell>;

/// Where producers and consumers last were, and who takes part. Both positions are hints: the cells alone decide.
#[repr(C)]
pub struct Header {
    tail: Line<AtomicU64>,
    head: Line<AtomicU64>,
    roll: Roll,
}

impl Header {
    /// An empty queue whose first item gets position `start`.
    pub fn starting_at(start: u64) -> Self {
        let hint = || Line(AtomicU64::new(start & TURNS));
        Self { tail: hint(), head: hint(), roll: Roll::empty() }
    }
}

impl Layout<Cell> for Header {
    fn drop_unread(&mut self, _: &mut [Cell]) {}
}

/// A word that says whose turn it is and which seat is at it, and the item.
///
/// The item of position `p` passes through the turns `p` (free for a producer) and `p + 1` (full), and its cell is free
/// again at turn `p + capacity`. A side claims its turn by writing its seat into the low byte.
#[repr(C)]
pub struct Cell {
    state: AtomicU64,
    item: Handed,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Cell>() == 16 && std::mem::offset_of!(Header, roll) == 256);

/// The cells of an empty queue whose first item gets position `start`.
pub fn cells(capacity: usize, start: u64) -> impl ExactSizeIterator<Item = Cell> {
    assert!(capacity.is_power_of_two() && capacity > 1, "positions are masked, and turns told apart");
    let mask = capacity as u64 - 1;
    (0..capacity).map(move |index| {
        let position = start.wrapping_add((index as u64).wrapping_sub(start) & mask);
        Cell { state: AtomicU64::new(free_at(position)), item: Handed::new(0) }
    })
}

const SEAT_BITS: u32 = 8;
const SEAT: u64 = (1 << SEAT_BITS) - 1;

/// Turns and positions count modulo 2^56.
const TURNS: u64 = u64::MAX >> SEAT_BITS;

const fn free_at(turn: u64) -> u64 {
    turn << SEAT_BITS
}

/// How far `a` is ahead of `b`, over the wrap.
const fn lead(a: u64, b: u64) -> i64 {
    (a.wrapping_sub(b) << SEAT_BITS) as i64 >> SEAT_BITS
}

/// Which turn of a cell a side waits for, and which hint is its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Produce,
    Consume,
}

/// Why an operation could not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No room for a producer, or nothing for a consumer.
    NotReady,
    /// A process that lives is at the very cell: it may be stopped, and order forbids to pass it.
    Held(Identity),
}

/// A participant, who may push and pop. It belongs to the process that made it: in a forked child, make
/// [`Handle::another`].
pub struct Handle {
    memory: Shared,
    seat: Seat,
    who: Identity,
    alive: Census,
    mask: u64,
    /// How often in a row another's claim was in the way.
    held_up: u32,
}

/// After so many refusals in a row by another's claim it is asked whether that process lives: by a call of the kernel.
const CENSUS_EVERY: u32 = if cfg!(any(loom, miri)) { 1 } else { 1_000 };

impl Handle {
    /// Takes part as `who`.
    ///
    /// # Errors
    /// Where every seat is taken by a living process.
    pub fn join(memory: Shared, who: Identity, alive: Census) -> Result<Self, NoSeat> {
        let seat = memory.header().roll.join(who).or_else(|_| {
            recover(&memory, alive);
            memory.header().roll.join(who)
        })?;
        let mask = memory.slot_count() as u64 - 1;
        Ok(Self { memory, seat, who, alive, mask, held_up: 0 })
    }

    /// The queue, for [`Handle::join`] on another thread.
    pub fn memory(&self) -> Shared {
        self.memory.clone()
    }

    /// One more participant in the same queue.
    ///
    /// # Errors
    /// As [`Handle::join`].
    pub fn another(&self, who: Identity) -> Result<Self, NoSeat> {
        Self::join(self.memory.clone(), who, self.alive)
    }

    /// Frees what dead processes held, and their seats; how many cells it were.
    pub fn recover(&self) -> usize {
        recover(&self.memory, self.alive)
    }

    /// Pops within so many attempts.
    ///
    /// # Errors
    /// What was in the way at the last one.
    pub fn pop_within(&mut self, attempts: u32) -> Result<u64, Refusal> {
        let mut last = Refusal::NotReady;
        for _ in 0..attempts {
            match self.take() {
                Ok(item) => return Ok(item),
                Err(refusal) => last = refusal,
            }
            crate::sync::spin_loop();
        }
        Err(last)
    }

    /// Claims the next cell, writes an item, and leaves it: what is left of a process that is killed before it publishes.
    pub fn claim_and_leave(&mut self) -> bool {
        self.claim(Role::Produce).map(|position| self.cell(position).item.write(u64::MAX)).is_ok()
    }

    /// Claims the next item and leaves it, likewise.
    pub fn take_and_leave(&mut self) -> bool {
        self.claim(Role::Consume).is_ok()
    }

    #[inline(always)]
    fn take(&mut self) -> Result<u64, Refusal> {
        let position = self.claim(Role::Consume)?;
        let cell = self.cell(position);
        let item = cell.item.read();
        let next_lap = position.wrapping_add(self.mask + 1);
        // Release: the item is read before the cell is free; pairs with the Acquire load in `claim`.
        cell.state.store(free_at(next_lap), Ordering::Release);
        Ok(item)
    }

    /// Goes from the hint to the first cell whose turn is this side's, and puts the seat into it.
    #[inline(always)]
    fn claim(&mut self, role: Role) -> Result<u64, Refusal> {
        let turn_ahead = u64::from(role == Role::Consume);
        // Relaxed: a hint that is behind costs steps and nothing else; it is never ahead.
        let mut position = self.hint(role).load(Ordering::Relaxed);
        loop {
            let cell = self.cell(position);
            // Acquire takes over the item, or the room, and who sits in the seat that is read; pairs with the Release
            // stores in `take` and `try_push` and with the claims below.
            let state = cell.state.load(Ordering::Acquire);
            let ahead = lead(state >> SEAT_BITS, position.wrapping_add(turn_ahead));
            if ahead < 0 {
                return Err(self.held_up(position, state));
            }
            if ahead == 0 && state & SEAT == 0 {
                let claimed = state | self.seat.number();
                // Release shows who sits in the seat to whoever reads the claim.
                if cell.state.compare_exchange(state, claimed, Ordering::Release, Ordering::Relaxed).is_err()
                {
                    continue;
                }
                self.held_up = 0;
                // Relaxed: every position up to here has been claimed, and the cells say so themselves.
                self.hint(role).store(position.wrapping_add(1) & TURNS, Ordering::Relaxed);
                return Ok(position);
            }
            position = position.wrapping_add(1) & TURNS;
        }
    }

    /// The cell is not ready; where that is another's claim, its process is looked after once in a while.
    #[inline(always)]
    fn held_up(&mut self, position: u64, state: u64) -> Refusal {
        match Seat::of(state & SEAT) {
            None => Refusal::NotReady,
            Some(seat) => self.held_up_by(position, state, seat),
        }
    }

    #[cold]
    fn held_up_by(&mut self, position: u64, state: u64, seat: Seat) -> Refusal {
        self.held_up += 1;
        if self.held_up.is_multiple_of(CENSUS_EVERY) && self.memory.header().roll.is_dead(seat, self.alive) {
            take_over(&self.memory, (position & self.mask) as usize, state);
        }
        self.memory.header().roll.holder(seat).map_or(Refusal::NotReady, Refusal::Held)
    }

    #[inline(always)]
    fn hint(&self, role: Role) -> &AtomicU64 {
        let header = self.memory.header();
        if role == Role::Produce { &header.tail.0 } else { &header.head.0 }
    }

    #[inline(always)]
    fn cell(&self, position: u64) -> &Cell {
        // SAFETY: masked by the number of cells less one.
        unsafe { self.memory.slot((position & self.mask) as usize) }
    }
}

/// Frees what dead processes held and then their seats; how many cells it were.
fn recover(memory: &Shared, alive: Census) -> usize {
    let roll = &memory.header().roll;
    let mut freed = 0;
    for (seat, who) in roll.dead(alive) {
        for index in 0..memory.slot_count() {
            // SAFETY: below the number of cells.
            let cell = unsafe { memory.slot(index) };
            // Acquire: as in `claim`.
            let state = cell.state.load(Ordering::Acquire);
            // Asked anew behind the claim: somebody else may have freed the seat, and a living process have taken it.
            let is_theirs = state & SEAT == seat.number() && roll.holder(seat) == Some(who);
            freed += usize::from(is_theirs && take_over(memory, index, state));
        }
        roll.free(seat, who);
    }
    freed
}

/// Frees a cell for the next lap whose holder is dead: an item half written was never pushed, and one half read goes with
/// its consumer.
fn take_over(memory: &Shared, index: usize, state: u64) -> bool {
    let (turn, mask) = (state >> SEAT_BITS, memory.slot_count() as u64 - 1);
    let read = turn.wrapping_sub(index as u64) & mask;
    let next_lap = turn.wrapping_sub(read).wrapping_add(mask + 1);
    // SAFETY: the caller has read this cell.
    let cell = unsafe { memory.slot(index) };
    // Release: the cell is handed on as by its holder. Of several that take it over one succeeds: a turn never returns.
    cell.state.compare_exchange(state, free_at(next_lap), Ordering::Release, Ordering::Relaxed).is_ok()
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.memory.header().roll.free(self.seat, self.who);
    }
}

impl Push<u64> for Handle {
    #[inline(always)]
    fn try_push(&mut self, item: u64) -> Result<(), u64> {
        let Ok(position) = self.claim(Role::Produce) else { return Err(item) };
        let cell = self.cell(position);
        cell.item.write(item);
        // Release hands the item over; pairs with the Acquire load in `claim`.
        cell.state.store(free_at(position.wrapping_add(1)), Ordering::Release);
        Ok(())
    }

    fn is_full(&self) -> bool {
        let position = self.hint(Role::Produce).load(Ordering::Relaxed);
        let state = self.cell(position).state.load(Ordering::Relaxed);
        lead(state >> SEAT_BITS, position) < 0
    }
}

impl Pop<u64> for Handle {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<u64> {
        self.take().ok()
    }

    /// Exact where nobody is at it.
    fn len(&self) -> usize {
        let [tail, head] = [Role::Produce, Role::Consume].map(|role| self.hint(role).load(Ordering::Relaxed));
        lead(tail, head).max(0) as usize
    }
}
