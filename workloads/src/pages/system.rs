//! The system calls that make, advise, fault in, give back and unmap a region. Which of them are tried is decided above.

use super::{HUGE_BYTES, Region};
use perfbench_harness::{Reason, Unavailable};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

/// A region of huge pages that the administrator set aside.
pub fn map_reserved(len_bytes: usize) -> Result<Region, Unavailable> {
    let flags = MapFlags::PRIVATE | MapFlags::HUGETLB | MapFlags::HUGE_2MB;
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
    let start = unsafe { mmap_anonymous(null_mut(), len_bytes, protection, flags) };
    let start = start.map_err(|error| {
        let detail =
            format!("no huge pages are set aside for {len_bytes} bytes (mmap: {error}); see vm.nr_hugepages");
        Unavailable::new(Reason::NoHugePages, detail)
    })?;
    let whole = NonNull::new(start.cast()).expect("a mapping is never at zero");
    Ok(Region { start: whole, len_bytes, whole, whole_bytes: len_bytes })
}

/// A region of pages that come when they are touched, between stretches that fault.
pub fn map_guarded(len_bytes: usize) -> Result<Region, Unavailable> {
    let whole_bytes = len_bytes + 2 * HUGE_BYTES;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
    let whole = unsafe { mmap_anonymous(null_mut(), whole_bytes, ProtFlags::empty(), flags) };
    let whole: NonNull<u8> =
        NonNull::new(whole.map_err(refused("mmap"))?.cast()).expect("a mapping is never at zero");
    let guard_bytes = HUGE_BYTES - whole.addr().get() % HUGE_BYTES;
    // SAFETY: a guard is at most one huge page long, and the mapping is longer by two.
    let start = unsafe { whole.add(guard_bytes) };
    let region = Region { start, len_bytes, whole, whole_bytes };
    let writable = MprotectFlags::READ | MprotectFlags::WRITE;
    // SAFETY: the range lies inside the mapping just made, to which nobody else has a pointer.
    let protected = unsafe { mprotect(address(region), len_bytes, writable) };
    protected.map_err(|error| {
        unmap(region);
        refused("mprotect")(error)
    })?;
    Ok(region)
}

/// Asks for transparent huge pages in a region, or for none.
pub fn advise(region: Region, huge: bool) -> Result<(), Unavailable> {
    let advice = if huge { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
    // SAFETY: the range is a whole mapping of ours, and the advice does not change what is in it.
    let advised = unsafe { madvise(address(region), region.len_bytes, advice) };
    advised.map_err(|error| {
        Unavailable::new(Reason::NoHugePages, format!("the kernel takes no advice on huge pages: {error}"))
    })
}

/// Faults every page of a region in, for writing.
pub fn populate(region: Region) -> Result<(), Unavailable> {
    // SAFETY: the range is a whole mapping of ours, and populating it does not change what is in it.
    let populated = unsafe { madvise(address(region), region.len_bytes, Advice::LinuxPopulateWrite) };
    populated.map_err(refused("madvise(MADV_POPULATE_WRITE)"))
}

/// Gives the pages of a region back.
pub fn discard(region: Region) -> Result<(), Unavailable> {
    // SAFETY: the range is a whole private mapping, and its owner, who alone may use it, asks for zeros.
    let discarded = unsafe { madvise(address(region), region.len_bytes, Advice::LinuxDontNeed) };
    discarded.map_err(refused("madvise(MADV_DONTNEED)"))
}

/// Unmaps a region and its guards.
pub fn unmap(region: Region) {
    // SAFETY: mapped with this length above; whoever holds a pointer into it also holds its owner.
    let unmapped = unsafe { munmap(region.whole.as_ptr().cast(), region.whole_bytes) };
    debug_assert!(unmapped.is_ok(), "a whole mapping can always be unmapped");
}

fn address(region: Region) -> *mut c_void {
    region.start.as_ptr().cast()
}

fn refused(call: &'static str) -> impl Fn(Errno) -> Unavailable {
    move |error| Unavailable::new(Reason::Unsupported, format!("{call}: {error}"))
}
