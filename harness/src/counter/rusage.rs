//! What the operating system accounts to this process: page faults and context switches of all its threads. Needs no
//! privilege; a forked follower's are in it only after it has ended, so they are not counted.

use super::canary::{self, Canary};
use super::{Counter, Event, Group, Reading, Selection, Source};
use crate::unavailable::{Reason, Unavailable};
use std::io;
use std::sync::LazyLock;

static EVENTS: [Event; 4] = [
    Event { name: "minor_faults", about: "page faults served without reading a disk" },
    Event { name: "major_faults", about: "page faults that had to read a disk" },
    Event { name: "voluntary_context_switches", about: "times a thread gave up its CPU to wait" },
    Event { name: "involuntary_context_switches", about: "times a thread's CPU was taken away" },
];

/// `getrusage` over the process.
#[derive(Debug)]
pub struct Rusage;

impl Source for Rusage {
    fn name(&self) -> &'static str {
        "getrusage"
    }

    fn group(&self) -> Group {
        Group::Os
    }

    fn events(&self) -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        match usage(libc::RUSAGE_SELF) {
            Ok(before) => {
                LazyLock::force(&BELIEVED);
                Ok(Box::new(Region { before: counts(&before), believed: &BELIEVED }))
            }
            Err(error) => Err(Unavailable::new(Reason::Unsupported, format!("getrusage failed: {error}"))),
        }
    }
}

/// Whether zeros are believed: of page faults once first writes to fresh pages have shown, of context switches once
/// sleeps have. The rare kind of each is accounted at the same place in the kernel as the common one.
type Belief = [Result<(), Unavailable>; 2];

/// What canaries of this process have shown.
static BELIEVED: LazyLock<Belief> = LazyLock::new(|| [shown(&canary::PAGES, 0), shown(&canary::SLEEPS, 2)]);

fn shown(canary: &Canary, event: usize) -> Result<(), Unavailable> {
    let before = read()[event];
    let planted = canary.plant();
    canary::believed(canary, planted, (read()[event] - before) as f64)
}

/// A region: what had been counted when it began.
struct Region {
    before: [u64; EVENTS.len()],
    believed: &'static LazyLock<Belief>,
}

impl Region {
    fn reading(&self, event: usize, count: u64) -> Reading {
        let name = EVENTS[event].name;
        match &self.believed[event / 2] {
            Err(blind) if count == 0 => Reading::absent(name, blind.clone()),
            _ => Reading::software(name, count),
        }
    }
}

impl Counter for Region {
    fn start(&mut self) {
        self.before = read();
    }

    fn stop(&mut self, _ops: u64) -> Vec<Reading> {
        let after = read();
        (0..EVENTS.len()).map(|event| self.reading(event, after[event] - self.before[event])).collect()
    }
}

fn read() -> [u64; EVENTS.len()] {
    counts(&usage(libc::RUSAGE_SELF).expect("getrusage answered when the source was opened"))
}

fn counts(usage: &libc::rusage) -> [u64; EVENTS.len()] {
    [usage.ru_minflt, usage.ru_majflt, usage.ru_nvcsw, usage.ru_nivcsw].map(|count| count as u64)
}

/// What the kernel accounts to `whom`: `RUSAGE_SELF`, `RUSAGE_THREAD`.
///
/// # Errors
/// What the kernel says.
#[cfg(not(miri))]
pub(crate) fn usage(whom: libc::c_int) -> io::Result<libc::rusage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to a place large enough for the one structure that the call writes.
    let status = unsafe { libc::getrusage(whom, usage.as_mut_ptr()) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call returned success, so it has written the whole structure.
    Ok(unsafe { usage.assume_init() })
}

/// Miri has no such call.
#[cfg(miri)]
pub(crate) fn usage(_whom: libc::c_int) -> io::Result<libc::rusage> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

    const PAGES: usize = 64;
    const PAGE_BYTES: usize = 4096;

    /// Maps fresh memory and writes a byte to each page: at least one fault a page, or one for all on a huge page.
    fn touch_fresh_pages() {
        let (bytes, flags) = (PAGES * PAGE_BYTES, MapFlags::PRIVATE);
        // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
        let map =
            unsafe { mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags) };
        let map = map.expect("a quarter of a megabyte can be mapped");
        for page in 0..PAGES {
            // SAFETY: the page lies within the mapping.
            let byte = unsafe { map.cast::<u8>().add(page * PAGE_BYTES) };
            // SAFETY: the mapping is writable and nobody else knows it.
            unsafe { byte.write_volatile(1) };
        }
        // SAFETY: the mapping was made with this length, and nothing refers to it any more.
        unsafe { munmap(map, bytes) }.expect("the mapping is ours");
    }

    #[test]
    fn this_kernels_zeros_have_been_seen_to_move() {
        assert_eq!(*BELIEVED, [Ok(()), Ok(())]);
    }

    #[test]
    fn a_zero_of_what_no_canary_moved_is_no_count_and_more_than_zero_is() {
        static BLIND: LazyLock<Belief> = LazyLock::new(|| {
            [canary::believed(&canary::PAGES, 16, 0.0), canary::believed(&canary::SLEEPS, 3, 3.0)]
        });
        let region = Region { before: [0; EVENTS.len()], believed: &BLIND };
        let value = |event, count| region.reading(event, count).value;
        assert!(value(0, 0).unwrap_err().detail.contains("saw 0 of 16 planted first writes"));
        assert!(value(1, 0).is_err());
        assert_eq!([value(0, 7), value(2, 0), value(3, 0)], [Ok(7.0), Ok(0.0), Ok(0.0)]);
    }

    #[test]
    fn fresh_pages_move_the_fault_count() {
        let mut region = Rusage.open(&Selection::all()).expect("getrusage is everywhere");
        region.start();
        touch_fresh_pages();
        let faults = region.stop(1).swap_remove(0);
        assert_eq!(faults.name, "minor_faults");
        assert!(faults.value.is_ok_and(|count| count >= 1.0));
    }
}
