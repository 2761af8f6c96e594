//! What every queue between processes promises; under Miri, which knows no fork, what the algorithm alone promises.

use super::*;
use crate::ring_spsc::check::carries;
use crate::ring_spsc::tests::drops_what_nobody_took;
use crate::testing::with_setup;

#[test]
fn the_documented_queue_passes_the_check_between_threads() {
    assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, carries::<head_tail::OnHeap, u64>), Ok(()));
}

#[test]
fn the_documented_queue_drops_what_nobody_took() {
    drops_what_nobody_took::<head_tail::OnHeap>();
}

#[cfg(not(miri))]
mod forked {
    use super::*;
    use crate::ring_spsc::Pop;
    use crate::ring_spsc::cached_index::{Consumer, Producer};
    use crate::ring_spsc::tests::every_case_runs_its_batches_to_the_end;
    use crate::testing;

    #[test]
    fn every_queue_passes_the_check() {
        for variant in WORKLOAD.variants {
            assert_eq!(testing::check(&WORKLOAD, variant), Ok(()), "{}", variant.name);
        }
    }

    #[test]
    fn every_queue_runs_at_every_point() {
        every_case_runs_its_batches_to_the_end(&WORKLOAD);
    }

    /// A queue whose consumer changes item 7 wherever it runs in another process than it was made in.
    struct Homesick;

    struct Abroad(Consumer<u64>, u32);

    impl Spsc<u64> for Homesick {
        type Producer = Producer<u64>;
        type Consumer = Abroad;

        fn ring(capacity: usize, start: u64) -> Result<(Producer<u64>, Abroad), Unavailable> {
            let (producer, consumer) = cached_index::CachedIndex::ring(capacity, start)?;
            Ok((producer, Abroad(consumer, std::process::id())))
        }
    }

    impl Pop<u64> for Abroad {
        fn try_pop(&mut self) -> Option<u64> {
            let item = self.0.try_pop()?;
            Some(if item == 7 && std::process::id() != self.1 { 8 } else { item })
        }

        fn len(&self) -> usize {
            self.0.len()
        }
    }

    #[test]
    fn the_check_finds_a_fault_that_shows_between_processes_only() {
        assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, carries::<Homesick, u64>), Ok(()));
        let found =
            with_setup(&WORKLOAD.points[0], Isa::NONE, check::between_processes::<Homesick>).unwrap_err();
        assert!(found.0.starts_with("across a fork"), "{found}");
    }
}
