//! Makes caches cold: walks through more memory than any cache holds, so that nothing of what ran before is left.

use crate::case::opaque;

/// Bytes of a line on every machine that is measured, or a part of one.
const LINE_BYTES: usize = 64;

/// Memory to walk through.
#[derive(Debug)]
pub struct Evictor {
    lines: Vec<[u64; LINE_BYTES / 8]>,
    turn: u64,
}

impl Evictor {
    /// Memory of so many bytes, every page of it touched, so that walking it takes no page faults.
    pub fn new(bytes: usize) -> Self {
        let mut evictor = Self { lines: vec![[0; LINE_BYTES / 8]; bytes.div_ceil(LINE_BYTES)], turn: 0 };
        evictor.evict();
        evictor
    }

    /// Writes every line, which takes it away from whoever held it, then reads every line: data leave all levels that
    /// this core shares or owns, and the pages walked replace what its TLBs held.
    pub fn evict(&mut self) {
        self.turn += 1;
        let turn = self.turn;
        self.lines.iter_mut().for_each(|line| line[0] = turn);
        opaque(self.lines.iter().fold(0, |sum: u64, line| sum.wrapping_add(opaque(line[0]))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_each_time() {
        let mut evictor = Evictor::new(10 * LINE_BYTES + 1);
        evictor.evict();
        assert_eq!(evictor.lines.len(), 11);
        assert!(evictor.lines.iter().all(|line| line[0] == 2));
    }
}
