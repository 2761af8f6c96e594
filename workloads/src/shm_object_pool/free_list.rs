//! The free list of document 003: a stack of numbers whose head is moved by compare-and-swap. With a tag beside the number
//! a head that came back is told from one that never moved. Who owns what is not here.

use super::slots::{NOWHERE, Shared, Slot, slot};
use crate::sync::Ordering;

/// A head as it was read, and what would follow it: a pop half way.
#[derive(Debug, Clone, Copy)]
pub struct Popping {
    head: u64,
    next: u32,
}

const LINK: u64 = u32::MAX as u64;

/// What replaces `head`: the link, and above it the tag, one higher than that of the very head that is replaced.
fn following<const TAGGED: bool>(head: u64, link: u32) -> u64 {
    let tag = if TAGGED { (head >> 32).wrapping_add(1) << 32 } else { 0 };
    tag | u64::from(link)
}

fn linked(memory: &Shared, head: u64) -> Option<&Slot> {
    slot(memory, ((head & LINK) as u32).wrapping_sub(1))
}

/// Reads the head and its successor; none where the list is empty.
#[inline(always)]
pub fn begin_pop(memory: &Shared) -> Option<Popping> {
    // Acquire shows the link that was written before this head; pairs with the Release of `push`.
    popping(memory, memory.header().free.0.load(Ordering::Acquire))
}

#[inline(always)]
fn popping(memory: &Shared, head: u64) -> Option<Popping> {
    // Relaxed: the link may be another's by now; then the head has moved, and the swap fails if the tag tells.
    let next = linked(memory, head)?.link.load(Ordering::Relaxed);
    Some(Popping { head, next })
}

/// Moves the head on; the number that was popped, or the head that was there instead.
#[inline(always)]
pub fn finish_pop<const TAGGED: bool>(memory: &Shared, half: Popping) -> Result<u32, u64> {
    let next = following::<TAGGED>(half.head, half.next);
    // Relaxed where it succeeds: the head that is replaced was read with Acquire. Acquire where it fails: as in `begin_pop`.
    let free = &memory.header().free.0;
    let popped = free.compare_exchange(half.head, next, Ordering::Relaxed, Ordering::Acquire);
    popped.map(|head| (head & LINK) as u32 - 1)
}

/// Pops a number.
#[inline(always)]
pub fn pop<const TAGGED: bool>(memory: &Shared) -> Option<u32> {
    let mut half = begin_pop(memory)?;
    loop {
        match finish_pop::<TAGGED>(memory, half) {
            Ok(number) => return Some(number),
            Err(head) => half = popping(memory, head)?,
        }
    }
}

/// Pushes a number that the caller alone has.
#[inline(always)]
pub fn push<const TAGGED: bool>(memory: &Shared, number: u32) {
    let free = &memory.header().free.0;
    let link = &slot(memory, number).expect("the caller popped it here").link;
    // Relaxed: the head is only compared.
    let mut head = free.load(Ordering::Relaxed);
    loop {
        link.store((head & LINK) as u32, Ordering::Relaxed);
        let pushed = following::<TAGGED>(head, number + 1);
        // Release publishes the link and what the owner wrote; pairs with the Acquire of a pop.
        match free.compare_exchange(head, pushed, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => head = now,
        }
    }
}

const _: () = assert!(NOWHERE == 0, "an empty list is a head without a number");
