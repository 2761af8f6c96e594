//! The kernel's page of one event in memory, and the registers of the PMU as user mode reads them: `rdpmc` on x86, the
//! PMU's system registers on Arm. In which order they are read is `user_read`'s affair.

use super::user_read::{Fields, Page};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, compiler_fence};

/// Where the kernel's `perf_event_mmap_page` has its fields, bytes from its start.
mod at {
    pub const LOCK: usize = 8;
    pub const INDEX: usize = 12;
    pub const OFFSET: usize = 16;
    pub const TIME_ENABLED: usize = 24;
    pub const TIME_RUNNING: usize = 32;
    pub const CAPABILITIES: usize = 40;
    pub const PMC_WIDTH: usize = 48;
    pub const TIME_SHIFT: usize = 50;
    pub const TIME_MULT: usize = 52;
    pub const TIME_OFFSET: usize = 56;
    pub const TIME_CYCLES: usize = 80;
    pub const TIME_MASK: usize = 88;
}

/// Bits of the capabilities.
const MAY_READ: u64 = 1 << 2;
const MAY_TIME: u64 = 1 << 3;
const SHORT_TIME: u64 = 1 << 5;

/// The page of one event, as long as it is mapped.
#[derive(Debug)]
pub struct Mapped {
    page: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to the process, is only read, and is the kernel's to write at any time.
unsafe impl Send for Mapped {}
// SAFETY: as above; every read is volatile.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps the page of an event.
    ///
    /// # Errors
    /// The kernel's refusal, for want of locked memory as a rule.
    pub fn of(event: &impl AsRawFd) -> io::Result<Self> {
        let length = rustix::param::page_size();
        // SAFETY: the event owns the descriptor and outlives this borrow of it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) };
        let (access, flags) = (ProtFlags::READ, MapFlags::SHARED);
        // SAFETY: asks for a mapping at an address of the kernel's choice.
        let page = unsafe { mmap(std::ptr::null_mut(), length, access, flags, descriptor, 0) }?;
        let page = NonNull::new(page.cast()).expect("a mapping is not at address zero");
        Ok(Self { page, length })
    }

    fn field<T: Copy>(&self, offset: usize) -> T {
        // SAFETY: every offset in `at` lies within the page.
        let field = unsafe { self.page.add(offset) };
        // SAFETY: the field is aligned as the kernel's structure aligns it, and any bits are a number.
        unsafe { field.cast::<T>().read_volatile() }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and nothing points into it.
        let unmapped = unsafe { munmap(self.page.as_ptr().cast(), self.length) };
        debug_assert!(unmapped.is_ok());
    }
}

impl Page for Mapped {
    /// The kernel writes the page of a running thread on that thread's own CPU, so it is the compiler alone that must keep
    /// the order.
    fn sequence(&self) -> u32 {
        compiler_fence(Ordering::SeqCst);
        let sequence = self.field(at::LOCK);
        compiler_fence(Ordering::SeqCst);
        sequence
    }

    fn fields(&self) -> Fields {
        let capabilities: u64 = self.field(at::CAPABILITIES);
        Fields {
            may_read: capabilities & MAY_READ != 0,
            may_time: capabilities & MAY_TIME != 0,
            short_time: capabilities & SHORT_TIME != 0,
            index: self.field(at::INDEX),
            offset: self.field(at::OFFSET),
            width_bits: self.field(at::PMC_WIDTH),
            enabled_ns: self.field(at::TIME_ENABLED),
            running_ns: self.field(at::TIME_RUNNING),
            time_shift: self.field(at::TIME_SHIFT),
            time_mult: self.field(at::TIME_MULT),
            time_offset: self.field(at::TIME_OFFSET),
            time_cycles: self.field(at::TIME_CYCLES),
            time_mask: self.field(at::TIME_MASK),
        }
    }

    fn counter(&self, number: u32) -> u64 {
        register(number)
    }

    fn ticks(&self) -> u64 {
        ticks()
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn register(number: u32) -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: the page has just said that user mode may read this register; if it may not any more, the kernel says so
    // by a signal, never by a wrong value.
    unsafe {
        std::arch::asm!("lfence", "rdpmc", in("ecx") number, out("rax") low, out("rdx") high, options(nostack, preserves_flags));
    }
    low | high << 32
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn ticks() -> u64 {
    // SAFETY: every x86-64 CPU has the time stamp counter.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// The register of the cycle counter has a name of its own; the page calls it number 31.
#[cfg(all(target_arch = "aarch64", not(miri)))]
fn register(number: u32) -> u64 {
    macro_rules! numbered {
        ($($number:literal)*) => {
            match number {
                $($number => system_register!(concat!("pmevcntr", $number, "_el0")),)*
                _ => system_register!("pmccntr_el0"),
            }
        };
    }
    numbered!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30)
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
fn ticks() -> u64 {
    system_register!("cntvct_el0")
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
macro_rules! system_register {
    ($name:expr) => {{
        let value: u64;
        // SAFETY: the kernel's page has just said that user mode may read the register, and reading changes nothing.
        unsafe {
            std::arch::asm!("isb", concat!("mrs {0}, ", $name), out(reg) value, options(nostack, preserves_flags));
        }
        value
    }};
}
#[cfg(all(target_arch = "aarch64", not(miri)))]
use system_register;

/// No page says that there is a register to read here.
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn register(_number: u32) -> u64 {
    0
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn ticks() -> u64 {
    0
}
