//! Which thread wrote which bytes of which line: what tells false sharing from true. It knows no order and no cache, so it
//! says the same however the threads were interleaved.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Lines that several threads wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SharedLines {
    /// Written by more than one thread.
    pub written: u64,
    /// Those of them in which no byte was written by two.
    pub falsely: u64,
}

/// No line of any address.
const NO_LINE: u64 = u64::MAX;

/// Longest line whose bytes fit the mask.
pub(super) const LONGEST_LINE_BYTES: u32 = 128;

/// Bytes that each thread wrote, a bit each, by line and thread.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteSets {
    masks: HashMap<(u64, u32), u128, BuildHasherDefault<Mixer>>,
    /// For each thread, the entry that it changed last, as it stands in the map: most writes go where the one before went.
    last: Vec<(u64, u128)>,
}

impl WriteSets {
    /// Takes a write of `bytes` bytes from `offset` within a line.
    #[inline(always)]
    pub(super) fn wrote(&mut self, thread: u32, line: u64, offset: u32, bytes: u32) {
        let ones = if bytes >= u128::BITS { u128::MAX } else { (1 << bytes) - 1 };
        let mask = ones << offset;
        if self.last.get(thread as usize).is_none_or(|last| last.0 != line || last.1 & mask != mask) {
            self.keep(thread, line, mask);
        }
    }

    fn keep(&mut self, thread: u32, line: u64, mask: u128) {
        let known = self.masks.entry((line, thread)).or_default();
        *known |= mask;
        let threads = self.last.len().max(thread as usize + 1);
        self.last.resize(threads, (NO_LINE, 0));
        self.last[thread as usize] = (line, *known);
    }

    /// Forgets all writes.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lines that more than one thread has written since.
    pub(super) fn shared(&self) -> SharedLines {
        let mut lines: HashMap<u64, Line> = HashMap::new();
        for ((line, _), mask) in &self.masks {
            lines.entry(*line).or_default().add(*mask);
        }
        let written = lines.values().filter(|line| line.threads > 1);
        let falsely = written.clone().filter(|line| !line.overlap);
        SharedLines { written: written.count() as u64, falsely: falsely.count() as u64 }
    }
}

#[derive(Default)]
struct Line {
    threads: u32,
    bytes: u128,
    overlap: bool,
}

impl Line {
    fn add(&mut self, mask: u128) {
        self.threads += 1;
        self.overlap |= self.bytes & mask != 0;
        self.bytes |= mask;
    }
}

/// A hash for numbers that nobody chooses to collide: a rotation and a multiplication each.
#[derive(Debug, Clone, Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(29) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn shared(writes: &[(u32, u64, u32, u32)]) -> SharedLines {
        let mut sets = WriteSets::default();
        writes.iter().for_each(|(thread, line, offset, bytes)| sets.wrote(*thread, *line, *offset, *bytes));
        sets.shared()
    }

    #[test]
    fn two_counters_on_one_line_share_it_falsely_and_one_counter_truly() {
        assert_eq!(shared(&[(0, 7, 0, 8), (1, 7, 8, 8)]), SharedLines { written: 1, falsely: 1 });
        assert_eq!(shared(&[(0, 7, 0, 8), (1, 7, 0, 8)]), SharedLines { written: 1, falsely: 0 });
        assert_eq!(shared(&[(0, 7, 0, 8), (1, 8, 0, 8)]), SharedLines { written: 0, falsely: 0 });
        assert_eq!(shared(&[(0, 7, 0, 128), (1, 7, 127, 1)]), SharedLines { written: 1, falsely: 0 });
    }

    proptest! {
        #[test]
        fn what_is_shared_hangs_on_no_order_and_agrees_with_sets_of_bytes(
            mut writes in prop::collection::vec((0u32..3, 0u64..4, 0u32..60, 1u32..5), 0..30),
        ) {
            let bytes = |thread: u32, line: u64| -> BTreeSet<u32> {
                let of = writes.iter().filter(|write| (write.0, write.1) == (thread, line));
                of.flat_map(|write| write.2..write.2 + write.3).collect()
            };
            let mut expected = SharedLines::default();
            for line in 0..4 {
                let sets: Vec<_> = (0..3).map(|thread| bytes(thread, line)).filter(|set| !set.is_empty()).collect();
                let all: BTreeSet<u32> = sets.iter().flatten().copied().collect();
                let disjoint = all.len() == sets.iter().map(BTreeSet::len).sum::<usize>();
                expected.written += u64::from(sets.len() > 1);
                expected.falsely += u64::from(sets.len() > 1 && disjoint);
            }
            let found = shared(&writes);
            writes.reverse();
            prop_assert_eq!((found, shared(&writes)), (expected, expected));
        }
    }
}
