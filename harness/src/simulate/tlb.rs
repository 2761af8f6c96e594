//! The translation buffers of one core: a small one that every access asks and a large one behind it. What a walk of the
//! page tables costs is not modelled, only that it happens.

use super::geometry::{Buffer, Tlb};

/// Both buffers.
#[derive(Debug, Clone)]
pub(super) struct Translations {
    near: Pages,
    far: Pages,
    page_shift: u32,
}

/// Where a translation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// In the buffer that every access asks.
    Near,
    /// In the large one.
    Far,
    /// Nowhere: the page tables are walked.
    Walked,
}

impl Translations {
    pub(super) fn new(tlb: &Tlb) -> Self {
        assert!(tlb.page_bytes.is_power_of_two(), "a page is a power of two");
        let page_shift = tlb.page_bytes.trailing_zeros();
        Self { near: Pages::new(&tlb.l1), far: Pages::new(&tlb.l2), page_shift }
    }

    /// Translates the page of an address.
    #[inline(always)]
    pub(super) fn translate(&mut self, address: u64) -> Found {
        let page = address >> self.page_shift;
        match self.near.access(page) {
            true => Found::Near,
            false if self.far.access(page) => Found::Far,
            false => Found::Walked,
        }
    }
}

/// One buffer. It may have many ways, so that each entry notes when it was used last instead of standing in order.
#[derive(Debug, Clone)]
struct Pages {
    /// Set after set, a page and the time of its last use; time 0 where there is no page yet.
    entries: Vec<(u64, u64)>,
    ways: usize,
    /// Where a page stood when it was last looked for, by its lowest bits.
    hints: Vec<u32>,
    now: u64,
}

const HINTS: usize = 1024;

/// No page of any address.
const NO_PAGE: u64 = u64::MAX;

impl Pages {
    fn new(buffer: &Buffer) -> Self {
        let entries = vec![(NO_PAGE, 0); buffer.entries as usize];
        Self { entries, ways: buffer.ways as usize, hints: vec![0; HINTS], now: 0 }
    }

    /// Uses a page, which takes the place of the one that was not used for longest if it is not there; whether it was.
    #[inline(always)]
    fn access(&mut self, page: u64) -> bool {
        self.now += 1;
        let entry = &mut self.entries[self.hints[page as usize % HINTS] as usize];
        if entry.0 == page {
            entry.1 = self.now;
            return true;
        }
        self.search(page)
    }

    #[inline(never)]
    fn search(&mut self, page: u64) -> bool {
        let sets = self.entries.len() / self.ways;
        let first = (page % sets as u64) as usize * self.ways;
        let set = &mut self.entries[first..first + self.ways];
        let held = set.iter().position(|entry| entry.0 == page);
        let oldest = || (0..set.len()).min_by_key(|way| set[*way].1);
        let way = held.or_else(oldest).expect("a set has a way");
        set[way] = (page, self.now);
        self.hints[page as usize % HINTS] = (first + way) as u32;
        held.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pages_beyond_the_first_buffer_are_found_in_the_second_and_beyond_that_walked() {
        let buffer = |entries, ways| Buffer { entries, ways };
        let tlb = Tlb { page_bytes: 4096, l1: buffer(4, 4), l2: buffer(16, 4) };
        let laps = |pages: u64| {
            let mut translations = Translations::new(&tlb);
            let mut lap = || (0..pages).map(|page| translations.translate(page * 4096 + 8)).collect();
            let first: Vec<Found> = lap();
            assert!(first.iter().all(|found| *found == Found::Walked));
            lap()
        };
        assert_eq!(laps(4), [Found::Near; 4]);
        assert_eq!(laps(16), [Found::Far; 16]);
        assert_eq!(laps(20), [Found::Walked; 20]);
    }

    proptest! {
        #[test]
        fn a_buffer_holds_exactly_the_pages_used_last(
            sets in 1u32..4,
            ways in 1u32..6,
            pages in prop::collection::vec((0u64..30).prop_map(|page| page * 1021), 0..300),
        ) {
            let mut buffer = Pages::new(&Buffer { entries: sets * ways, ways });
            let mut oracle = vec![Vec::new(); sets as usize];
            for page in pages {
                let set: &mut Vec<u64> = &mut oracle[(page % u64::from(sets)) as usize];
                prop_assert_eq!(buffer.access(page), set.contains(&page));
                set.retain(|held| *held != page);
                set.insert(0, page);
                set.truncate(ways as usize);
            }
        }
    }
}
