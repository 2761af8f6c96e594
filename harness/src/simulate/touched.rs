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
    chunks: HashMap<u64, Chunk, BuildHasherDefault<Mixer>>,
}

impl Touched {
    /// Puts in a line; whether it was not there before.
    pub(super) fn add(&mut self, line: u64) -> bool {
        let chunk = self.chunks.entry(line / CHUNK_LINES).or_insert_with(|| Box::new([0; _]));
        let (word, bit) = ((line % CHUNK_LINES / 64) as usize, 1 << (line % 64));
        let new = chunk[word] & bit == 0;
        chunk[word] |= bit;
        new
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
