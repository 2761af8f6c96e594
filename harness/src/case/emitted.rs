//! What the compiler made of the loop, read from its machine code in memory: the work must stand inside it. Tests only, on
//! the one architecture that they can decode.

use super::{Body, run_ops};
use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};
use std::collections::BTreeMap;

/// A multiply that depends on the one before.
struct Chain(u64);

impl Body for Chain {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0
    }
}

/// The same loop without a checksum: nothing asks for the products, so nothing has to be multiplied.
#[inline(never)]
fn unfolded(body: &mut Chain, first: u64, ops: u64) -> u64 {
    let mut own = Chain(body.0);
    for i in first..first + ops {
        own.op(i);
    }
    ops
}

type Loop = fn(&mut Chain, u64, u64) -> u64;

/// The longest instruction.
const LONGEST_BYTES: usize = 15;

/// The instruction at an address of this program's code.
fn decode(address: u64) -> Instruction {
    let start = std::ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: the address was reached by following jumps from a function's entry, so an instruction begins there; the
    // sections that follow the code are mapped, so even its last instruction has readable bytes behind it.
    let bytes = unsafe { std::slice::from_raw_parts(start, LONGEST_BYTES) };
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).decode()
}

/// Every instruction that a function can reach without leaving it, by address. Calls are passed over.
fn reachable(function: usize) -> BTreeMap<u64, Instruction> {
    let mut found = BTreeMap::new();
    let mut open = vec![function as u64];
    while let Some(address) = open.pop() {
        if found.contains_key(&address) {
            continue;
        }
        let instruction = decode(address);
        assert_ne!(instruction.code(), Code::INVALID, "no instruction at {address:x}");
        found.insert(address, instruction);
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => {
                open.push(instruction.next_ip())
            }
            FlowControl::ConditionalBranch => {
                open.extend([instruction.next_ip(), instruction.near_branch_target()]);
            }
            FlowControl::UnconditionalBranch => open.push(instruction.near_branch_target()),
            _ => {}
        }
    }
    found
}

/// What the instructions of a function are called, in the order of their addresses.
pub(crate) fn mnemonics(function: usize) -> Vec<Mnemonic> {
    reachable(function).values().map(Instruction::mnemonic).collect()
}

/// Multiplications inside the loops of a function: between a jump back and where it lands.
fn multiplies_in_loops(function: Loop) -> usize {
    let code = reachable(function as usize);
    let back = code.values().filter(|i| (1..=i.ip()).contains(&i.near_branch_target()));
    let bodies: Vec<_> = back.map(|i| i.near_branch_target()..i.ip()).collect();
    let multiplies =
        |i: &&Instruction| matches!(i.mnemonic(), Mnemonic::Imul | Mnemonic::Mul | Mnemonic::Mulx);
    let multiplies = code.values().filter(multiplies);
    multiplies.filter(|i| bodies.iter().any(|body| body.contains(&i.ip()))).count()
}

#[test]
fn the_work_of_a_body_stands_inside_the_emitted_loop() {
    assert!(multiplies_in_loops(run_ops::<Chain>) > 0);
}

#[test]
fn a_loop_that_folds_nothing_is_seen_to_have_lost_its_work() {
    assert_eq!(multiplies_in_loops(unfolded), 0);
}

#[test]
fn the_work_is_done_as_often_as_it_is_asked_for() {
    let mut chain = Chain(1);
    run_ops(&mut chain, 0, 1000);
    assert_eq!(chain.0, 0x9e37_79b9_7f4a_7c15_u64.wrapping_pow(1000));
}
