//! What the kernel's replies to two reads of an event group mean: pure, so that recorded replies test it.

use crate::record::Provenance;
use crate::unavailable::{Reason, Unavailable};
use std::io;

/// Most events of a group.
pub const MAX_EVENTS: usize = 8;

/// Bytes of the longest reply: number of events, two times, then value and id of the leader and of each event.
pub const RAW_BYTES: usize = (3 + 2 * (1 + MAX_EVENTS)) * 8;

/// One reply for one thread: times and values since the group was opened, or between two reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// How long the thread ran with the group enabled.
    pub enabled_ns: u64,
    /// For how much of that the group was on the CPU's counters.
    pub running_ns: u64,
    /// A value an event.
    pub values: Vec<u64>,
}

impl Reply {
    /// Reads what the kernel has written; `ids` are its ids of the wanted events, none for one that was refused, whose
    /// value is 0.
    ///
    /// # Errors
    /// `InvalidData` where the reply is cut short or has no value for one of the ids.
    pub fn parse(bytes: &[u8], ids: &[Option<u64>]) -> io::Result<Reply> {
        let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        let [events, enabled_ns, running_ns, members @ ..] = words.as_slice() else { return Err(strange()) };
        let members = members.as_chunks::<2>().0;
        let members =
            usize::try_from(*events).ok().and_then(|events| members.get(..events)).ok_or_else(strange)?;
        let value = |id: &Option<u64>| match id {
            None => Ok(0),
            Some(id) => members.iter().find(|[_, of]| of == id).map(|[value, _]| *value).ok_or_else(strange),
        };
        let values = ids.iter().map(value).collect::<io::Result<_>>()?;
        Ok(Reply { enabled_ns: *enabled_ns, running_ns: *running_ns, values })
    }

    /// Two regions of the same events as one.
    pub fn and(&self, other: &Reply) -> Reply {
        Reply {
            enabled_ns: self.enabled_ns + other.enabled_ns,
            running_ns: self.running_ns + other.running_ns,
            values: self.values.iter().zip(&other.values).map(|(a, b)| a + b).collect(),
        }
    }

    /// What happened between an earlier reply and this one.
    pub fn since(&self, before: &Reply) -> Reply {
        Reply {
            enabled_ns: self.enabled_ns.wrapping_sub(before.enabled_ns),
            running_ns: self.running_ns.wrapping_sub(before.running_ns),
            values: self.values.iter().zip(&before.values).map(|(a, b)| a.wrapping_sub(*b)).collect(),
        }
    }
}

fn strange() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kernel's reply has no value for one of the events")
}

/// A count over all threads of a region, and the share of the time for which it was really counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tally {
    /// The count, scaled up where the share is below one.
    pub value: f64,
    /// One where the counters were never shared.
    pub running_share: f64,
}

impl Tally {
    /// How much the number may claim, given what it would be if it was counted all the time.
    pub fn provenance(&self, whole: Provenance) -> Provenance {
        if self.running_share < 1.0 { Provenance::HwScaled(self.running_share) } else { whole }
    }
}

/// Adds up event number `event` over the threads of a region. A thread that never ran adds nothing.
///
/// # Errors
/// Where a thread ran and the event was never on the counters: that is not a zero.
pub fn tally(threads: &[Reply], event: usize) -> Result<Tally, Unavailable> {
    let ran = || threads.iter().filter(|reply| reply.enabled_ns > 0);
    if ran().next().is_none() || ran().any(|reply| reply.running_ns == 0) {
        return Err(starved());
    }
    let enabled_ns: u64 = ran().map(|reply| reply.enabled_ns).sum();
    let running_ns: u64 = ran().map(|reply| reply.running_ns).sum();
    let value = ran().map(|reply| scaled(reply, event)).sum();
    Ok(Tally { value, running_share: running_ns as f64 / enabled_ns as f64 })
}

/// A count of one thread as if it had been on the counters all the time; nothing where it never was.
pub fn scaled(reply: &Reply, event: usize) -> f64 {
    if reply.running_ns == 0 {
        return 0.0;
    }
    reply.values[event] as f64 * (reply.enabled_ns as f64 / reply.running_ns as f64)
}

fn starved() -> Unavailable {
    let detail = "not counted: other events held the CPU's counters for the whole region; end other profilers, or \
                  select fewer counters";
    Unavailable::new(Reason::InUse, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(not(miri))]
    use proptest::prelude::*;

    /// Words recorded from an emulated arm64 kernel with a PMU of seven counters, as bytes in a buffer that is longer.
    fn recorded(words: &[u64], ids: &[u64]) -> Reply {
        let mut bytes = [0; RAW_BYTES];
        bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(byte, word)| *byte = word.to_ne_bytes());
        Reply::parse(&bytes, &ids.iter().copied().map(Some).collect::<Vec<_>>()).expect("a whole reply")
    }

    #[test]
    fn values_are_found_by_id_whatever_stands_between() {
        let reply = recorded(&[3, 10, 10, 111, 1, 333, 3, 555, 5], &[5, 3]);
        assert_eq!(reply, Reply { enabled_ns: 10, running_ns: 10, values: vec![555, 333] });
    }

    #[test]
    fn a_refused_member_does_not_take_anothers_value() {
        let bytes: Vec<u8> = [1u64, 10, 10, 7, 0, 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(Reply::parse(&bytes, &[None, Some(0)]).unwrap().values, [0, 7]);
    }

    #[test]
    fn a_reply_without_a_wanted_event_or_cut_short_is_an_error_and_no_zero() {
        let bytes: Vec<u8> = [2u64, 10, 10, 7, 1, 8, 2].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let parsed = |length_bytes: usize, id| Reply::parse(&bytes[..length_bytes], &[Some(id)]);
        assert_eq!(parsed(56, 2).unwrap().values, [8]);
        for (length_bytes, id) in [(56, 3), (40, 1), (16, 1), (0, 1)] {
            assert_eq!(
                parsed(length_bytes, id).unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{length_bytes}"
            );
        }
        let mut endless = bytes.clone();
        endless[..8].fill(0xff);
        assert!(Reply::parse(&endless, &[Some(1)]).is_err());
    }

    #[test]
    fn a_group_that_had_the_counters_all_the_time_is_taken_as_it_is() {
        let reply =
            recorded(&[3, 0x3d7a20, 0x3d7a20, 0x3d091e, 0x17, 0x1e848f, 0x18, 0, 0x19], &[0x17, 0x18, 0x19]);
        let instructions = tally(std::slice::from_ref(&reply), 1).unwrap();
        assert_eq!(instructions, Tally { value: 2_000_015.0, running_share: 1.0 });
        assert_eq!(instructions.provenance(Provenance::HwGeneric), Provenance::HwGeneric);
        assert_eq!(tally(&[reply], 2).unwrap().value, 0.0);
    }

    #[test]
    fn a_group_that_shared_the_counters_is_scaled_up_and_says_by_how_much() {
        let reply = recorded(&[2, 0x73b52d2, 0x3a2858a, 0x39842b4, 0x1a, 0x1cc215a, 0x1b], &[0x1a, 0x1b]);
        let instructions = tally(&[reply], 1).unwrap();
        let Provenance::HwScaled(share) = instructions.provenance(Provenance::HwGeneric) else {
            panic!("{instructions:?}")
        };
        assert!((share - 0.5026).abs() < 1e-4, "{share}");
        assert!((instructions.value * share / 0x1cc215a as f64 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_event_that_never_had_a_counter_is_not_counted_rather_than_zero() {
        let starved = recorded(&[1, 0x1331f3c, 0, 0, 0x2f], &[0x2f]);
        let reason = tally(&[starved], 0).unwrap_err();
        assert_eq!(reason.reason, Reason::InUse);
        assert!(reason.detail.starts_with("not counted"), "{reason}");
    }

    #[test]
    fn a_thread_that_slept_through_the_region_neither_adds_nor_starves() {
        let busy = Reply { enabled_ns: 10, running_ns: 10, values: vec![7] };
        let asleep = Reply { enabled_ns: 0, running_ns: 0, values: vec![0] };
        assert_eq!(tally(&[busy, asleep.clone()], 0), Ok(Tally { value: 7.0, running_share: 1.0 }));
        assert!(tally(&[asleep], 0).is_err());
    }

    #[test]
    fn one_starved_thread_makes_the_sum_unknown() {
        let busy = Reply { enabled_ns: 10, running_ns: 10, values: vec![7] };
        let starved = Reply { enabled_ns: 10, running_ns: 0, values: vec![0] };
        assert!(tally(&[busy, starved], 0).is_err());
    }

    #[cfg(not(miri))]
    proptest! {
        #[test]
        fn a_region_is_the_difference_of_its_two_reads(first in 0..u64::MAX / 2, counted in 0..u64::MAX / 2) {
            let reply = |value| Reply { enabled_ns: value, running_ns: value, values: vec![value] };
            prop_assert_eq!(reply(first + counted).since(&reply(first)), reply(counted));
        }

        #[test]
        fn a_steady_event_is_scaled_to_the_truth(rate in 1..1000u64, running_ns in 1..1_000_000u64, more in 0..1_000_000u64) {
            let enabled_ns = running_ns + more;
            let reply = Reply { enabled_ns, running_ns, values: vec![rate * running_ns] };
            let truth = (rate * enabled_ns) as f64;
            let tally = tally(&[reply], 0).unwrap();
            prop_assert!((tally.value / truth - 1.0).abs() < 1e-9);
        }
    }
}
