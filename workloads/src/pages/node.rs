//! Which memory node a thread runs on, which one a page lies on, and binding a range to one. The ranges may be private or
//! shared; whose they are is the caller's affair.

use perfbench_harness::{Reason, Unavailable};
use std::ffi::{c_long, c_uint, c_ulong};
use std::io::Error;
use std::ptr::{NonNull, null, null_mut};

/// Nodes that a mask can name.
const NODES_MAX: usize = 1024;

const WORD_BITS: usize = c_ulong::BITS as usize;

/// From the kernel's uapi: allocate on these nodes only; move what already lies elsewhere.
const MPOL_BIND: c_long = 2;
const MPOL_MF_MOVE: c_long = 2;

/// From the kernel's uapi: the node of the page at an address.
const MPOL_F_NODE: c_long = 1;
const MPOL_F_ADDR: c_long = 2;

/// Memory nodes that are online; one where the kernel does not say.
pub fn count() -> usize {
    let online = std::fs::read_to_string("/sys/devices/system/node/online").ok();
    online.and_then(|list| length_of_list(list.trim())).unwrap_or(1)
}

/// How many numbers a list such as `0-3,8` has.
fn length_of_list(list: &str) -> Option<usize> {
    list.split(',').map(length_of_range).sum()
}

fn length_of_range(range: &str) -> Option<usize> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    Some(last.checked_sub(first)? + 1)
}

/// The node of the CPU that the calling thread runs on just now.
///
/// # Errors
/// [`Reason::NoNuma`] where the kernel has no such call.
pub fn of_this_thread() -> Result<u32, Unavailable> {
    let (mut cpu, mut node): (c_uint, c_uint) = (0, 0);
    // SAFETY: the kernel writes one number through each of the two pointers, which are valid for that.
    let status = unsafe { libc::syscall(libc::SYS_getcpu, &raw mut cpu, &raw mut node, null::<u8>()) };
    answered("getcpu", status).map(|()| node)
}

/// The node on which the page at `place` lies; it is faulted in where it is not there.
///
/// # Errors
/// [`Reason::NoNuma`] where the kernel knows of no nodes, [`Reason::NoPrivilege`] where it tells nobody.
pub fn of_page(place: NonNull<u8>) -> Result<u32, Unavailable> {
    let mut node: c_uint = 0;
    let (mask, bits, address) = (null_mut::<c_ulong>(), 0 as c_ulong, place.as_ptr());
    // SAFETY: the kernel writes one number through the first pointer and only asks where the address lies.
    let status = unsafe {
        libc::syscall(libc::SYS_get_mempolicy, &raw mut node, mask, bits, address, MPOL_F_NODE | MPOL_F_ADDR)
    };
    answered("get_mempolicy", status).map(|()| node)
}

/// Lets the pages from `start`, which is aligned to one, come from `node` only; those that are there already move.
///
/// # Errors
/// [`Reason::NoNuma`] where there is no such node, [`Reason::NoPrivilege`] where the user may not bind.
pub fn bind(start: NonNull<u8>, len_bytes: usize, node: u32) -> Result<(), Unavailable> {
    let node = node as usize;
    if node >= NODES_MAX {
        return Err(Unavailable::new(Reason::NoNuma, format!("there is no memory node {node}")));
    }
    let mut mask: [c_ulong; NODES_MAX / WORD_BITS] = [0; NODES_MAX / WORD_BITS];
    mask[node / WORD_BITS] |= 1 << (node % WORD_BITS);
    let (bits, address) = (NODES_MAX as c_ulong + 1, start.as_ptr());
    // SAFETY: the mask has the bits that the call is told, and where pages lie does not change what is in them.
    let status = unsafe {
        libc::syscall(libc::SYS_mbind, address, len_bytes, MPOL_BIND, mask.as_ptr(), bits, MPOL_MF_MOVE)
    };
    answered("mbind", status)
}

/// Binds a range to the node of the calling thread, and says which that is.
///
/// # Errors
/// [`Reason::NoNuma`] where there is only one node, so that there is nothing to choose; else as [`bind`].
pub fn bind_to_this_thread(start: NonNull<u8>, len_bytes: usize) -> Result<u32, Unavailable> {
    if count() < 2 {
        return Err(Unavailable::new(Reason::NoNuma, "one memory node: every page lies on it"));
    }
    let node = of_this_thread()?;
    bind(start, len_bytes, node).map(|()| node)
}

/// The answer of a region that nobody asked to bind.
pub fn not_asked() -> Result<u32, Unavailable> {
    Err(Unavailable::new(Reason::NotSelected, "no node was asked for"))
}

fn answered(call: &str, status: c_long) -> Result<(), Unavailable> {
    if status == 0 {
        return Ok(());
    }
    let error = Error::last_os_error();
    let refused = matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES));
    let reason = if refused { Reason::NoPrivilege } else { Reason::NoNuma };
    Err(Unavailable::new(reason, format!("{call}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lists_of_nodes_are_counted() {
        let lists = ["0", "0-1", "0-3,8", "0,2,4-5"];
        assert_eq!(lists.map(length_of_list), [1, 2, 5, 4].map(Some));
        assert_eq!(["", "a", "3-1", "0-"].map(length_of_list), [None; 4]);
    }

    #[test]
    fn pages_node_out_of_range_is_refused() {
        let bound = bind(NonNull::dangling(), 4096, NODES_MAX as u32);
        assert_eq!(bound.unwrap_err().reason, Reason::NoNuma);
    }
}
