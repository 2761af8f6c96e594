//! The rtrb crate, chunk by chunk.

use super::{Bulk, Read, Write};
use ::rtrb::chunks::ReadChunk;
use ::rtrb::{Consumer, Producer, RingBuffer};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "rtrb by its chunks";

/// The crate's ring between threads.
pub struct Rtrb;

/// The crate's producer and how much it wrote.
pub struct Writer<T>(Producer<T>, u64);

impl<T: Copy + Send + 'static> Bulk<T> for Rtrb {
    type Writer = Writer<T>;
    type Reader = Consumer<T>;

    fn ring(capacity: usize) -> Result<(Writer<T>, Consumer<T>), Unavailable> {
        let (producer, consumer) = RingBuffer::new(capacity);
        Ok((Writer(producer, 0), consumer))
    }
}

impl<T: Copy> Write<T> for Writer<T> {
    #[inline(always)]
    fn write(&mut self, most: usize, mut make: impl FnMut(usize) -> T) -> usize {
        let known = self.0.cached_slots();
        let count = most.min(if known < most { self.0.slots() } else { known });
        let Ok(mut chunk) = self.0.write_chunk_uninit(count) else { return 0 };
        let (first, second) = chunk.as_mut_slices();
        for (index, slot) in first.iter_mut().chain(second).enumerate() {
            slot.write(make(index));
        }
        // SAFETY: every slot of the chunk was written.
        unsafe { chunk.commit_all() };
        self.1 += count as u64;
        count
    }

    fn total_written(&self) -> u64 {
        self.1
    }
}

/// Up to `most` of the items that lie ready; the shared index is asked only where too few are known of.
#[inline(always)]
fn ready<T>(from: &mut Consumer<T>, most: usize) -> ReadChunk<'_, T> {
    let known = from.cached_slots();
    let count = most.min(if known < most { from.slots() } else { known });
    from.read_chunk(count).expect("so many items lie ready")
}

/// Shows the items of both slices and returns how many.
#[inline(always)]
fn show<T>((first, second): (&[T], &[T]), mut look: impl FnMut(&T)) -> usize {
    first.iter().for_each(&mut look);
    second.iter().for_each(look);
    first.len() + second.len()
}

impl<T: Copy> Read<T> for Consumer<T> {
    #[inline(always)]
    fn read(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        let chunk = ready(self, most);
        let count = show(chunk.as_slices(), look);
        chunk.commit_all();
        count
    }

    fn peek(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        show(ready(self, most).as_slices(), look)
    }
}
