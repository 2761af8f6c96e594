//! The one hint to the cache that rings use: "I am about to write here".

/// Asks for the cache line at `place` in a state that can be written. Any address will do: a hint never faults.
#[inline(always)]
pub fn for_writing<S>(place: *const S) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch changes neither memory nor registers; every 64-bit CPU of the last fifteen years decodes it.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly))
    };
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: a prefetch changes neither memory nor registers and never faults.
    unsafe {
        std::arch::asm!("prfm pstl1keep, [{}]", in(reg) place, options(nostack, preserves_flags, readonly))
    };
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = place;
}
