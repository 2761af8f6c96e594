//! Requests from inside a program to the valgrind that it runs under: an instruction sequence that does nothing anywhere else.
//! What is asked for when is `mod.rs`'s affair.

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Whether, and how many times nested, the program runs under valgrind.
    RunningOnValgrind,
    /// Callgrind writes what it has counted to its next file.
    DumpStats,
    /// Callgrind counts from zero; what its caches hold stays.
    ZeroStats,
    /// Callgrind begins or ends counting on this thread.
    ToggleCollect,
}

/// Callgrind's own requests begin with its initials.
const CALLGRIND: u64 = (b'C' as u64) << 24 | (b'T' as u64) << 16;

impl Request {
    fn code(self) -> u64 {
        match self {
            Request::RunningOnValgrind => 0x1001,
            Request::DumpStats => CALLGRIND,
            Request::ZeroStats => CALLGRIND + 1,
            Request::ToggleCollect => CALLGRIND + 2,
        }
    }
}

/// Makes a request; 0 where there is no valgrind that answers.
#[inline(always)]
pub(crate) fn ask(request: Request) -> u64 {
    request_block(&[request.code(), 0, 0, 0, 0, 0])
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn request_block(arguments: &[u64; 6]) -> u64 {
    let mut answer = 0;
    // SAFETY: a processor rotates a register by 128 bits in all and swaps another with itself, which changes flags only;
    // valgrind reads the six words behind rax and writes rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") arguments.as_ptr(), inout("rdx") answer, options(nostack)
        );
    }
    answer
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline(always)]
fn request_block(arguments: &[u64; 6]) -> u64 {
    let mut answer = 0;
    // SAFETY: a processor rotates a register by 128 bits in all and moves another onto itself, which changes nothing;
    // valgrind reads the six words behind x4 and writes x3.
    unsafe {
        std::arch::asm!(
            "ror x12, x12, #3", "ror x12, x12, #13", "ror x12, x12, #51", "ror x12, x12, #61", "orr x10, x10, x10",
            in("x4") arguments.as_ptr(), inout("x3") answer, options(nostack)
        );
    }
    answer
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
fn request_block(_: &[u64; 6]) -> u64 {
    0
}

/// Whether this program runs under valgrind: its clocks then read real time around work that is many times slower.
pub fn under_valgrind() -> bool {
    ask(Request::RunningOnValgrind) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_changes_nothing_where_nobody_answers() {
        if !under_valgrind() {
            assert_eq!([Request::DumpStats, Request::ZeroStats, Request::ToggleCollect].map(ask), [0; 3]);
        }
    }

    #[test]
    fn callgrind_is_addressed_by_its_initials() {
        assert_eq!(Request::ToggleCollect.code(), 0x4354_0002);
    }
}
