//! Both arrays keep the contract; elements of one word never tear, larger ones do.

use super::mapped::{Mapped, Wide};
use super::*;
use crate::testing::every_variant_is_checked_and_runs;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn every_array_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

/// Forgets the highest element.
struct Short(Vec<u64>);

impl Array for Short {
    fn zeros(len: usize) -> Result<Self, Unavailable> {
        Ok(Self(vec![0; len.saturating_sub(1)]))
    }

    fn get(&self, index: usize) -> Option<u64> {
        self.0.get(index).copied()
    }

    fn set(&mut self, index: usize, value: u64) -> bool {
        self.0.get_mut(index).map(|element| *element = value).is_some()
    }

    fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, value| sum.wrapping_add(*value))
    }
}

#[test]
fn the_check_finds_a_missing_element() {
    assert!(check::<Short>().is_err());
}

#[test]
fn an_element_of_several_words_tears_under_a_writer() {
    let wide = Wide::<8>::over(Mapped::zeros(8).unwrap());
    wide.set(0, [1; 8]);
    let mut seen = [0; 8];
    wide.set_interrupted(0, [2; 8], || seen = wide.get(0));
    assert_eq!(seen, [2, 2, 2, 2, 2, 2, 2, 1], "a reader sees parts of two writes");
    assert_eq!(wide.get(0), [2; 8]);
}

#[test]
fn an_element_of_one_word_never_tears() {
    let (array, done) = (Mapped::zeros(1).unwrap(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..100_000u64 {
                array.store(0, (round & 0xffff_ffff) * 0x1_0000_0001);
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            let value = array.get(0).unwrap();
            assert_eq!(value >> 32, value & 0xffff_ffff);
        }
    });
}
