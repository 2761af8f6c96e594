//! The records that the kernel writes into the ring of a sampling perf event, as types. Where the bytes come from is
//! `perf`'s affair.

use super::unwind::Registers;

/// Registers of user mode that unwinding needs, as bits of the kernel's numbering; they come in order of these bits.
#[cfg(target_arch = "x86_64")]
pub const REGISTERS: u64 = 1 << 6 | 1 << 7 | 1 << 8;
#[cfg(target_arch = "aarch64")]
pub const REGISTERS: u64 = 1 << 29 | 1 << 30 | 1 << 31 | 1 << 32;

const RECORD_SAMPLE: u32 = 9;

/// Bits of a record's `misc` that say in which mode the CPU was, and the value that says the kernel's.
const MODE: u16 = 0b111;
const MODE_KERNEL: u16 = 1;

/// Values of a call chain from here on are marks between its parts, no addresses.
const CONTEXT: u64 = -4095i64 as u64;

/// What was asked of the kernel for each sample beside instruction, thread, time and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The chain of frame pointers.
    pub chain: bool,
    /// Registers and a copy of the stack.
    pub stack: bool,
}

/// One sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample<'a> {
    /// The instruction.
    pub ip: u64,
    /// Whether it is one of the kernel.
    pub in_kernel: bool,
    /// The thread's number in the system.
    pub thread: u32,
    /// `CLOCK_MONOTONIC`, ns.
    pub time_ns: u64,
    /// How many events it stands for.
    pub period: u64,
    /// The chain of frame pointers, the instruction in user mode first.
    pub chain: Vec<u64>,
    /// Registers of user mode; none where the thread has none.
    pub registers: Option<Registers>,
    /// Its stack from the stack pointer on.
    pub stack: &'a [u8],
}

/// Reads what follows a record's header; none where it is no sample, or not what was asked for.
pub fn sample(kind: u32, misc: u16, body: &[u8], layout: Layout) -> Option<Sample<'_>> {
    if kind != RECORD_SAMPLE {
        return None;
    }
    let mut words = Words(body);
    let mut sample = Sample { ip: words.u64()?, in_kernel: misc & MODE == MODE_KERNEL, ..Sample::default() };
    let _process = words.u32()?;
    sample.thread = words.u32()?;
    sample.time_ns = words.u64()?;
    sample.period = words.u64()?;
    if layout.chain {
        let length = words.u64()?;
        let addresses = words.many(length)?;
        sample.chain = addresses.filter(|address| *address < CONTEXT).collect();
    }
    if layout.stack {
        sample.registers = registers(&mut words)?;
        sample.stack = stack(&mut words)?;
    }
    Some(sample)
}

/// A first word of zero says that the thread has no user mode, and nothing follows it.
fn registers(words: &mut Words<'_>) -> Option<Option<Registers>> {
    if words.u64()? == 0 {
        return Some(None);
    }
    named(words).map(Some)
}

#[cfg(target_arch = "x86_64")]
fn named(words: &mut Words<'_>) -> Option<Registers> {
    Some(Registers { fp: words.u64()?, sp: words.u64()?, pc: words.u64()?, lr: 0 })
}

#[cfg(target_arch = "aarch64")]
fn named(words: &mut Words<'_>) -> Option<Registers> {
    Some(Registers { fp: words.u64()?, lr: words.u64()?, sp: words.u64()?, pc: words.u64()? })
}

/// Room of the asked size, of which only the length that stands after it was filled.
fn stack<'a>(words: &mut Words<'a>) -> Option<&'a [u8]> {
    let room = words.u64()?;
    if room == 0 {
        return Some(&[]);
    }
    let bytes = words.bytes(room)?;
    let filled = usize::try_from(words.u64()?).ok()?;
    bytes.get(..filled)
}

/// Takes words off the front of a record.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_ne_bytes(self.bytes(8)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.bytes(4)?.try_into().ok()?))
    }

    fn many(&mut self, count: u64) -> Option<impl Iterator<Item = u64> + use<'a>> {
        let bytes = self.bytes(count.checked_mul(8)?)?;
        Some(bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().expect("eight bytes"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOTH: Layout = Layout { chain: true, stack: true };

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    fn head() -> Vec<u64> {
        vec![0x401000, 42 << 32 | 41, 5_000_000, 1_000_000]
    }

    #[test]
    fn a_sample_of_frame_pointers_loses_the_marks_of_its_chain() {
        let body = bytes(&[head(), vec![3, -512i64 as u64, 0x401000, 0x402000]].concat());
        let read = sample(9, 2, &body, Layout { chain: true, stack: false }).unwrap();
        assert_eq!((read.ip, read.thread, read.time_ns, read.period), (0x401000, 42, 5_000_000, 1_000_000));
        assert_eq!((read.chain, read.in_kernel), (vec![0x401000, 0x402000], false));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_sample_of_the_stack_ends_where_the_kernel_could_copy_no_more() {
        let body = bytes(&[head(), vec![0, 2, 0x30, 0x20, 0x10, 16, 7, 8, 8]].concat());
        let read = sample(9, 1, &body, BOTH).unwrap();
        assert_eq!(read.registers, Some(Registers { fp: 0x30, sp: 0x20, pc: 0x10, lr: 0 }));
        assert_eq!((read.stack, read.in_kernel), (&bytes(&[7])[..], true));
    }

    #[test]
    fn a_thread_without_user_mode_has_neither_registers_nor_stack() {
        let body = bytes(&[head(), vec![0, 0, 0]].concat());
        let read = sample(9, 1, &body, BOTH).unwrap();
        assert_eq!((read.registers, read.stack.len()), (None, 0));
    }

    #[test]
    fn a_record_of_another_kind_or_cut_short_is_none() {
        let body = bytes(&head());
        assert_eq!(sample(2, 0, &body, Layout { chain: false, stack: false }), None);
        assert_eq!(sample(9, 2, &body, BOTH), None);
        assert_eq!(sample(9, 2, &bytes(&[head(), vec![u64::MAX]].concat()), BOTH), None);
    }

    proptest! {
        #[test]
        fn no_bytes_whatever_break_the_reader(kind in 0u32..20, misc: u16, body in prop::collection::vec(any::<u8>(), 0..200), chain: bool, stack: bool) {
            let _ = sample(kind, misc, &body, Layout { chain, stack });
        }

        #[test]
        fn no_small_words_break_the_reader(words in prop::collection::vec(0u64..40, 0..40), chain: bool, stack: bool) {
            let _ = sample(9, 0, &bytes(&words), Layout { chain, stack });
        }
    }
}
