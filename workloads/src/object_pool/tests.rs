//! The pools keep their contract, the check sees it when one does not, and alerts follow from statistics alone.

use super::pool::*;
use super::sync_mutex::SyncMutex;
use super::{WORKLOAD, check};
use crate::testing::every_variant_is_checked_and_runs;
use std::time::Duration;

#[test]
fn object_pool_every_variant_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

/// A pool with one thing wrong.
struct Planted<const FAULT: u8>(SyncMutex);

const LEAVES_CONTENTS: u8 = 0;
const COUNTS_TOO_MANY: u8 = 1;
const KNOWS_NO_LIMIT: u8 = 2;
const NEVER_WIPES: u8 = 3;
const WARMS_NOTHING: u8 = 4;
const SPENDS_WITHOUT_BUDGET: u8 = 5;
const KEEPS_ANOTHER: u8 = 6;

impl<const FAULT: u8> Source for Planted<FAULT> {
    fn hand_out(&self) -> Result<Vec<u8>, ResourceExhausted> {
        let mut bytes = self.0.hand_out()?;
        if FAULT == LEAVES_CONTENTS {
            bytes.push(1);
        }
        Ok(bytes)
    }

    fn give_back(&self, bytes: Vec<u8>) {
        if FAULT == KEEPS_ANOTHER {
            self.0.give_back(Vec::with_capacity(bytes.capacity()));
        } else {
            self.0.give_back(bytes);
        }
    }
}

impl<const FAULT: u8> Pool for Planted<FAULT> {
    fn new(mut limits: Limits) -> Self {
        limits.sensitive &= FAULT != NEVER_WIPES;
        if FAULT == KNOWS_NO_LIMIT {
            limits.objects_max = usize::MAX;
        }
        if FAULT == SPENDS_WITHOUT_BUDGET {
            limits.budget = std::sync::Arc::new(Budget::new(u64::MAX));
        }
        Self(SyncMutex::new(limits))
    }

    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        if FAULT == WARMS_NOTHING { Ok(()) } else { self.0.warm_up(percent) }
    }

    fn statistics(&self) -> Statistics {
        let mut statistics = self.0.statistics();
        statistics.hits += u64::from(FAULT == COUNTS_TOO_MANY);
        statistics
    }
}

#[test]
fn object_pool_check_catches_each_planted_fault() {
    assert_eq!(check::pool::<Planted<100>>(3), Ok(()));
    let complaints = [
        (check::pool::<Planted<LEAVES_CONTENTS>>(3), "bytes in it"),
        (check::pool::<Planted<COUNTS_TOO_MANY>>(3), "counted"),
        (check::pool::<Planted<KNOWS_NO_LIMIT>>(3), "take: expected Err"),
        (check::pool::<Planted<NEVER_WIPES>>(3), "outlived"),
        (check::pool::<Planted<WARMS_NOTHING>>(3), "80 % of 10 made 0"),
        (check::pool::<Planted<SPENDS_WITHOUT_BUDGET>>(3), "past the budget"),
        (check::pool::<Planted<KEEPS_ANOTHER>>(3), "made another"),
    ];
    for (came, complaint) in complaints {
        assert!(came.clone().is_err_and(|broken| broken.0.contains(complaint)), "{complaint}: {came:?}");
    }
}

#[test]
fn object_pool_alerts_tell_a_low_hit_rate_and_a_high_take_rate() {
    let after = |hits, takes, seconds| {
        let statistics = Statistics { takes, hits, misses: takes - hits, ..Statistics::default() };
        alerts(&statistics, Duration::from_secs(seconds))
    };
    assert_eq!(after(85, 100, 1), []);
    assert_eq!(after(84, 100, 1), [Alert::HitRate { percent: 84.0 }]);
    assert_eq!(after(10_000, 10_000, 1), []);
    assert_eq!(after(10_002, 10_002, 1), [Alert::TakeRate { takes_per_second: 10_002.0 }]);
    assert_eq!(after(0, 30_000, 2).len(), 2);
    assert_eq!(after(0, 0, 0), []);
}

#[test]
fn object_pool_refusals_name_the_limit() {
    assert!(ResourceExhausted::Objects { objects_max: 7 }.to_string().contains('7'));
    assert!(ResourceExhausted::Bytes { bytes_max: 99 }.to_string().contains("99"));
}

#[test]
fn object_pool_wipe_reaches_the_whole_allocation() {
    let mut bytes = Vec::with_capacity(100);
    bytes.resize(bytes.capacity(), 0xa5u8);
    bytes.clear();
    wipe(&mut bytes);
    let room = bytes.capacity();
    // SAFETY: the bytes up to the capacity were written by `resize` and again by `wipe`.
    unsafe { bytes.set_len(room) };
    assert!(bytes.iter().all(|byte| *byte == 0));
}
