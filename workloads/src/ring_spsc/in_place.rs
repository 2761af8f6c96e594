//! The slots of an index ring lent in place, so that items are made and read where they lie. The contract is in
//! `contract`; item by item is in `index_ring`. Loom watches slots one by one, so none of this is built for it.

use super::index_ring::{Consumer, Producer, Publication};
use super::memory::Slot;
use super::{Readable, Reserve};
use std::mem::MaybeUninit;

const _: () = assert!(size_of::<Slot<u64>>() == size_of::<u64>());

/// How many of `count` slots from `index` on lie before the ring's end.
fn in_a_row(index: u64, mask: u64, count: u64) -> usize {
    count.min(mask + 1 - (index & mask)) as usize
}

impl<T, P: Publication> Reserve<T> for Producer<T, P> {
    #[inline(always)]
    fn reserve(&mut self, most: usize) -> &mut [MaybeUninit<T>] {
        if self.limit.wrapping_sub(self.tail) < most as u64 {
            self.limit = self.limit_now();
        }
        let free = self.limit.wrapping_sub(self.tail).min(most as u64);
        let first = self.memory.slot_address((self.tail & self.mask) as usize).cast_mut();
        // SAFETY: the consumer has passed these slots and comes back only after they are published; they lie in a row, each
        // is a cell of exactly one item, and the borrow of the producer keeps it from lending them twice.
        unsafe { std::slice::from_raw_parts_mut(first.cast(), in_a_row(self.tail, self.mask, free)) }
    }

    #[inline(always)]
    unsafe fn commit(&mut self, count: usize) {
        self.publish(self.tail.wrapping_add(count as u64));
    }
}

impl<T, P: Publication> Readable<T> for Consumer<T, P> {
    #[inline(always)]
    fn readable(&mut self, most: usize) -> &mut [T] {
        if self.tail.wrapping_sub(self.head) < most as u64 {
            self.tail = self.producer_tail();
        }
        let filled = self.tail.wrapping_sub(self.head).min(most as u64);
        let first = self.memory.slot_address((self.head & self.mask) as usize).cast_mut();
        // SAFETY: the producer has filled these slots and comes back only after they are passed; they lie in a row, each is
        // a cell of exactly one item, and the borrow of the consumer keeps it from lending them twice.
        unsafe { std::slice::from_raw_parts_mut(first.cast(), in_a_row(self.head, self.mask, filled)) }
    }

    #[inline(always)]
    fn release(&mut self, count: usize) {
        let readable: &mut [T] = self.readable(count);
        assert!(count <= readable.len(), "only readable items can be released");
        // SAFETY: these items lie ready and are passed right after, so that nobody reads them again.
        unsafe { std::ptr::drop_in_place(&raw mut readable[..count]) };
        self.pass(count as u64);
    }
}
