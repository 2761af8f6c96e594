//! x86-64 by iced, in Intel's notation.

use super::Instruction;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, IntelFormatter};

/// The instructions of some code; what is none is one that says so.
pub fn instructions(code: &[u8], offset: u64) -> Vec<Instruction> {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(true);
    options.set_branch_leading_zeros(false);
    let decoder = Decoder::with_ip(64, code, offset, DecoderOptions::NONE);
    decoder
        .into_iter()
        .map(|decoded| {
            let mut text = String::new();
            formatter.format(&decoded, &mut text);
            let jumps = matches!(
                decoded.flow_control(),
                FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch
            );
            Instruction {
                offset: decoded.ip(),
                size_bytes: decoded.len() as u64,
                text,
                target: jumps.then(|| decoded.near_branch_target()),
            }
        })
        .collect()
}
