//! From steps to accesses: decodes the instruction at each step and works out from the registers what it reads and writes.
//! The code must still be mapped where it ran.

use super::tape::{REGISTERS, Step, Tape};
use crate::simulate::{Access, AccessKind};
use iced_x86::{
    Code, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, MemorySize, Mnemonic, OpAccess,
    Register, UsedMemory,
};
use std::collections::HashMap;

/// What one thread did in a region.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Walk {
    /// Its accesses, each with the position of its instruction among the steps of all threads.
    pub(super) accesses: Vec<(u64, Access)>,
    /// Traps that it took.
    pub(super) steps: usize,
    /// Instructions; a repeated string instruction is one.
    pub(super) instructions: u64,
    /// Accesses that load, and that store; one that does both is in both.
    pub(super) loads: u64,
    /// See `loads`.
    pub(super) stores: u64,
    /// Accesses whose addresses stand in vector registers, which are not noted.
    pub(super) hidden: u64,
}

/// Instructions by address, decoded once.
pub(super) struct Walker {
    known: HashMap<u64, Operation>,
    factory: InstructionInfoFactory,
}

/// An instruction and what it does to memory.
#[derive(Clone)]
struct Operation {
    instruction: Instruction,
    memory: Vec<UsedMemory>,
}

impl Walker {
    /// One that knows no instruction yet.
    pub(super) fn new() -> Self {
        Self { known: HashMap::new(), factory: InstructionInfoFactory::new() }
    }

    /// What the thread with this number did.
    pub(super) fn walk(&mut self, tape: &Tape, thread: u32) -> Walk {
        let mut walk = Walk { steps: tape.steps.len(), ..Walk::default() };
        let mut before: Option<Step> = None;
        for (index, step) in tape.steps.iter().enumerate() {
            let operation = self.operation(step.rip());
            let goes_on = operation.is_repeated() && before.is_some_and(|before| before.rip() == step.rip());
            walk.instructions += u64::from(!goes_on);
            walk.take(&operation, step, tape, thread);
            if let Some(missed) = missed(&operation, step, tape.steps.get(index + 1)) {
                let operation = self.operation(missed.rip());
                walk.instructions += 1;
                walk.take(&operation, &missed, tape, thread);
            }
            before = Some(*step);
        }
        walk
    }

    fn operation(&mut self, address: u64) -> Operation {
        let Self { known, factory } = self;
        known.entry(address).or_insert_with(|| Operation::at(address, factory)).clone()
    }
}

/// The step between a system call and the next trap: the kernel returns with the flag set, so that the CPU traps after the
/// first instruction behind the call and not before it.
fn missed(operation: &Operation, step: &Step, next: Option<&Step>) -> Option<Step> {
    let behind = operation.instruction.next_ip();
    let late = operation.instruction.code() == Code::Syscall && next.is_some_and(|next| next.rip() != behind);
    late.then(|| {
        let mut registers = step.registers;
        registers[super::tape::RIP] = behind;
        Step { registers, ..*step }
    })
}

impl Walk {
    fn take(&mut self, operation: &Operation, step: &Step, tape: &Tape, thread: u32) {
        for memory in &operation.memory {
            let Some(kind) = kind(memory.access()) else { continue };
            if operation.is_hidden(memory) {
                self.hidden += 1;
                continue;
            }
            for (address, size_bytes) in operation.reach(memory, step, tape) {
                self.loads +=
                    u64::from(memory.access() != OpAccess::Write && memory.access() != OpAccess::CondWrite);
                self.stores += u64::from(kind == AccessKind::Write);
                self.accesses.push((step.order, Access { thread, address, size_bytes, kind }));
            }
        }
    }
}

/// What an access does; none for a prefetch or a mere address.
fn kind(access: OpAccess) -> Option<AccessKind> {
    match access {
        OpAccess::Read | OpAccess::CondRead => Some(AccessKind::Read),
        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite => {
            Some(AccessKind::Write)
        }
        _ => None,
    }
}

impl Operation {
    fn at(address: u64, factory: &mut InstructionInfoFactory) -> Self {
        let instruction = decode(address);
        Self { instruction, memory: factory.info(&instruction).used_memory().to_vec() }
    }

    fn is_repeated(&self) -> bool {
        self.instruction.is_string_instruction()
            && (self.instruction.has_rep_prefix() || self.instruction.has_repne_prefix())
    }

    /// What one step reads or writes: of a repeated string instruction, one element.
    fn size(&self, memory: &UsedMemory) -> MemorySize {
        if self.is_repeated() { self.instruction.memory_size() } else { memory.memory_size() }
    }

    /// Whether addresses or sizes of the access stand in registers that are not noted.
    fn is_hidden(&self, memory: &UsedMemory) -> bool {
        let by_vector = memory.index().is_vector_register();
        let masked_by_vector = matches!(
            self.instruction.mnemonic(),
            Mnemonic::Vmaskmovps
                | Mnemonic::Vmaskmovpd
                | Mnemonic::Vpmaskmovd
                | Mnemonic::Vpmaskmovq
                | Mnemonic::Maskmovdqu
                | Mnemonic::Vmaskmovdqu
        );
        by_vector || masked_by_vector || self.size(memory).size() == 0
    }

    /// First address and bytes of each stretch of an access; none where a count or a mask of zero lets nothing happen.
    fn reach(&self, memory: &UsedMemory, step: &Step, tape: &Tape) -> Vec<(u64, u32)> {
        if self.is_repeated() && general(Register::RCX, step) == 0 {
            return Vec::new();
        }
        let address = memory.virtual_address(0, |register, _, _| Some(value(register, step, tape)));
        let address = address.expect("every register of an access is known");
        let parts = masked(&self.instruction, self.size(memory), step.mask);
        parts
            .into_iter()
            .map(|(from_bytes, size_bytes)| (address.wrapping_add(from_bytes), size_bytes))
            .collect()
    }
}

/// The parts of an operand that its mask lets through: where each begins in it, and bytes.
fn masked(instruction: &Instruction, size: MemorySize, mask: u64) -> Vec<(u64, u32)> {
    let (whole_bytes, element_bytes) = (size.size(), size.element_size());
    if instruction.op_mask() == Register::None || size.is_broadcast() {
        return vec![(0, whole_bytes as u32)];
    }
    let elements = whole_bytes / element_bytes;
    let chosen = if elements >= 64 { mask } else { mask & ((1 << elements) - 1) };
    let bytes = |(first, elements): (u32, u32)| {
        (u64::from(first) * element_bytes as u64, elements * element_bytes as u32)
    };
    runs(chosen).map(bytes).collect()
}

/// The runs of set bits: number of the first, and how many.
fn runs(mut mask: u64) -> impl Iterator<Item = (u32, u32)> {
    std::iter::from_fn(move || {
        let first = mask.trailing_zeros();
        let bits = mask.checked_shr(first)?.trailing_ones();
        mask &= u64::MAX.checked_shl(first + bits).unwrap_or(0);
        Some((first, bits))
    })
}

fn value(register: Register, step: &Step, tape: &Tape) -> u64 {
    match register {
        Register::FS => tape.segments[0],
        Register::GS => tape.segments[1],
        _ if register.is_segment_register() => 0,
        _ => general(register, step),
    }
}

/// Where the CPU's general register of each number stands in the kernel's order.
const KERNELS: [usize; REGISTERS - 1] = [13, 14, 12, 11, 15, 10, 9, 8, 0, 1, 2, 3, 4, 5, 6, 7];

fn general(register: Register, step: &Step) -> u64 {
    let whole = step.registers[KERNELS[register.number()]];
    if register.size() == 4 { u64::from(whole as u32) } else { whole }
}

/// The longest instruction, and the smallest page.
const LONGEST_BYTES: u64 = 15;
const PAGE_BYTES: u64 = 4096;

/// The instruction at an address of this program's code.
fn decode(address: u64) -> Instruction {
    let in_page = (PAGE_BYTES - address % PAGE_BYTES).min(LONGEST_BYTES);
    let first = decode_within(address, in_page);
    if first.is_invalid() { decode_within(address, LONGEST_BYTES) } else { first }
}

/// The same from so many bytes; where they are too few, the instruction goes on in the next page.
fn decode_within(address: u64, bytes: u64) -> Instruction {
    let start = std::ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: the CPU has run the instruction here, so its bytes are mapped, and all of a page is.
    let code = unsafe { std::slice::from_raw_parts(start, bytes as usize) };
    Decoder::with_ip(64, code, address, DecoderOptions::NONE).decode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_with_holes_has_a_run_for_each_stretch_of_set_bits() {
        let all = |mask| runs(mask).collect::<Vec<_>>();
        assert_eq!(all(0), []);
        assert_eq!(all(u64::MAX), [(0, 64)]);
        assert_eq!(all(0b1011_0110), [(1, 2), (4, 2), (7, 1)]);
        assert_eq!(all(1 << 63 | 1), [(0, 1), (63, 1)]);
    }
}
