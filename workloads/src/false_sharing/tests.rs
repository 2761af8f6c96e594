//! The layouts lie as their names say, and the check sees it when one does not.

use super::aligned_64::Aligned64;
use super::aligned_128::Aligned128;
use super::packed::Packed;
use super::{Layout, Owner, WORKLOAD, check};
use crate::testing::every_variant_is_checked_and_runs;
use perfbench_harness::case::{Body, Fact};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

#[test]
fn false_sharing_every_variant_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

fn facts<L: Layout>() -> Vec<Fact> {
    Owner { layout: Arc::new(L::default()), side: 0 }.facts()
}

#[test]
fn false_sharing_facts_say_what_the_names_say() {
    let bytes = |hot, alignment, distance| {
        [("hot_bytes", hot), ("alignment_bytes", alignment), ("distance_bytes", distance)]
            .map(|(name, value)| Fact::new(name, "B", value))
    };
    assert_eq!(facts::<Packed>(), bytes(8.0, 8.0, 8.0));
    assert_eq!(facts::<Aligned64>(), bytes(24.0, 64.0, 64.0));
    assert_eq!(facts::<Aligned128>(), bytes(8.0, 128.0, 128.0));
}

/// Says 64 bytes and has 8.
#[derive(Default)]
#[repr(align(64))]
struct Boastful([AtomicU64; 2]);

impl Layout for Boastful {
    const DISTANCE_BYTES: usize = 64;
    const ALIGNMENT_BYTES: usize = 64;
    const HOT_BYTES: usize = 8;

    fn counters(&self) -> [&AtomicU64; 2] {
        self.0.each_ref()
    }
}

/// One counter for both.
#[derive(Default)]
struct Merged(AtomicU64);

impl Layout for Merged {
    const DISTANCE_BYTES: usize = 0;
    const ALIGNMENT_BYTES: usize = 8;
    const HOT_BYTES: usize = 8;

    fn counters(&self) -> [&AtomicU64; 2] {
        [&self.0, &self.0]
    }
}

#[test]
fn false_sharing_check_catches_a_wrong_place_and_a_wrong_total() {
    assert!(check::check::<Boastful>().unwrap_err().0.contains("8 bytes apart"));
    assert!(check::check::<Merged>().unwrap_err().0.contains("counted"));
}
