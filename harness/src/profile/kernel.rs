//! Names for addresses of the kernel, where it tells this user any.

use crate::record::Frame;
use std::sync::OnceLock;

/// Functions of the kernel by address; empty where it hides its addresses from this user.
static SYMBOLS: OnceLock<Vec<(u64, String)>> = OnceLock::new();

/// The kernel's function at an address.
pub fn frame(address: u64) -> Frame {
    let symbols =
        SYMBOLS.get_or_init(|| parse(&std::fs::read_to_string("/proc/kallsyms").unwrap_or_default()));
    Frame { function: name(symbols, address), module: "[kernel]".into(), ..Frame::default() }
}

fn name(symbols: &[(u64, String)], address: u64) -> String {
    let after = symbols.partition_point(|(start, _)| *start <= address);
    after.checked_sub(1).map_or("[kernel]", |index| &symbols[index].1).to_owned()
}

fn parse(text: &str) -> Vec<(u64, String)> {
    let symbol = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let is_code = words.next()?.eq_ignore_ascii_case("t");
        (is_code && address > 0).then_some((address, words.next()?.to_owned()))
    };
    let mut symbols: Vec<(u64, String)> = text.lines().filter_map(symbol).collect();
    symbols.sort();
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_function_that_begins_before_it() {
        let symbols = parse(
            "ffffffff81000200 T do_futex\nffffffff81000100 t read_tsc\t[clock]\nffffffff81000180 D data\n",
        );
        assert_eq!(name(&symbols, 0xffff_ffff_8100_0190), "read_tsc");
        assert_eq!(name(&symbols, 0xffff_ffff_8100_0200), "do_futex");
    }

    #[test]
    fn a_kernel_that_hides_its_addresses_is_one_frame() {
        let symbols = parse("0000000000000000 T do_futex\n0000000000000000 T read_tsc\n");
        assert_eq!(name(&symbols, 0xffff_ffff_8100_0190), "[kernel]");
    }
}
