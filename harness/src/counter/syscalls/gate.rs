//! Machine code through which calls of the kernel pass that may not be trapped: the only range of addresses that
//! system call user dispatch lets through. What is trapped is made again from here, in the state in which it was made, so
//! that calls that start, end or interrupt threads keep their meaning.

use std::arch::naked_asm;
use std::sync::atomic::{AtomicU64, Ordering};

/// Places in the program that call the kernel and can be told apart. The C library has some 600.
pub const SITES: usize = 2048;

/// Where the parts of [`code`] lie, bytes from its start.
const RESTORER: usize = 32;
const STUBS: usize = 48;
const STUB_BYTES: usize = 8;

/// Length of the range that is let through, bytes.
pub const LENGTH_BYTES: usize = STUBS + SITES * STUB_BYTES;

/// Where each stub returns to; zero while nobody needs it.
// Relaxed: a stub is entered by a thread that has itself read or written the word.
static RETURNS: [AtomicU64; SITES] = [const { AtomicU64::new(0) }; SITES];

/// A function that makes the call `number`; then the end of a signal handler; then the stubs, each a call of the kernel
/// and a jump to where its word in `RETURNS` says. A stub changes no register that the call itself does not.
#[unsafe(naked)]
unsafe extern "C" fn code(number: u64, first: u64, second: u64, third: u64, fourth: u64) -> i64 {
    naked_asm!(
        "2:",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov r10, r8",
        "syscall",
        "ret",
        ".fill {restorer} - (. - 2b), 1, 0xcc",
        "mov eax, {rt_sigreturn}",
        "syscall",
        ".fill {stubs} - (. - 2b), 1, 0xcc",
        ".set perfbench_site, 0",
        ".rept {sites}",
        "syscall",
        "jmp qword ptr [rip + {returns} + perfbench_site]",
        ".set perfbench_site, perfbench_site + 8",
        ".endr",
        restorer = const RESTORER,
        rt_sigreturn = const libc::SYS_rt_sigreturn,
        stubs = const STUBS,
        sites = const SITES,
        returns = sym RETURNS,
    )
}

/// Start of the range that is let through.
pub fn start() -> usize {
    code as *const () as usize
}

/// Where a signal handler returns to whose end must not be trapped.
pub fn restorer() -> usize {
    start() + RESTORER
}

/// Makes a call that is not trapped, and that nobody else may see.
///
/// # Safety
/// As the call itself: its pointers are valid for what it reads and writes.
pub unsafe fn call(number: libc::c_long, arguments: [u64; 4]) -> i64 {
    let [first, second, third, fourth] = arguments;
    // SAFETY: the code makes one call by the kernel's convention; the caller answers for what it does.
    unsafe { code(number as u64, first, second, third, fourth) }
}

/// Size of the kernel's own signal mask, bytes; the C library's is larger.
pub const MASK_BYTES: u64 = 8;

/// The signals that a call of `rt_sigprocmask` with these arguments asks for; none where it asks for none, or where the
/// kernel will refuse the size or the address, which it is asked about without a change.
pub fn wanted_signals(set: u64, size_bytes: u64) -> Option<u64> {
    /// What no call means by `how`: the kernel reads the set before it refuses it.
    const NO_HOW: u64 = u64::MAX >> 33;
    // SAFETY: the kernel looks at the address by itself and writes nothing.
    let answer = unsafe { call(libc::SYS_rt_sigprocmask, [NO_HOW, set, 0, size_bytes]) };
    let readable = set != 0 && size_bytes == MASK_BYTES && answer == -i64::from(libc::EINVAL);
    let set: *const u64 = std::ptr::with_exposed_provenance(set as usize);
    // SAFETY: the kernel has just read a mask there.
    readable.then(|| unsafe { set.read_unaligned() })
}

/// The stub that makes a call and goes on at `site`; none where all stubs serve other sites.
pub fn stub_for(site: u64) -> Option<u64> {
    let first = (site.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize;
    let indices = (0..SITES).map(|step| first.wrapping_add(step) % SITES);
    let index = indices.into_iter().find(|index| serves(&RETURNS[*index], site))?;
    Some((start() + STUBS + index * STUB_BYTES) as u64)
}

fn serves(word: &AtomicU64, site: u64) -> bool {
    match word.compare_exchange(0, site, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => true,
        Err(taken) => taken == site,
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn the_code_lies_where_it_is_said_to_lie() {
        let bytes = |address: usize, count: usize| {
            // SAFETY: the range is machine code of this program, which may be read.
            unsafe { std::slice::from_raw_parts(address as *const u8, count) }
        };
        assert_eq!(bytes(restorer(), 7), [0xb8, 15, 0, 0, 0, 0x0f, 0x05]);
        let stubs = bytes(start() + STUBS, SITES * STUB_BYTES);
        let returns = RETURNS.as_ptr().addr();
        for (index, stub) in stubs.chunks_exact(STUB_BYTES).enumerate() {
            assert_eq!(stub[..4], [0x0f, 0x05, 0xff, 0x25]);
            let distance = i32::from_le_bytes(stub[4..].try_into().unwrap()) as isize;
            let after = start() + STUBS + (index + 1) * STUB_BYTES;
            assert_eq!(after.wrapping_add_signed(distance), returns + 8 * index);
        }
    }

    #[test]
    fn a_call_through_the_gate_is_the_call() {
        // SAFETY: the call takes no pointers.
        let process = unsafe { call(libc::SYS_getpid, [0; 4]) };
        assert_eq!(process, i64::from(std::process::id()));
    }

    #[test]
    fn each_site_keeps_a_stub_of_its_own() {
        let [one, other] =
            [0x1234_5678, 0x8765_4321].map(|site| stub_for(site).expect("few sites are known"));
        assert_ne!(one, other);
        assert_eq!(stub_for(0x1234_5678), Some(one));
    }
}
