//! Reading a counter of the own thread without the kernel: the page that the kernel keeps of an event says which register
//! counts it and what to add, and a sequence number says whether the page changed meanwhile. How the registers are read
//! stands in `registers`.

use super::kernel::{Kernel, Linux, Scope, Spec, Target};
use super::registers::Mapped;
use super::reply::{RAW_BYTES, Reply};
use super::{canary, errno, generic, table};
use crate::unavailable::{Reason, Unavailable};
use std::io;

/// What the page says of an event, between two changes of its sequence number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields {
    /// Whether user mode may read the register.
    pub may_read: bool,
    /// Whether the times may be brought up to date by a clock.
    pub may_time: bool,
    /// Whether that clock has fewer bits than a word.
    pub short_time: bool,
    /// One more than the number of the register; none where the event is on none just now.
    pub index: u32,
    /// To be added to the register.
    pub offset: i64,
    /// Bits of the register.
    pub width_bits: u16,
    /// Time enabled when the page was written.
    pub enabled_ns: u64,
    /// Time on the counters when the page was written.
    pub running_ns: u64,
    /// From ticks of the clock to time: `ticks * mult >> shift`.
    pub time_shift: u16,
    /// The factor of that.
    pub time_mult: u32,
    /// To be added to that.
    pub time_offset: u64,
    /// The short clock when the page was written.
    pub time_cycles: u64,
    /// The bits that the short clock has.
    pub time_mask: u64,
}

/// The page of one event, and the registers that it speaks of.
pub trait Page {
    /// Even where nobody writes; another one after each change. Nothing is read earlier that is read later in the program.
    fn sequence(&self) -> u32;

    /// All that the page says; torn where the sequence number changes meanwhile.
    fn fields(&self) -> Fields;

    /// A register of the PMU.
    fn counter(&self, number: u32) -> u64;

    /// The clock by which the page's times are brought up to date.
    fn ticks(&self) -> u64;
}

/// One event, read by its own thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserRead {
    /// The count.
    pub value: u64,
    /// Time enabled, as the kernel would tell it.
    pub enabled_ns: u64,
    /// Time on the counters.
    pub running_ns: u64,
}

/// How often a page that changes is read again: a page that never rests is not the own thread's.
const TRIES: u32 = 1_000;

/// Whether user mode may read the event, and bring its times up to date: a read without times does not tell whether the
/// event was on its counter.
pub fn is_allowed(page: &impl Page) -> bool {
    let fields = page.fields();
    fields.may_read && fields.may_time
}

/// Reads an event; none where only the kernel can: it may not be read here, or it is on no counter just now.
pub fn read(page: &impl Page) -> Option<UserRead> {
    for _ in 0..TRIES {
        let before = page.sequence();
        let fields = page.fields();
        let register = fields.register().map(|number| page.counter(number));
        let ticks = page.ticks();
        if before.is_multiple_of(2) && page.sequence() == before {
            return register.map(|register| fields.at(register, ticks));
        }
    }
    None
}

impl Fields {
    fn register(&self) -> Option<u32> {
        (self.may_read && (1..=64).contains(&self.width_bits)).then_some(())?;
        self.index.checked_sub(1)
    }

    fn at(&self, register: u64, ticks: u64) -> UserRead {
        let since_ns = if self.may_time { self.time_ns(ticks) } else { 0 };
        UserRead {
            value: self.offset.wrapping_add(self.extended(register)) as u64,
            enabled_ns: self.enabled_ns.wrapping_add(since_ns),
            running_ns: self.running_ns.wrapping_add(since_ns),
        }
    }

    /// The register as a signed number of its width: the kernel starts it below zero.
    fn extended(&self, register: u64) -> i64 {
        let unused = 64 - u32::from(self.width_bits);
        (register << unused) as i64 >> unused
    }

    fn time_ns(&self, ticks: u64) -> u64 {
        let short = || self.time_cycles.wrapping_add(ticks.wrapping_sub(self.time_cycles) & self.time_mask);
        let ticks = if self.short_time { short() } else { ticks };
        let (whole, rest) = (ticks >> self.time_shift, ticks & ((1 << self.time_shift) - 1));
        let mult = u64::from(self.time_mult);
        let ns = whole.wrapping_mul(mult).wrapping_add(rest.wrapping_mul(mult) >> self.time_shift);
        self.time_offset.wrapping_add(ns)
    }
}

/// Rounds of the loop that is counted both ways.
const ROUNDS: u64 = 1_000_000;

/// Counts one loop's instructions in user mode by the registers and by the kernel: the two counts, in this order. The
/// kernel's region lies around the other and holds the few instructions of its reads.
///
/// # Errors
/// Why this user cannot count instructions, or not without the kernel.
pub fn user_read_agrees() -> Result<(u64, u64), Unavailable> {
    let counted = both_ways().map_err(|error| errno::explain(&error))?;
    counted.ok_or_else(|| {
        let detail = "the kernel lets no program read its counters by itself here; as root, on Arm: sysctl \
                      kernel.perf_user_access=1, on x86: echo 1 > /sys/bus/event_source/devices/cpu/rdpmc";
        Unavailable::new(Reason::NoPrivilege, detail)
    })
}

fn both_ways() -> io::Result<Option<(u64, u64)>> {
    let target = Target::Thread(Linux.threads()?[0]);
    let [_, instructions] = generic::anchor(table::cpu().as_ref());
    let spec: Spec = instructions.spec(target, Scope::User);
    let mut event = Linux.open(&spec, None)?;
    let page = Mapped::of(&event)?;
    Linux.enable(&mut event)?;
    let ids = [Some(Linux.id(&event))];
    let by_kernel = || {
        let mut bytes = [0; RAW_BYTES];
        Linux.read(&event, &mut bytes).map(|length_bytes| (bytes, length_bytes))
    };
    let kernel_before = by_kernel()?;
    let user_before = read(&page);
    canary::add(ROUNDS);
    let user_after = read(&page);
    let kernel_after = by_kernel()?;
    let value = |(bytes, length_bytes): ([u8; RAW_BYTES], usize)| {
        Reply::parse(&bytes[..length_bytes], &ids).map(|reply| reply.values[0])
    };
    let (before, after) = (value(kernel_before)?, value(kernel_after)?);
    let by_user = user_before.zip(user_after).map(|(before, after)| after.value.wrapping_sub(before.value));
    Ok(by_user.map(|by_user| (by_user, after.wrapping_sub(before))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A page whose sequence numbers and states a test dictates.
    struct Scripted {
        sequences: Vec<u32>,
        states: Vec<(Fields, u64)>,
        asked: Cell<usize>,
        seen: Cell<usize>,
        ticks: u64,
    }

    impl Scripted {
        fn of(sequences: &[u32], states: &[(Fields, u64)]) -> Self {
            let (sequences, states) = (sequences.to_vec(), states.to_vec());
            Self { sequences, states, asked: Cell::new(0), seen: Cell::new(0), ticks: 0 }
        }

        fn still(fields: Fields, register: u64) -> Self {
            Self::of(&[4], &[(fields, register)])
        }
    }

    impl Page for Scripted {
        fn sequence(&self) -> u32 {
            let at = self.asked.replace(self.asked.get() + 1);
            self.sequences[at.min(self.sequences.len() - 1)]
        }

        fn fields(&self) -> Fields {
            let at = self.seen.replace(self.seen.get() + 1);
            self.states[at.min(self.states.len() - 1)].0
        }

        fn counter(&self, number: u32) -> u64 {
            assert_eq!(number, 2, "the register's number is one less than the index");
            self.states[(self.seen.get() - 1).min(self.states.len() - 1)].1
        }

        fn ticks(&self) -> u64 {
            self.ticks
        }
    }

    fn fields(offset: i64, width_bits: u16) -> Fields {
        Fields { may_read: true, index: 3, offset, width_bits, ..Fields::default() }
    }

    fn value(page: &Scripted) -> Option<u64> {
        read(page).map(|read| read.value)
    }

    #[test]
    fn the_count_is_the_register_and_what_the_page_adds() {
        assert_eq!(value(&Scripted::still(fields(1000, 48), 7)), Some(1007));
    }

    #[test]
    fn a_register_of_48_bits_that_started_below_zero_is_negative() {
        let below = |by: u64| (1 << 48) - by;
        assert_eq!(value(&Scripted::still(fields(1 << 47, 48), below(5))), Some((1 << 47) - 5));
        assert_eq!(value(&Scripted::still(fields(-3, 48), 10)), Some(7));
        assert_eq!(value(&Scripted::still(fields(100, 64), u64::MAX)), Some(99));
        assert_eq!(value(&Scripted::still(fields(0, 32), 0x7fff_ffff)), Some(0x7fff_ffff));
    }

    #[test]
    fn what_is_read_while_the_page_changes_is_read_again() {
        let states = [(fields(9999, 48), 1), (fields(20, 48), 2)];
        assert_eq!(value(&Scripted::of(&[4, 6, 6, 6], &states)), Some(22));
        let in_the_middle = Scripted::of(&[5, 5, 6, 6], &states);
        assert_eq!(value(&in_the_middle), Some(22));
    }

    #[test]
    fn an_event_that_only_the_kernel_can_read_has_no_count_here() {
        let off_the_counters = Fields { index: 0, ..fields(5, 48) };
        let forbidden = Fields { may_read: false, ..fields(5, 48) };
        let no_register = fields(5, 0);
        for fields in [off_the_counters, forbidden, no_register] {
            assert_eq!(value(&Scripted::still(fields, 1)), None);
        }
    }

    #[test]
    fn a_page_that_never_rests_is_given_up() {
        let restless = Scripted::of(&(0..4000).map(|n| n * 2).collect::<Vec<_>>(), &[(fields(0, 48), 1)]);
        assert_eq!(value(&restless), None);
    }

    #[test]
    fn times_are_brought_up_to_date_by_the_clock() {
        let timed = Fields {
            may_time: true,
            enabled_ns: 100,
            running_ns: 60,
            time_shift: 10,
            time_mult: 512,
            time_offset: 5,
            ..fields(0, 48)
        };
        let page = Scripted { ticks: 4001, ..Scripted::still(timed, 0) };
        let told = read(&page).unwrap();
        assert_eq!((told.enabled_ns, told.running_ns), (100 + 5 + 2000, 60 + 5 + 2000));
    }

    #[test]
    fn a_short_clock_that_wrapped_goes_on_from_the_page() {
        let wrapped = Fields {
            may_time: true,
            short_time: true,
            time_mult: 1,
            time_cycles: 0x1_0000_00f0,
            time_mask: 0xff,
            ..fields(0, 48)
        };
        let page = Scripted { ticks: 0x10, ..Scripted::still(wrapped, 0) };
        assert_eq!(read(&page).unwrap().enabled_ns, 0x1_0000_0110);
    }

    #[test]
    #[cfg(not(miri))]
    fn both_ways_agree_or_the_reason_is_told() {
        match user_read_agrees() {
            Ok((by_user, by_kernel)) => {
                assert!(by_user >= 2 * ROUNDS && by_kernel >= by_user, "{by_user} {by_kernel}");
                assert!(by_kernel - by_user < 10_000, "{by_user} {by_kernel}");
            }
            Err(why) => assert!(why.detail.contains("; "), "{why}"),
        }
    }
}
