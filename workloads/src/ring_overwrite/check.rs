//! The one check of overwriting rings: against a `VecDeque` that drops its front, then under a reader on another thread,
//! where every frame must be whole, later than the one before, and accounted for.

use super::{Frame, Overwriting, Read, Write, frame};
use crate::ring_spsc::check::{CAPACITIES, transfer};
use crate::threads::beside;
use perfbench_harness::{Broken, ensure};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The check.
///
/// # Errors
/// The first difference.
pub fn check<O: Overwriting>() -> Result<(), Broken> {
    CAPACITIES.iter().try_for_each(|&capacity| {
        agrees_with_a_deque::<O>(capacity)?;
        accounts_for_every_frame::<O>(capacity)
    })
}

/// Bursts around the capacity, each drained by a different share.
fn agrees_with_a_deque<O: Overwriting>(capacity: usize) -> Result<(), Broken> {
    let (mut writer, mut reader) = O::ring(capacity);
    let (mut oracle, mut dropped, mut number) = (VecDeque::new(), 0, 0);
    for burst in [1, capacity - 1, capacity, capacity + 1, 2 * capacity + 3, 1] {
        for _ in 0..burst {
            number += 1;
            writer.push(frame(number));
            oracle.push_back(frame(number));
            if oracle.len() > capacity {
                oracle.pop_front();
                dropped += 1;
            }
        }
        for _ in 0..=capacity / 2 {
            let (popped, due) = (reader.try_pop(), oracle.pop_front());
            ensure!(popped == due, "capacity {capacity}: {popped:?} came, not {due:?}");
        }
        ensure!(reader.dropped() == dropped, "capacity {capacity}: {} dropped", reader.dropped());
        ensure!(writer.total_written() == number, "capacity {capacity}: {} written", writer.total_written());
    }
    Ok(())
}

/// The writer never waits, the reader reads what it can get.
fn accounts_for_every_frame<O: Overwriting>(capacity: usize) -> Result<(), Broken> {
    let (mut writer, mut reader) = O::ring(capacity);
    let (frames, done) = (16 * transfer(capacity), AtomicBool::new(false));
    let write = || {
        (1..=frames).for_each(|number| writer.push(frame(number)));
        // Release: whoever sees it sees all frames; pairs with the Acquire below.
        done.store(true, Ordering::Release);
    };
    let read = || {
        let (mut read, mut last) = (0, 0);
        loop {
            let is_done = done.load(Ordering::Acquire);
            match reader.try_pop() {
                Some(frame) => last = whole_and_later(frame, last)?,
                None if is_done => return Ok::<u64, Broken>(read),
                None => {
                    thread::yield_now();
                    continue;
                }
            }
            read += 1;
        }
    };
    let read = beside(write, read).1?;
    let dropped = reader.dropped();
    ensure!(read + dropped == frames, "capacity {capacity}: {read} read, {dropped} dropped of {frames}");
    Ok(())
}

fn whole_and_later(frame: Frame, last: u64) -> Result<u64, Broken> {
    ensure!(frame.iter().all(|word| *word == frame[0]), "a torn frame: {frame:?}");
    ensure!(frame[0] > last, "frame {} came after {last}", frame[0]);
    Ok(frame[0])
}
