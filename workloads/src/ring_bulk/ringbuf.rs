//! The ringbuf crate, by its slices and its caching halves.

use super::{Bulk, Read, Write};
use ::ringbuf::traits::{Consumer, Producer, Raw, Split};
use ::ringbuf::{HeapCons, HeapProd, HeapRb};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "ringbuf by its slices";

/// The crate's ring between threads.
pub struct Ringbuf;

/// The crate's producer and how much it wrote.
pub struct Writer<T>(HeapProd<T>, u64);

/// The crate's consumer.
pub struct Reader<T>(HeapCons<T>);

impl<T: Copy + Send + 'static> Bulk<T> for Ringbuf {
    type Writer = Writer<T>;
    type Reader = Reader<T>;

    fn ring(capacity: usize) -> Result<(Writer<T>, Reader<T>), Unavailable> {
        let (producer, consumer) = HeapRb::new(capacity).split();
        Ok((Writer(producer, 0), Reader(consumer)))
    }
}

impl<T: Copy> Write<T> for Writer<T> {
    #[inline(always)]
    fn write(&mut self, most: usize, mut make: impl FnMut(usize) -> T) -> usize {
        let (first, second) = self.0.vacant_slices_mut();
        let count = most.min(first.len() + second.len());
        for (index, slot) in first.iter_mut().chain(second).take(count).enumerate() {
            slot.write(make(index));
        }
        // SAFETY: so many of the vacant slots were written.
        unsafe { self.0.advance_write_index(count) };
        self.1 += count as u64;
        count
    }

    fn total_written(&self) -> u64 {
        self.1
    }
}

impl<T: Copy> Read<T> for Reader<T> {
    #[inline(always)]
    fn read(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        let count = self.peek(most, look);
        self.0.skip(count)
    }

    #[inline(always)]
    fn peek(&mut self, most: usize, mut look: impl FnMut(&T)) -> usize {
        let (first, second) = self.0.as_slices();
        let straight = first.len().min(most);
        let wrapped = second.len().min(most - straight);
        first[..straight].iter().for_each(&mut look);
        second[..wrapped].iter().for_each(look);
        straight + wrapped
    }
}
