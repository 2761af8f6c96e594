//! What versioned arrays promise, and that the check notices when one does not keep it.

use super::check::check;
use super::{element_version::ElementVersion, global_version::GlobalVersion, *};
use crate::sync::{AtomicU64, Ordering};
#[cfg(not(miri))]
use crate::testing;
use crate::testing::with_setup;
use perfbench_harness::Broken;
use std::sync::Arc;

#[cfg(not(miri))]
#[test]
fn every_array_passes_its_check_and_runs_at_every_point() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

fn checked<A: Array>() -> Result<(), Broken> {
    with_setup(&WORKLOAD.points[0], Isa::NONE, check::<A>)
}

#[test]
fn both_arrays_pass_the_check_on_the_heap() {
    assert_eq!(checked::<ElementVersion>(), Ok(()));
    assert_eq!(checked::<GlobalVersion>(), Ok(()));
}

#[test]
#[should_panic(expected = "no such element")]
fn an_element_past_the_end_is_refused() {
    let (mut writer, _) = ElementVersion::on_heap(3);
    writer.write(3, [0; WORDS]);
}

/// Words without any version.
struct Bare;

#[derive(Clone)]
struct Words(Arc<Vec<[AtomicU64; WORDS]>>);

impl Array for Bare {
    type Writer = Words;
    type Reader = Words;

    fn on_heap(elements: usize) -> (Words, Words) {
        let element = |_| std::array::from_fn(|_| AtomicU64::new(0));
        let words = Words(Arc::new((0..elements).map(element).collect()));
        (words.clone(), words)
    }

    fn mapped(elements: usize) -> Result<(Words, Words), Unavailable> {
        Ok(Self::on_heap(elements))
    }
}

impl Write for Words {
    fn write(&mut self, index: usize, state: State) {
        for (word, value) in self.0[index].iter().zip(state) {
            word.store(value, Ordering::Relaxed);
            std::thread::yield_now();
        }
    }
}

impl Read for Words {
    fn try_read(&self, index: usize) -> Option<State> {
        Some(std::array::from_fn(|word| self.0[index][word].load(Ordering::Relaxed)))
    }
}

#[test]
fn the_check_finds_elements_that_are_read_half_written() {
    let found = checked::<Bare>();
    assert!(found.is_err(), "a reader without versions sees mixtures");
}
