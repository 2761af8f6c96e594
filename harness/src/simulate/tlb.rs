//! The translation buffers of one core: a small one that every access asks and a large one behind it. What a walk of the
//! page tables costs is not modelled, only that it happens.

use super::cache::{Cache, Slot, State};
use super::geometry::{Buffer, Tlb};

/// Both buffers.
#[derive(Debug, Clone)]
pub(super) struct Translations {
    near: Cache,
    far: Cache,
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
        let cache =
            |buffer: &Buffer| Cache::with_sets(u64::from(buffer.entries / buffer.ways), buffer.ways as usize);
        Self { near: cache(&tlb.l1), far: cache(&tlb.l2), page_shift: tlb.page_bytes.trailing_zeros() }
    }

    /// Translates the page of an address.
    #[inline(always)]
    pub(super) fn translate(&mut self, address: u64) -> Found {
        let page = address >> self.page_shift;
        if self.near.touch(page).is_some() { Found::Near } else { self.miss(page) }
    }

    fn miss(&mut self, page: u64) -> Found {
        let entry = Slot::new(page, State::Shared);
        let found = if self.far.touch(page).is_some() { Found::Far } else { Found::Walked };
        if found == Found::Walked {
            self.far.insert(entry);
        }
        self.near.insert(entry);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
