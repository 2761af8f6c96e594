//! Work of which the number of instructions is known to the unit.

/// Instructions of a turn of [`turns`].
pub const PER_TURN: f64 = 2.0;

/// So many turns of a loop of two instructions.
#[cfg(target_arch = "aarch64")]
#[inline(never)]
pub fn turns(turns: u64) {
    if turns == 0 {
        return;
    }
    // SAFETY: counts one register down to nought and touches nothing else.
    unsafe {
        std::arch::asm!("2: subs {left}, {left}, #1", "b.ne 2b", left = inout(reg) turns => _, options(nomem, nostack));
    }
}

/// The same elsewhere, so that the program is checked and linted with the rest; nobody counts it.
#[cfg(not(target_arch = "aarch64"))]
#[inline(never)]
pub fn turns(turns: u64) {
    (0..turns).for_each(|turn| _ = std::hint::black_box(turn));
}
