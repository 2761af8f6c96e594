//! Which lines were ever touched: what tells the first miss of a line, which no cache can avoid, from the later ones.

use super::sharing::Mixer;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// Lines of one chunk, a bit each.
const CHUNK_LINES: u64 = 4096;

type Chunk = Box<[u64; CHUNK_LINES as usize / 64]>;

/// A set of lines that only grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched {
    chunks: Vec<Chunk>,
    /// Where a chunk stands.
    places: HashMap<u64, usize, BuildHasherDefault<Mixer>>,
    /// The last one with its place: most lines lie near the one before.
    last: Option<(u64, usize)>,
}

impl Touched {
    /// Puts in a line; whether it was not there before.
    pub(super) fn add(&mut self, line: u64) -> bool {
        let place = self.place(line / CHUNK_LINES);
        let word = &mut self.chunks[place][(line % CHUNK_LINES / 64) as usize];
        let bit = 1 << (line % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn place(&mut self, chunk: u64) -> usize {
        if let Some((_, place)) = self.last.filter(|(last, _)| *last == chunk) {
            return place;
        }
        let end = self.chunks.len();
        let place = *self.places.entry(chunk).or_insert(end);
        if place == end {
            self.chunks.push(Box::new([0; _]));
        }
        self.last = Some((chunk, place));
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_line_is_new_once(lines in prop::collection::vec(0u64..20_000, 0..200)) {
            let (mut touched, mut oracle) = (Touched::default(), BTreeSet::new());
            for line in lines {
                prop_assert_eq!(touched.add(line), oracle.insert(line));
            }
        }
    }
}
