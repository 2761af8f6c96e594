//! AArch64 by yaxpeax. What that does not know, SVE among it, stands as its word.

use super::Instruction;
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Opcode, Operand};

/// The instructions of some code, one every four bytes.
pub fn instructions(code: &[u8], offset: u64) -> Vec<Instruction> {
    let words = code.chunks(4).enumerate();
    words.map(|(index, word)| instruction(word, offset + 4 * index as u64)).collect()
}

fn instruction(word: &[u8], offset: u64) -> Instruction {
    let size_bytes = word.len() as u64;
    match InstDecoder::default().decode(&mut U8Reader::new(word)) {
        Ok(decoded) => {
            let distance = decoded.operands.iter().find_map(|operand| match operand {
                Operand::PCOffset(distance) => Some(*distance),
                _ => None,
            });
            let place = distance.map(|distance| offset.wrapping_add_signed(distance));
            let target = place.filter(|_| jumps(decoded.opcode));
            Instruction { offset, size_bytes, text: placed(&decoded.to_string(), place), target }
        }
        Err(_) => {
            let digits: String = word.iter().rev().map(|byte| format!("{byte:02x}")).collect();
            Instruction { offset, size_bytes, text: format!(".inst 0x{digits}"), target: None }
        }
    }
}

fn jumps(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::B | Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ | Opcode::TBZ | Opcode::TBNZ)
}

/// The text with the place it speaks of in place of the distance, `$-0xc`.
fn placed(text: &str, place: Option<u64>) -> String {
    match (text.rfind('$'), place) {
        (Some(at), Some(place)) => format!("{}0x{place:x}", &text[..at]),
        _ => text.to_owned(),
    }
}
