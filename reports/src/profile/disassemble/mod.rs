//! Machine code as text, for every architecture that a profile can come from, whichever this one runs on: one file an
//! architecture.

mod aarch64;
mod x86_64;

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Where it lies, bytes from the start of the image.
    pub offset: u64,
    /// Its length.
    pub size_bytes: u64,
    /// What it does.
    pub text: String,
    /// Where it may jump to, where that is a fixed place and no call.
    pub target: Option<u64>,
}

/// The instructions of some code that lies at `offset` in its image; none for an architecture that is not known.
pub fn disassemble(architecture: &str, code: &[u8], offset: u64) -> Option<Vec<Instruction>> {
    match architecture {
        "x86_64" => Some(x86_64::instructions(code, offset)),
        "aarch64" => Some(aarch64::instructions(code, offset)),
        _ => None,
    }
}

/// The bytes of hexadecimal text; none where it is no such text.
pub fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hexadecimal.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_text_becomes_bytes_and_other_text_does_not() {
        assert_eq!(bytes("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!(bytes(""), Some(Vec::new()));
        assert!(["0", "0g", "é1"].iter().all(|wrong| bytes(wrong).is_none()));
    }

    #[test]
    fn any_bytes_are_taken_apart_without_a_gap_or_an_overlap() {
        let code: Vec<u8> =
            (0..4096u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for architecture in ["x86_64", "aarch64"] {
            let mut next = 0x1000;
            for instruction in disassemble(architecture, &code, 0x1000).unwrap() {
                assert_eq!(instruction.offset, next, "{architecture}");
                assert!(instruction.size_bytes > 0 && !instruction.text.is_empty());
                next += instruction.size_bytes;
            }
            assert_eq!(next, 0x1000 + 4096, "{architecture}");
        }
        assert!(disassemble("riscv64", &code, 0).is_none());
    }
}
