//! Seccomp notification: a filter holds every call of a thread until an observer has counted it and lets the kernel go on
//! with it. Works on every architecture and without privilege. A filter cannot be taken off again, and each call costs
//! two changes of thread, so this counts in a process of its own.

use super::calls::Calls;
use super::ledger::Watch;
use crate::counter::canary;
use crate::unavailable::{Reason, Unavailable};
use libc::{c_int, c_long, pollfd, seccomp_notif, seccomp_notif_resp, sock_filter, sock_fprog};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::cell::Cell;
use std::io;
use std::ptr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};

/// Threads that can be watched in one process.
const THREADS: usize = 64;

/// How long the observer waits before it looks for filters that have joined meanwhile, ms.
const PATIENCE_MS: c_int = 1;

/// Descriptors from which the observer learns of held calls, one a filter.
static LISTENERS: [AtomicI32; THREADS] = [const { AtomicI32::new(FREE) }; THREADS];
const FREE: c_int = -1;
const TAKEN: c_int = -2;

/// Where the calls of each thread are counted while it is in a region.
static SEATS: [Seat; THREADS] =
    [const { Seat { thread: AtomicI32::new(0), calls: AtomicPtr::new(ptr::null_mut()) } }; THREADS];

struct Seat {
    thread: AtomicI32,
    calls: AtomicPtr<Calls>,
}

thread_local! {
    /// Whether this thread is under a filter of ours.
    static FILTERED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the kernel can notify, for the choice between the ways. Whether it does is seen when a thread is watched.
///
/// # Errors
/// What it answers.
pub fn supported() -> Result<(), Unavailable> {
    let action = libc::SECCOMP_RET_USER_NOTIF;
    let asked = seccomp(libc::SECCOMP_GET_ACTION_AVAIL, 0, (&raw const action).cast_mut().cast());
    asked.map(drop).map_err(|error| refused(&error))
}

/// Counts the calling thread's calls; it is under a filter from here on. Each thread shows that its calls are seen: a
/// filter that it has from the thread that started it may be ours or a stranger's.
///
/// # Errors
/// What the kernel refused: another listener above this process, or an old kernel.
pub fn watch(calls: &'static Calls) -> Result<Box<dyn Watch>, Unavailable> {
    supported()?;
    LazyLock::force(&OBSERVER);
    let refusal = if FILTERED.get() { Ok(()) } else { listen() };
    let watch = Held { seat: seat()?, calls };
    watch.begin()?;
    let planted = canary::CALLS.plant();
    watch.end();
    canary::believed(&canary::CALLS, planted, calls.total() as f64)
        .map_err(|blind| refusal.err().unwrap_or(blind))?;
    FILTERED.set(true);
    calls.clear();
    Ok(Box::new(watch))
}

struct Held {
    seat: &'static Seat,
    calls: &'static Calls,
}

// Relaxed: the observer looks at a seat while it holds a call of the very thread that writes it.
impl Watch for Held {
    fn begin(&self) -> Result<(), Unavailable> {
        self.seat.calls.store(ptr::from_ref(self.calls).cast_mut(), Ordering::Relaxed);
        Ok(())
    }

    fn end(&self) {
        self.seat.calls.store(ptr::null_mut(), Ordering::Relaxed);
    }
}

/// The calling thread's seat.
fn seat() -> Result<&'static Seat, Unavailable> {
    let here = rustix::thread::gettid().as_raw_nonzero().get();
    let mine = SEATS.iter().find(|seat| seat.thread.load(Ordering::Relaxed) == here);
    mine.or_else(|| SEATS.iter().find(|seat| claims(&seat.thread, 0, here))).ok_or_else(full)
}

fn claims(word: &AtomicI32, free: i32, taken: i32) -> bool {
    word.compare_exchange(free, taken, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

fn full() -> Unavailable {
    Unavailable::new(Reason::Unsupported, format!("more than {THREADS} threads cannot be watched by seccomp"))
}

/// Puts a filter on the calling thread and tells the observer, without a call of the kernel in between.
fn listen() -> Result<(), Unavailable> {
    let place = LISTENERS.iter().find(|place| claims(place, FREE, TAKEN)).ok_or_else(full)?;
    let filter = filter();
    // Nothing comes with the descriptor: the observer may see it late, but not wrong.
    place.store(*filter.as_ref().unwrap_or(&FREE), Ordering::Relaxed);
    filter.map(drop).map_err(|error| refused(&error))
}

/// Every call of this thread is held from here on; the descriptor from which the observer learns of them.
fn filter() -> io::Result<c_int> {
    let hold = sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_USER_NOTIF,
    };
    let mut program = [hold];
    let mut program = sock_fprog { len: 1, filter: program.as_mut_ptr() };
    // SAFETY: promises that this process gains no privilege by execution; takes no pointers.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let patient = flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let program = (&raw mut program).cast();
    // An older kernel knows no patience: a signal that comes while a call is held has it counted twice.
    seccomp(libc::SECCOMP_SET_MODE_FILTER, patient, program).or_else(|_| {
        let listener = seccomp(libc::SECCOMP_SET_MODE_FILTER, flags, program);
        IMPATIENT.fetch_or(listener.is_ok(), Ordering::Relaxed);
        listener
    })
}

/// Whether a filter is in place under which a signal has a held call made, and counted, a second time.
static IMPATIENT: AtomicBool = AtomicBool::new(false);

/// Whether a call that a signal interrupts counts once.
pub fn is_patient() -> bool {
    !IMPATIENT.load(Ordering::Relaxed)
}

fn seccomp(operation: libc::c_uint, flags: libc::c_ulong, argument: *mut libc::c_void) -> io::Result<c_int> {
    if cfg!(miri) {
        return Err(io::Error::from_raw_os_error(libc::ENOSYS));
    }
    // SAFETY: the argument is what this operation reads, and outlives the call.
    let status = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, argument) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(status as c_int) }
}

fn refused(error: &io::Error) -> Unavailable {
    let (reason, remedy) = match error.raw_os_error() {
        Some(libc::EBUSY) => {
            (Reason::InUse, "a filter above this process notifies already; run outside the container")
        }
        Some(libc::EPERM | libc::EACCES) => (Reason::NoPrivilege, "allow seccomp in the container's profile"),
        _ => (Reason::Unsupported, "it takes Linux 5.5 with seccomp filters"),
    };
    Unavailable::new(reason, format!("seccomp notification is refused: {error}; {remedy}"))
}

/// The thread that counts. It is started before the first filter, so that it is under none itself.
static OBSERVER: LazyLock<()> = LazyLock::new(|| drop(std::thread::spawn(observe)));

/// Counts held calls until the process ends. A thread that is held may hold the allocator's lock, so nothing here
/// allocates.
fn observe() {
    run_anywhere();
    loop {
        let mut listeners = LISTENERS.each_ref().map(|place| listener(place.load(Ordering::Relaxed)));
        // SAFETY: the array holds as many entries as are named and outlives the call.
        unsafe { libc::poll(listeners.as_mut_ptr(), THREADS as libc::nfds_t, PATIENCE_MS) };
        for (listener, place) in listeners.iter().zip(&LISTENERS) {
            match listener.revents {
                0 => {}
                readable if readable & libc::POLLIN != 0 => serve(listener.fd),
                // The last thread under this filter has ended.
                _ => forget(place, listener.fd),
            }
        }
    }
}

/// Beside the threads that it watches, not behind them: they are pinned, and wait awake for each other.
fn run_anywhere() {
    let mut all = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
    // Where the kernel says no, it takes longer and counts the same.
    let _ = sched_setaffinity(None, &all);
}

/// What to wait for; the kernel passes over descriptors below zero.
fn listener(descriptor: c_int) -> pollfd {
    pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 }
}

fn forget(place: &AtomicI32, descriptor: c_int) {
    // SAFETY: the descriptor is this module's own, and nobody waits for it any more.
    unsafe { libc::close(descriptor) };
    place.store(FREE, Ordering::Relaxed);
}

/// Counts one held call and lets the kernel go on with it. A call whose thread has been killed meanwhile is none.
fn serve(descriptor: c_int) {
    // SAFETY: the structure is plain numbers, for which zeroes are values; the kernel asks for zeroes.
    let mut held: seccomp_notif = unsafe { std::mem::zeroed() };
    if !control(descriptor, libc::SECCOMP_IOCTL_NOTIF_RECV, (&raw mut held).cast()) {
        return;
    }
    note(held.pid as i32, c_long::from(held.data.nr));
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    let mut go_on = seccomp_notif_resp { id: held.id, val: 0, error: 0, flags };
    control(descriptor, libc::SECCOMP_IOCTL_NOTIF_SEND, (&raw mut go_on).cast());
}

/// Counts a call where its thread is in a region; one that was started there has no seat.
fn note(thread: i32, number: c_long) {
    let seat = SEATS.iter().find(|seat| seat.thread.load(Ordering::Relaxed) == thread);
    let calls = seat.map_or(ptr::null_mut(), |seat| seat.calls.load(Ordering::Relaxed));
    // SAFETY: null, or calls, and those live for ever.
    if let Some(calls) = unsafe { calls.as_ref() } {
        calls.note(number);
    }
}

fn control(descriptor: c_int, request: libc::Ioctl, argument: *mut libc::c_void) -> bool {
    // SAFETY: the argument is the structure that this request reads or writes, and outlives the call.
    unsafe { libc::ioctl(descriptor, request, argument) == 0 }
}
