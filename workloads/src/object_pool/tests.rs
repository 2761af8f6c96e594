//! The pools keep their contract, the check sees it when one does not, alerts follow from statistics alone, and the printed
//! free list fails where its repairs hold.

use super::WORKLOAD;
use super::check;
use super::limits::*;
use super::payload::*;
use super::pool::*;
use super::shelf::Carried;
use super::statistics::*;
use super::sync_mutex::SyncMutex;
use crate::testing::every_variant_is_checked_and_runs;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn object_pool_every_variant_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

type Buffers = SyncMutex<Vec<u8>>;

/// A pool with one thing wrong.
struct Planted<const FAULT: u8>(Buffers);

const LEAVES_CONTENTS: u8 = 0;
const COUNTS_TOO_MANY: u8 = 1;
const KNOWS_NO_LIMIT: u8 = 2;
const NEVER_WIPES: u8 = 3;
const WARMS_NOTHING: u8 = 4;
const SPENDS_WITHOUT_BUDGET: u8 = 5;
const KEEPS_ANOTHER: u8 = 6;

impl<const FAULT: u8> Shared for Planted<FAULT> {
    type Object = Vec<u8>;
    type Loan<'a> = Carried<'a, Buffers>;

    fn new(mut limits: Limits) -> Self {
        limits.sensitive &= FAULT != NEVER_WIPES;
        if FAULT == KNOWS_NO_LIMIT {
            limits.objects_max = usize::MAX;
        }
        if FAULT == SPENDS_WITHOUT_BUDGET {
            limits.budget = Arc::new(Budget::new(u64::MAX));
        }
        Self(SyncMutex::new(limits))
    }

    fn take(&self) -> Result<Carried<'_, Buffers>, ResourceExhausted> {
        let mut object = Shared::take(&self.0)?;
        match FAULT {
            LEAVES_CONTENTS => object.push(1),
            KEEPS_ANOTHER => *object = Vec::with_capacity(object.capacity()),
            _ => {}
        }
        Ok(object)
    }
}

impl<const FAULT: u8> SharedPool for Planted<FAULT> {
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
#[cfg_attr(miri, ignore = "a check for each of the faults takes minutes there")]
fn object_pool_check_catches_each_planted_fault() {
    fn checked<const FAULT: u8>() -> Result<(), perfbench_harness::Broken> {
        check::pool_of_buffers::<Arc<Planted<FAULT>>>(3)
    }
    assert_eq!(checked::<100>(), Ok(()));
    let complaints = [
        (checked::<LEAVES_CONTENTS>(), "something in it"),
        (checked::<COUNTS_TOO_MANY>(), "counted"),
        (checked::<KNOWS_NO_LIMIT>(), "take: expected Err"),
        (checked::<NEVER_WIPES>(), "outlived"),
        (checked::<WARMS_NOTHING>(), "80 % of 10 made 0"),
        (checked::<SPENDS_WITHOUT_BUDGET>(), "past the budget"),
        (checked::<KEEPS_ANOTHER>(), "made another"),
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

#[cfg(not(miri))]
mod random {
    use super::*;
    use crate::object_pool::payload::Message;
    use crate::object_pool::{
        PoolKind, async_mutex, indexed_cas, sync_mutex, tagged_cas, tagged_cas_tls, thread_local,
    };
    use proptest::prelude::*;

    fn obeys<K: PoolKind>(
        kept: usize,
        objects_max: usize,
        acts: &[(bool, u64)],
    ) -> Result<(), TestCaseError> {
        check::obeys_in_order::<K::Of<Message>>(kept, objects_max, acts)
            .map_err(|broken| TestCaseError::fail(broken.0))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn object_pool_any_order_of_takes_and_give_backs_counts_as_the_oracle_does(
            kept in 0usize..80,
            more in 0usize..80,
            acts in proptest::collection::vec(any::<(bool, u64)>(), 1..400),
        ) {
            let objects_max = (kept + more).max(1);
            obeys::<sync_mutex::Kind>(kept, objects_max, &acts)?;
            obeys::<async_mutex::Kind>(kept, objects_max, &acts)?;
            obeys::<indexed_cas::Kind>(kept, objects_max, &acts)?;
            obeys::<tagged_cas_tls::Kind>(kept, objects_max, &acts)?;
            obeys::<thread_local::Kind>(kept, objects_max, &acts)?;
            if perfbench_harness::Granted::check(tagged_cas::NEEDS).is_ok() {
                obeys::<tagged_cas::Kind>(kept, objects_max, &acts)?;
            }
        }
    }
}

mod free_lists;
mod threads;
