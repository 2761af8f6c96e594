//! The trap flag of x86-64: while it is set on a thread, the CPU traps after each instruction and the kernel raises
//! `SIGTRAP`, whose handler here notes the registers. What the instructions did to memory is found later, in `walk`.

use super::tape::{End, REGISTERS, RIP, STEPS_MOST, Step, Tape};
use crate::clock::Bracket;
use crate::counter::syscalls::gate::wanted_signals;
use std::arch::asm;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

const TRAP_FLAG: u64 = 0x100;

thread_local! {
    /// The tape of the region that this thread is in. No destructor and a constant start: a signal handler may read it.
    static TAPE: Cell<*mut Tape> = const { Cell::new(null_mut()) };
}

/// Numbers the steps of all threads; the order of its values is all that is wanted of it.
static ORDER: AtomicU64 = AtomicU64::new(0);

/// Steps each thread that enters, and keeps what it did.
#[derive(Debug, Default)]
pub(super) struct Stepper {
    full: Mutex<Vec<Tape>>,
    empty: Mutex<Vec<Tape>>,
    idle: AtomicBool,
}

impl Stepper {
    /// Gets ready to step.
    ///
    /// # Errors
    /// What the kernel says against a handler of `SIGTRAP`.
    pub(super) fn new() -> std::io::Result<Self> {
        install()?;
        Ok(Self::default())
    }

    /// Hands over what the threads of the last region did.
    pub(super) fn take(&self) -> Vec<Tape> {
        std::mem::take(&mut lock(&self.full))
    }

    /// Takes tapes back: to map fresh ones for each region would move what the heap hands to the stepped code.
    pub(super) fn reuse(&self, tapes: Vec<Tape>) {
        lock(&self.empty).extend(tapes);
    }

    /// Steps nobody any more.
    pub(super) fn retire(&self) {
        // Relaxed: whoever retires it starts the next region by words that order this store.
        self.idle.store(true, Ordering::Relaxed);
    }

    fn tape(&self) -> Tape {
        // SAFETY: takes no arguments and cannot fail.
        let thread = unsafe { libc::gettid() };
        let tape = lock(&self.empty).pop().unwrap_or_default();
        tape.begun(thread, [segment(ARCH_GET_FS), segment(ARCH_GET_GS)])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bracket for Stepper {
    #[inline(never)]
    fn enter(&self) {
        if !self.idle.load(Ordering::Relaxed) {
            TAPE.set(Box::into_raw(Box::new(self.tape())));
            set_trap_flag();
        }
    }

    #[inline(never)]
    fn leave(&self) {
        let was_set = clear_trap_flag();
        let tape = TAPE.replace(null_mut());
        if tape.is_null() {
            return;
        }
        // SAFETY: `enter` made it from a box on this thread, and the handler that also knew it runs no more.
        let mut tape = unsafe { Box::from_raw(tape) };
        if !was_set {
            tape.end.get_or_insert(End::Cleared);
        }
        lock(&self.full).push(*tape);
    }
}

fn set_trap_flag() {
    // SAFETY: pushes and pops alike and changes the trap flag only, whose signal `install` has made harmless.
    unsafe { asm!("pushfq", "or qword ptr [rsp], {flag}", "popfq", flag = const TRAP_FLAG) };
}

/// Whether it was set.
#[inline(always)]
fn clear_trap_flag() -> bool {
    let before: u64;
    // SAFETY: pushes and pops alike and changes the trap flag only.
    unsafe {
        asm!("pushfq", "mov {before}, [rsp]", "and qword ptr [rsp], {rest}", "popfq",
            before = out(reg) before, rest = const !(TRAP_FLAG as i32))
    };
    before & TRAP_FLAG != 0
}

const ARCH_GET_FS: c_int = 0x1003;
const ARCH_GET_GS: c_int = 0x1004;

/// Where a segment of this thread begins; 0 where the kernel does not say.
fn segment(which: c_int) -> u64 {
    let mut base = 0u64;
    // SAFETY: both calls write one word to the place that the pointer names, and nothing where they fail.
    unsafe { libc::syscall(libc::SYS_arch_prctl, which, &raw mut base) };
    base
}

/// What stood for `SIGTRAP` before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Installs the handler once; it stays, because a thread that panics inside a region is stepped until its tape is full.
fn install() -> std::io::Result<()> {
    static INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut installed = lock(&INSTALLED);
    if !*installed {
        MASKS_AT.store(std::arch::x86_64::__cpuid_count(0xd, 5).ebx as usize, Ordering::Relaxed);
        // SAFETY: all zero bytes are a valid action: the default one, without flags.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_trap as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        // SAFETY: writes the set that it is given.
        unsafe { libc::sigfillset(&raw mut action.sa_mask) };
        let mut before = MaybeUninit::uninit();
        // SAFETY: both pointers are to actions, and the handler does nothing that a handler may not.
        if unsafe { libc::sigaction(libc::SIGTRAP, &raw const action, before.as_mut_ptr()) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so it has written the whole action.
        let _ = BEFORE.set(unsafe { before.assume_init() });
        *installed = true;
    }
    Ok(())
}

/// What the kernel puts on the stack of a signal handler, as far as it is read here.
#[repr(C)]
struct Frame {
    flags_and_link: [u64; 2],
    stack: [u64; 3],
    registers: [u64; REGISTERS],
    flags: u64,
    selectors_and_fault: [u64; 5],
    floating: *const u8,
}

impl Frame {
    fn rip(&self) -> *const u8 {
        std::ptr::with_exposed_provenance(self.registers[RIP] as usize)
    }
}

/// Runs on the stepped thread between two instructions: takes no lock and does not allocate, since the instructions may
/// be those of the allocator.
extern "C" fn on_trap(signal: c_int, _: *mut libc::siginfo_t, frame: *mut c_void) {
    // SAFETY: the kernel hands a frame of this layout to a handler with `SA_SIGINFO`, and nobody else knows it.
    let frame = unsafe { &mut *frame.cast::<Frame>() };
    // SAFETY: the pointer is null or `enter` made it from a box; the interrupted code does not touch the tape.
    match unsafe { TAPE.get().as_mut() } {
        // The instruction that has cleared the flag traps a last time.
        Some(_) if frame.flags & TRAP_FLAG == 0 => {}
        Some(tape) => note(tape, frame),
        // A thread that stepped code has started: it inherits the flag and nothing else.
        None if frame.flags & TRAP_FLAG != 0 => frame.flags &= !TRAP_FLAG,
        None => pass_on(signal),
    }
}

fn note(tape: &mut Tape, frame: &mut Frame) {
    let end = match tape.steps.len() {
        STEPS_MOST => Some(End::Full),
        _ if blocks_the_signal(frame) => Some(End::Blocked),
        _ => None,
    };
    if end.is_some() {
        tape.end = end;
        frame.flags &= !TRAP_FLAG;
        return;
    }
    let order = ORDER.fetch_add(1, Ordering::Relaxed);
    tape.steps.push(Step { order, registers: frame.registers, mask: mask(frame) });
}

/// Leaves a trap that is none of ours to whoever had the signal before.
fn pass_on(signal: c_int) {
    let before = BEFORE.get().map_or(null(), std::ptr::from_ref);
    // SAFETY: the action is the one that the kernel handed out for this signal.
    unsafe { libc::sigaction(signal, before, null_mut()) };
    // SAFETY: may be called in a handler; the signal comes once this handler has returned.
    unsafe { libc::raise(signal) };
}

/// Places of registers in the kernel's order.
const R10: usize = 2;
const RAX: usize = 13;
const RDI: usize = 8;
const RSI: usize = 9;

/// Whether the instruction to come asks the kernel to hold back `SIGTRAP`: the next step would then end the process.
fn blocks_the_signal(frame: &Frame) -> bool {
    let code = frame.rip();
    // SAFETY: the CPU is about to run the byte, so it can be read.
    let is_call = unsafe { code.read() } == 0x0f && {
        // SAFETY: no instruction is `0f` alone, so a second byte follows.
        let second = unsafe { code.add(1) };
        // SAFETY: as above.
        unsafe { second.read() == 0x05 }
    };
    let adds = frame.registers[RDI] != libc::SIG_UNBLOCK as u64;
    let sets_mask = is_call && frame.registers[RAX] == libc::SYS_rt_sigprocmask as u64 && adds;
    let wanted = || wanted_signals(frame.registers[RSI], frame.registers[R10]);
    sets_mask && wanted().is_some_and(|signals| signals & 1 << (libc::SIGTRAP - 1) != 0)
}

/// First byte of an instruction with a mask register; where in it that register's number stands.
const EVEX: u8 = 0x62;
const EVEX_MASK_BYTE: usize = 3;

/// The mask register that the instruction to come names; all ones where it names none.
fn mask(frame: &Frame) -> u64 {
    let code = frame.rip();
    // SAFETY: the CPU is about to run the byte, so it can be read.
    if unsafe { code.read() } != EVEX {
        return u64::MAX;
    }
    // SAFETY: an instruction that begins so is at least six bytes long.
    let byte = unsafe { code.add(EVEX_MASK_BYTE) };
    // SAFETY: as above.
    match unsafe { byte.read() } & 7 {
        0 => u64::MAX,
        number => saved_mask(frame.floating, usize::from(number)),
    }
}

/// Where the mask registers stand in extended state, as the CPU says; set before the first step and never again, so that
/// Relaxed loads see it.
static MASKS_AT: AtomicUsize = AtomicUsize::new(0);

/// Where extended state says which of its parts are saved, and the bit of the mask registers.
const SAVED_PARTS: usize = 512;
const MASKS: u64 = 1 << 5;

/// A mask register in the extended state of a signal frame: zero where the CPU had it so and did not save it.
fn saved_mask(floating: *const u8, number: usize) -> u64 {
    let word = |offset: usize| {
        // SAFETY: a CPU with mask registers saves its state in the extended layout, which holds this offset.
        let word = unsafe { floating.add(offset) };
        // SAFETY: as above.
        unsafe { word.cast::<u64>().read_unaligned() }
    };
    let offset = MASKS_AT.load(Ordering::Relaxed);
    if word(SAVED_PARTS) & MASKS == 0 { 0 } else { word(offset + 8 * number) }
}
