//! The kernel's own tracepoint at the entry of system calls, counted for one thread. It needs sight of the kernel, and
//! the tracepoint's number, which the kernel tells root alone. It does not say which calls they were.

use super::calls::Calls;
use super::ledger::Watch;
use crate::counter::perf_event::errno;
use crate::unavailable::{Reason, Unavailable};
use perf_event::events::Tracepoint;
use perf_event::{Builder, Counter, ReadFormat};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the kernel's tracepoints are listed.
const LISTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Counts the calling thread's calls at the tracepoint that the kernel names.
///
/// # Errors
/// Where the number cannot be read, or this user may not count the kernel.
pub fn watch(calls: &'static Calls) -> Result<Box<dyn Watch>, Unavailable> {
    numbered(number()?, calls)
}

/// The number of `raw_syscalls:sys_enter`.
///
/// # Errors
/// Where the list is kept from this user, or is not there.
pub fn number() -> Result<u64, Unavailable> {
    let path = |list: &str| format!("{list}/events/raw_syscalls/sys_enter/id");
    let told = LISTS.iter().find_map(|list| std::fs::read_to_string(path(list)).ok());
    told.and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
        let detail = "the number of the tracepoint raw_syscalls:sys_enter cannot be read; as root: mount -t tracefs \
                      tracefs /sys/kernel/tracing";
        Unavailable::new(Reason::NoPrivilege, detail)
    })
}

/// Counts the calling thread's calls at the tracepoint of this number.
///
/// # Errors
/// What the kernel refused.
pub fn numbered(number: u64, calls: &'static Calls) -> Result<Box<dyn Watch>, Unavailable> {
    let counter = open(number, false)?;
    Ok(Box::new(Entry { counter, before: AtomicU64::new(0), calls }))
}

/// The same as an unprivileged user can open it: without sight of the kernel, in which every call is made. It stays at
/// zero for ever, which a canary shows.
///
/// # Errors
/// What the kernel refused.
pub fn blind(calls: &'static Calls) -> Result<Box<dyn Watch>, Unavailable> {
    let number = number().unwrap_or(GUESSED);
    Ok(Box::new(Entry { counter: open(number, true)?, before: AtomicU64::new(0), calls }))
}

/// What the number is on the kernel that this was written on; another kernel opens another tracepoint by it.
const GUESSED: u64 = 443;

fn open(number: u64, exclude_kernel: bool) -> Result<Counter, Unavailable> {
    let mut builder = Builder::new(Tracepoint::with_id(number));
    builder.observe_self().any_cpu().exclude_kernel(exclude_kernel).exclude_hv(true);
    builder.read_format(ReadFormat::empty());
    let counter = builder.build().map_err(|error| errno::explain(&error))?;
    let mut counter = counter;
    counter.enable().map_err(|error| errno::explain(&error))?;
    Ok(counter)
}

/// The tracepoint's counter on one thread.
struct Entry {
    counter: Counter,
    before: AtomicU64,
    calls: &'static Calls,
}

impl Entry {
    /// The count so far, with the very call that reads it.
    fn read(&self) -> rustix::io::Result<u64> {
        // SAFETY: the counter owns the descriptor and outlives this borrow of it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(self.counter.as_raw_fd()) };
        let mut value = [0; 8];
        rustix::io::read(descriptor, &mut value)?;
        Ok(u64::from_ne_bytes(value))
    }
}

// Relaxed: one thread alone begins and ends its watch.
impl Watch for Entry {
    fn begin(&self) -> Result<(), Unavailable> {
        let before = self.read().map_err(|error| errno::explain(&error.into()))?;
        self.before.store(before, Ordering::Relaxed);
        Ok(())
    }

    /// Takes away the one call that ends the region. A counter that saw not even that is left at zero for the canary.
    fn end(&self) {
        let before = self.before.load(Ordering::Relaxed);
        match self.read() {
            Ok(after) => self.calls.note_nameless((after - before).saturating_sub(1)),
            Err(_) => self.calls.give_up(),
        }
    }
}
