//! The check of streams: against a `VecDeque`, then from thread to thread without loss, then overwriting.

use super::{BULK, Read, Stream, Write};
use crate::ring_spsc::waiting::{OnePause, Wait};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::collections::VecDeque;
use std::thread;

/// The smallest, around a bulk, and some.
const CAPACITIES: [usize; 5] = [1, 2, 64, 128, 1024];

/// Words that are overwritten while a reader takes what it can.
pub const CHASED: u64 = if cfg!(miri) { 300 } else { 2_000_000 };

/// The whole check.
///
/// # Errors
/// The first broken promise.
pub fn check<S: Stream>(setup: &Setup<'_>) -> Result<(), Broken> {
    CAPACITIES
        .iter()
        .try_for_each(|&capacity| Twins::<S>::new(capacity).act(&mut Random::new(setup.seed)))?;
    carries::<S>(if cfg!(miri) { 200 } else { 200_000 })?;
    let chased = chase::<S>(CHASED / 4);
    ensure!(
        !S::OVERWRITES_SOUNDLY || chased.misread + chased.unaccounted == 0,
        "while it was overwritten: {chased:?}"
    );
    Ok(())
}

/// A stream and what it should hold.
pub struct Twins<S: Stream> {
    writer: S::Writer,
    reader: S::Reader,
    oracle: VecDeque<u64>,
    capacity: usize,
    next: u64,
    lost: u64,
}

impl<S: Stream> Twins<S> {
    /// An empty stream.
    pub fn new(capacity: usize) -> Self {
        let (writer, reader) = S::on_heap(capacity);
        Self { writer, reader, oracle: VecDeque::new(), capacity, next: 0, lost: 0 }
    }

    fn act(&mut self, random: &mut Random) -> Result<(), Broken> {
        self.step(0, self.capacity + 1)?;
        self.step(1, self.capacity + 1)?;
        for _ in 0..if cfg!(miri) { 30 } else { 1_000 } {
            let count = random.below(2 * BULK as u64) as usize;
            self.step(random.below(4) as u8, count)?;
        }
        Ok(())
    }

    /// One operation on `count` words, by number: push, pop, peek, overwrite.
    ///
    /// # Errors
    /// A difference from the oracle.
    pub fn step(&mut self, operation: u8, count: usize) -> Result<(), Broken> {
        match operation {
            0 => self.push(count)?,
            1 => self.pop(count)?,
            2 => self.peek(count)?,
            _ => (0..count).for_each(|_| self.overwrite()),
        }
        let written = self.writer.total_written();
        ensure!(written == self.next, "{written} words written, not {}", self.next);
        Ok(())
    }

    fn push(&mut self, count: usize) -> Result<(), Broken> {
        let words: Vec<u64> = (self.next..).take(count).collect();
        let (pushed, room) = (self.writer.push_bulk(&words), self.capacity - self.oracle.len());
        ensure!(pushed == room.min(count), "{pushed} of {count} pushed where {room} fit");
        self.oracle.extend(&words[..pushed]);
        self.next += pushed as u64;
        Ok(())
    }

    fn overwrite(&mut self) {
        if self.oracle.len() == self.capacity {
            self.oracle.pop_front();
            self.lost += 1;
        }
        self.writer.push_overwrite(self.next);
        self.oracle.push_back(self.next);
        self.next += 1;
    }

    fn pop(&mut self, count: usize) -> Result<(), Broken> {
        let mut into = vec![0; count];
        let taken = self.reader.pop_bulk(&mut into);
        // Told that words were lost, a reader may take fewer at once; then it takes the rest.
        let more = if count > 0 { self.reader.pop_bulk(&mut into[taken..]) } else { 0 };
        let expected: Vec<u64> = self.oracle.drain(..count.min(self.oracle.len())).collect();
        ensure!(into[..taken + more] == expected, "popped {:?}, not {expected:?}", &into[..taken + more]);
        let lost = self.reader.lost().filter(|_| count > 0);
        ensure!(lost.is_none_or(|lost| lost == self.lost), "{lost:?} words lost, not {}", self.lost);
        Ok(())
    }

    /// As many of the oldest as the reader can tell to be whole.
    fn peek(&mut self, count: usize) -> Result<(), Broken> {
        let mut into = vec![0; count];
        let seen = self.reader.peek(&mut into);
        let all: Vec<u64> = self.oracle.iter().copied().take(seen).collect();
        ensure!(into[..seen] == all, "peeked {:?}, not {all:?}", &into[..seen]);
        ensure!(seen > 0 || count == 0 || self.oracle.is_empty() || self.lost > 0, "peeked nothing");
        Ok(())
    }
}

/// Sends numbers to another thread in bulks of every length up to a few dozen.
fn carries<S: Stream>(words: u64) -> Result<(), Broken> {
    let (mut writer, mut reader) = S::on_heap(64);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut waiting = OnePause::default();
            let mut next = 0;
            while next < words {
                let bulk: Vec<u64> = (next..words).take(1 + next as usize % 37).collect();
                match writer.push_bulk(&bulk) {
                    0 => waiting.wait(),
                    pushed => (next, waiting) = (next + pushed as u64, OnePause::default()),
                }
            }
        });
        let (mut next, mut into, mut waiting) = (0, [0; 48], OnePause::default());
        while next < words {
            let count = reader.pop_bulk(&mut into[..1 + next as usize % 48]);
            if count == 0 {
                waiting.wait();
                continue;
            }
            waiting = OnePause::default();
            let in_order = into[..count].iter().zip(next..).all(|(word, due)| *word == due);
            ensure!(in_order, "after {next} words: {:?}", &into[..count]);
            next += count as u64;
        }
        ensure!(reader.pop_bulk(&mut into) == 0, "more came out than went in");
        Ok(())
    })
}

/// What a reader found that was overwritten all the time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Chased {
    /// Words that came twice, or before one that was written earlier.
    pub misread: u64,
    /// Words that it missed, by its own count or what is left of all.
    pub lost: u64,
    /// Words that it neither took nor counted as lost.
    pub unaccounted: u64,
}

/// A writer that overwrites beside a reader.
pub fn chase<S: Stream>(words: u64) -> Chased {
    const CAPACITY: usize = 16;
    let (mut writer, mut reader) = S::on_heap(CAPACITY);
    thread::scope(|scope| {
        let writing = scope.spawn(move || (0..words).for_each(|word| writer.push_overwrite(word)));
        let (mut found, mut taken, mut due) = (Chased::default(), 0, 0);
        let mut into = [0; CAPACITY / 2];
        loop {
            let ended = writing.is_finished();
            let count = reader.pop_bulk(&mut into);
            for word in &into[..count] {
                found.misread += u64::from(*word < due);
                due = word + 1;
            }
            taken += count as u64;
            if ended && count == 0 && reader.pop_bulk(&mut []) == 0 && due == words {
                break;
            }
            // A reader whose index was moved back and forth may never come to the last word.
            if ended && count == 0 && !S::OVERWRITES_SOUNDLY {
                break;
            }
        }
        found.lost = reader.lost().unwrap_or(words.saturating_sub(taken));
        found.unaccounted = reader.lost().map_or(0, |lost| (taken + lost).abs_diff(words));
        found
    })
}
