//! Where threads exchange idle slots a magazine at a time: full ones on one lock-free stack, empty ones on another, so that
//! one exchange of a shared word serves as many takes as a magazine has rounds.

use super::indexed_cas::Packed;
use super::tagged::{self, Stack};
use crate::sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Slots in a full magazine.
pub const ROUNDS: usize = if cfg!(loom) { 2 } else { 32 };

/// Up to [`ROUNDS`] slots.
#[derive(Debug)]
#[repr(align(64))]
struct Magazine {
    filled: AtomicU32,
    slots: [AtomicU32; ROUNDS],
}

/// The magazines, and how many more slots they may have together.
#[derive(Debug)]
pub struct Depot {
    magazines: Box<[Magazine]>,
    links: Box<[AtomicU64]>,
    full: Stack<Packed>,
    empty: Stack<Packed>,
    room: AtomicUsize,
}

impl Depot {
    /// A depot for that many slots, none of them there. It has twice the magazines that they fill, because a magazine may
    /// be exchanged before it is full.
    pub fn new(slots: usize) -> Self {
        let links = tagged::links(2 * slots.div_ceil(ROUNDS) + if cfg!(loom) { 0 } else { 16 });
        let slots_of = || std::array::from_fn(|_| AtomicU32::new(0));
        let magazine = |_: &AtomicU64| Magazine { filled: AtomicU32::new(0), slots: slots_of() };
        Self {
            magazines: links.iter().map(magazine).collect(),
            full: Stack::empty(&links),
            empty: Stack::full(&links),
            links,
            room: AtomicUsize::new(slots),
        }
    }

    /// Takes up to `slots_max` of the room for good: it is the caller's.
    pub fn cede_room(&self, slots_max: usize) -> usize {
        // Relaxed, here and below: the number itself is all that is exchanged.
        let mut room = self.room.load(Ordering::Relaxed);
        loop {
            let ceded = room.min(slots_max);
            match self.room.compare_exchange(room, room - ceded, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return ceded,
                Err(now) => room = now,
            }
        }
    }

    /// Keeps the first of these slots, as many as it says.
    pub fn put(&self, slots: &[u32]) -> usize {
        let kept = self.cede_room(slots.len().min(ROUNDS));
        if kept == 0 {
            return 0;
        }
        let Some(number) = self.empty.pop(&self.links) else {
            self.room.fetch_add(kept, Ordering::Relaxed);
            return 0;
        };
        let magazine = &self.magazines[number as usize];
        // Relaxed: published by the push, which releases.
        magazine.filled.store(kept as u32, Ordering::Relaxed);
        magazine
            .slots
            .iter()
            .zip(&slots[..kept])
            .for_each(|(place, slot)| place.store(*slot, Ordering::Relaxed));
        self.full.push(&self.links, number, u32::MAX);
        kept
    }

    /// Takes out a magazine of slots: how many they are.
    pub fn get(&self, into: &mut [u32; ROUNDS]) -> usize {
        let Some(number) = self.full.pop(&self.links) else { return 0 };
        let magazine = &self.magazines[number as usize];
        // Relaxed: the pop has acquired them.
        let filled = magazine.filled.load(Ordering::Relaxed) as usize;
        into.iter_mut().zip(&magazine.slots).for_each(|(slot, place)| *slot = place.load(Ordering::Relaxed));
        self.empty.push(&self.links, number, u32::MAX);
        self.room.fetch_add(filled, Ordering::Relaxed);
        filled
    }

    /// Slots in all magazines on the stack of full ones, where nobody else is at it.
    pub fn len(&self, slots: usize) -> usize {
        slots - self.room.load(Ordering::Relaxed)
    }
}
