//! System call user dispatch: while a thread's selector says so, the kernel answers each of its calls with a signal,
//! whose handler counts it and has it made again through the `gate`. Needs no privilege, and nothing of it is left
//! after the region. Threads and processes that are started in a region are not watched: the kernel gives them none of it.

use super::calls::Calls;
use super::gate::{self, MASK_BYTES};
use super::ledger::Watch;
use crate::unavailable::{Reason, Unavailable};
use libc::{c_int, c_long, c_void, siginfo_t, ucontext_t};
use std::cell::Cell;
use std::io;
use std::ptr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// The facility and its switch in `prctl`, as the kernel defines them.
const PR_SET_SYSCALL_USER_DISPATCH: c_int = 59;
const OFF: c_int = 0;
const ON: c_int = 1;

/// The selector's two words, likewise.
const ALLOW: u8 = 0;
const BLOCK: u8 = 1;

/// `si_code` of a signal that this facility sends.
const SYS_USER_DISPATCH: c_int = 2;

const SIGSYS_BIT: u64 = 1 << (libc::SIGSYS - 1);

/// What handler and kernel know of a thread. It lives for ever, because the kernel reads the selector at every call.
struct Desk {
    selector: AtomicU8,
    calls: &'static Calls,
}

thread_local! {
    /// The desk of the thread that is in a region. It has neither a lazy start nor a destructor, so that a signal
    /// handler may read it.
    static DESK: Cell<*const Desk> = const { Cell::new(ptr::null()) };
}

/// Counts the calling thread's calls.
///
/// # Errors
/// Where the kernel has no such facility.
pub fn watch(calls: &'static Calls) -> Result<Box<dyn Watch>, Unavailable> {
    supported()?;
    if let Err(number) = *HANDLER {
        return Err(refused("rt_sigaction", number));
    }
    Ok(Box::new(Dispatched(Box::leak(Box::new(Desk { selector: AtomicU8::new(ALLOW), calls })))))
}

/// Whether this kernel has the facility.
///
/// # Errors
/// What it answers.
pub fn supported() -> Result<(), Unavailable> {
    static KNOWN: LazyLock<Result<(), i32>> = LazyLock::new(|| set(OFF, 0, 0, ptr::null()));
    KNOWN.map_err(|number| refused("PR_SET_SYSCALL_USER_DISPATCH", number))
}

fn refused(call: &str, number: i32) -> Unavailable {
    let detail =
        format!("the kernel refuses {call}: {}; it takes Linux 5.11", io::Error::from_raw_os_error(number));
    Unavailable::new(Reason::Unsupported, detail)
}

struct Dispatched(&'static Desk);

impl Watch for Dispatched {
    fn begin(&self) -> Result<(), Unavailable> {
        unblock_signal();
        DESK.set(self.0);
        let Dispatched(Desk { selector, .. }) = self;
        let set = set(ON, gate::start(), gate::LENGTH_BYTES, selector);
        set.map_err(|number| refused("PR_SET_SYSCALL_USER_DISPATCH", number))?;
        // Read by the kernel on this very thread, as are all others.
        selector.store(BLOCK, Ordering::Relaxed);
        Ok(())
    }

    fn end(&self) {
        self.0.selector.store(ALLOW, Ordering::Relaxed);
        // A kernel that switched it on switches it off.
        let _ = set(OFF, 0, 0, ptr::null());
        DESK.set(ptr::null());
    }
}

/// Switches the facility for this thread; the number of the error where the kernel refuses.
fn set(mode: c_int, start: usize, length_bytes: usize, selector: *const AtomicU8) -> Result<(), i32> {
    if cfg!(miri) {
        return Err(libc::ENOSYS);
    }
    // SAFETY: the selector is null for switching off, and otherwise lives for ever; the call writes nowhere.
    let status =
        unsafe { libc::prctl(PR_SET_SYSCALL_USER_DISPATCH, mode as usize, start, length_bytes, selector) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)) }
}

/// A thread that holds the signal back would be killed by its first call.
fn unblock_signal() {
    let mask = SIGSYS_BIT;
    let arguments = [libc::SIG_UNBLOCK as u64, (&raw const mask).addr() as u64, 0, MASK_BYTES];
    // SAFETY: the call reads a mask that outlives it, and writes none.
    unsafe { gate::call(libc::SYS_rt_sigprocmask, arguments) };
}

/// The handler, installed at first use; the error's number where the kernel refuses it.
static HANDLER: LazyLock<Result<(), i32>> = LazyLock::new(install);

/// The kernel's `struct sigaction`: the C library's would put its own end of a handler in place of ours.
#[repr(C)]
struct Action {
    handler: unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void),
    flags: u64,
    restorer: usize,
    mask: u64,
}

const SA_RESTORER: u64 = 0x0400_0000;

fn install() -> Result<(), i32> {
    let flags = (libc::SA_SIGINFO | libc::SA_NODEFER) as u64 | SA_RESTORER;
    let action = Action { handler: on_call, flags, restorer: gate::restorer(), mask: 0 };
    let arguments = [libc::SIGSYS as u64, (&raw const action).addr() as u64, 0, MASK_BYTES];
    // SAFETY: the call reads an action that outlives it; the handler touches only atomics and its own thread's words.
    match unsafe { gate::call(libc::SYS_rt_sigaction, arguments) } {
        0 => Ok(()),
        status => Err(-status as i32),
    }
}

/// Counts the call that was trapped, and sends the thread to make it through the gate. It calls nothing that could trap.
unsafe extern "C" fn on_call(_: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands a handler of this kind its own thread's state, which nobody else refers to.
    let context = unsafe { &mut *context.cast::<ucontext_t>() };
    // SAFETY: likewise.
    let is_ours = unsafe { (*info).si_code } == SYS_USER_DISPATCH;
    // SAFETY: null, or a desk, and those live for ever.
    let desk = unsafe { DESK.get().as_ref() };
    match desk {
        Some(desk) if is_ours => {
            desk.calls.note(context.uc_mcontext.gregs[libc::REG_RAX as usize]);
            make(desk, context);
        }
        _ => strange_signal(),
    }
}

/// Lets the thread make the call when the handler has returned. A mask that could hold the signal back is set here and
/// now, without that bit.
fn make(desk: &Desk, context: &mut ucontext_t) {
    let registers = &mut context.uc_mcontext.gregs;
    if registers[libc::REG_RAX as usize] == libc::SYS_rt_sigprocmask {
        let [set, size_bytes] = [libc::REG_RSI, libc::REG_R10].map(|name| registers[name as usize] as u64);
        if let Some(wanted) = gate::wanted_signals(set, size_bytes) {
            return set_mask(context, wanted);
        }
    }
    let after = &mut registers[libc::REG_RIP as usize];
    match gate::stub_for(*after as u64) {
        Some(stub) => *after = stub as i64,
        None => {
            desk.calls.give_up();
            desk.selector.store(ALLOW, Ordering::Relaxed);
            *after -= SYSCALL_BYTES;
        }
    }
}

/// Length of the instruction that calls the kernel.
const SYSCALL_BYTES: i64 = 2;

/// The mask that the handler runs under is the thread's own, and the one in `context` returns when the handler does.
fn set_mask(context: &mut ucontext_t, wanted: u64) {
    let register = |name: c_int| context.uc_mcontext.gregs[name as usize] as u64;
    let how = register(libc::REG_RDI);
    let kept = if how == libc::SIG_UNBLOCK as u64 { wanted } else { wanted & !SIGSYS_BIT };
    let arguments = [how, (&raw const kept).addr() as u64, register(libc::REG_RDX), register(libc::REG_R10)];
    // SAFETY: the thread's own call, but for a mask that outlives it.
    context.uc_mcontext.gregs[libc::REG_RAX as usize] = unsafe { masked(arguments) };
    let now = (&raw mut context.uc_sigmask).addr() as u64;
    // SAFETY: writes the mask as it is now over the first bytes of the one in the context, which the kernel uses.
    unsafe { masked([libc::SIG_BLOCK as u64, 0, now, MASK_BYTES]) };
}

/// # Safety
/// As `rt_sigprocmask` with these arguments.
unsafe fn masked(arguments: [u64; 4]) -> i64 {
    const NUMBER: c_long = libc::SYS_rt_sigprocmask;
    // SAFETY: the caller answers for the pointers.
    unsafe { gate::call(NUMBER, arguments) }
}

/// Somebody else's trap: the program ends as it would have without this handler.
fn strange_signal() {
    // SAFETY: ends the process; takes no pointers.
    unsafe { gate::call(libc::SYS_exit_group, [128 + libc::SIGSYS as u64, 0, 0, 0]) };
}
