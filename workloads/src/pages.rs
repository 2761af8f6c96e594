//! Private anonymous memory for pools: aligned to a huge page and on huge pages where they are granted, faulted in before
//! its first use, on the memory node of its thread. What lies in it, and memory that processes share, is elsewhere.

#[cfg(miri)]
mod heap;
pub mod node;
pub mod resident;
#[cfg(not(miri))]
mod system;

#[cfg(miri)]
use heap as system;

use perfbench_harness::Unavailable;
use perfbench_harness::case::Fact;
use std::ptr::NonNull;

/// Bytes of a huge page, to which every region is aligned.
pub const HUGE_BYTES: usize = 2 << 20;

/// Bytes of the page by which fresh memory is touched.
pub const BASE_BYTES: usize = 4096;

/// What a region should be; what of it was refused is told by [`Pages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Huge pages: reserved ones, else transparent ones, else base pages. Where not wished, none are used.
    pub huge: bool,
    /// Every page is there before the region is handed over.
    pub prefault: bool,
    /// Pages come from the node of the calling thread, where the machine has several.
    pub bind: bool,
}

impl Wish {
    /// All of it, as document 002 has it.
    pub const ALL: Self = Self { huge: true, prefault: true, bind: true };
}

/// How the pages of a region are made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of the huge pages that the administrator set aside.
    Reserved,
    /// Huge ones where the kernel finds them: how many it found is told by [`Pages::huge_percent`].
    Advised,
    /// Base pages.
    Base,
}

/// How a region was faulted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefault {
    /// By one system call.
    Populated,
    /// By a write to every page.
    Touched,
    /// Not at all.
    None,
}

/// Where a region lies, and what must be given back for it.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: NonNull<u8>,
    len_bytes: usize,
    whole: NonNull<u8>,
    whole_bytes: usize,
}

/// A zeroed region of this process, unmapped on drop. Behind either end lies memory that nobody may touch, unless its
/// huge pages are reserved ones.
#[derive(Debug)]
pub struct Pages {
    region: Region,
    kind: Kind,
    prefault: Prefault,
    node: Result<u32, Unavailable>,
    refused: Vec<Unavailable>,
}

// SAFETY: a region is plain memory that belongs to the process, not to a thread.
unsafe impl Send for Pages {}
// SAFETY: a shared region only tells where it lies; what is done there is the affair of whoever does it.
unsafe impl Sync for Pages {}

impl Pages {
    /// At least `len_bytes` bytes, all zero, made as `wish` has it as far as the machine grants it.
    ///
    /// # Errors
    /// The kernel refused the memory itself.
    pub fn new(len_bytes: usize, wish: Wish) -> Result<Self, Unavailable> {
        let len_bytes = len_bytes.next_multiple_of(HUGE_BYTES);
        let mut refused = Vec::new();
        let (region, kind) = mapped(len_bytes, wish.huge, &mut refused)?;
        // Owned from here on, so that nothing stays mapped where a later step panics.
        let mut pages = Self { region, kind, prefault: Prefault::None, node: node::not_asked(), refused };
        if wish.bind {
            pages.node = node::bind_to_this_thread(region.start, region.len_bytes);
        }
        if wish.prefault {
            pages.fault_in();
        }
        Ok(pages)
    }

    fn fault_in(&mut self) {
        self.prefault = match system::populate(self.region) {
            Ok(()) => Prefault::Populated,
            Err(why) => {
                self.refused.push(why);
                self.touch_every_page();
                Prefault::Touched
            }
        };
    }

    fn touch_every_page(&self) {
        for at in (0..self.region.len_bytes).step_by(BASE_BYTES) {
            // SAFETY: `at` is below the length of the region.
            let page = unsafe { self.region.start.add(at) };
            // SAFETY: inside the region, to which nobody else has a pointer yet.
            unsafe { page.write_volatile(0) };
        }
    }

    /// Where it starts: aligned to [`HUGE_BYTES`].
    #[inline(always)]
    pub fn start(&self) -> NonNull<u8> {
        self.region.start
    }

    /// Its length, a multiple of [`HUGE_BYTES`].
    pub fn len_bytes(&self) -> usize {
        self.region.len_bytes
    }

    /// How its pages are made up.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How it was faulted in.
    pub fn prefault(&self) -> Prefault {
        self.prefault
    }

    /// The node that it is bound to, or why it is bound to none.
    pub fn node(&self) -> &Result<u32, Unavailable> {
        &self.node
    }

    /// What was wished and refused, before the way that was taken.
    pub fn refused(&self) -> &[Unavailable] {
        &self.refused
    }

    /// Share of the pages that are there now which are huge, as the kernel counts them; none where it does not say.
    pub fn huge_percent(&self) -> Option<f64> {
        let resident = resident::of_region(self.region.start, self.region.len_bytes)?;
        (resident.bytes > 0).then(|| 100.0 * resident.huge_bytes as f64 / resident.bytes as f64)
    }

    /// Gives all pages back to the kernel; the region stays and is zero again.
    ///
    /// # Panics
    /// Where the kernel refuses, which it has no reason to.
    pub fn discard(&mut self) {
        system::discard(self.region).expect("the pages of a private region can always be given back");
    }

    /// What was granted, for a record.
    pub fn facts(&self) -> Vec<Fact> {
        let flag = |name, is: bool| Fact::new(name, "", f64::from(is));
        let huge = self.huge_percent().map(|percent| Fact::new("huge_pages_percent", "%", percent));
        let told = [
            flag("huge_pages_reserved", self.kind == Kind::Reserved),
            flag("huge_pages_advised", self.kind == Kind::Advised),
            flag("prefaulted_by_one_call", self.prefault == Prefault::Populated),
            Fact::new("memory_nodes", "nodes", node::count() as f64),
            flag("bound_to_a_node", self.node.is_ok()),
        ];
        huge.into_iter().chain(told).collect()
    }
}

/// A fresh region by the best way that is granted.
fn mapped(
    len_bytes: usize,
    huge: bool,
    refused: &mut Vec<Unavailable>,
) -> Result<(Region, Kind), Unavailable> {
    if huge {
        match system::map_reserved(len_bytes) {
            Ok(region) => return Ok((region, Kind::Reserved)),
            Err(why) => refused.push(why),
        }
    }
    let region = system::map_guarded(len_bytes)?;
    let kind = match system::advise(region, huge) {
        Ok(()) if huge => Kind::Advised,
        Ok(()) => Kind::Base,
        Err(why) => {
            refused.push(why);
            Kind::Base
        }
    };
    Ok((region, kind))
}

impl Drop for Pages {
    fn drop(&mut self) {
        system::unmap(self.region);
    }
}

#[cfg(test)]
mod tests;
