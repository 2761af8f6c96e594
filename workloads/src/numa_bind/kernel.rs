//! The kernel's calls about memory nodes.

use super::PAGE_BYTES;
use rustix::io::Errno;
use std::ptr::NonNull;

/// Nodes that have memory; node 0 alone where the kernel does not tell.
pub fn nodes_with_memory() -> Vec<u32> {
    let listed = std::fs::read_to_string("/sys/devices/system/node/has_memory").unwrap_or_default();
    let nodes: Vec<u32> = listed.trim().split(',').filter_map(range).flatten().collect();
    if nodes.is_empty() { vec![0] } else { nodes }
}

/// `3` or `0-3`.
fn range(text: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// Pages that are elsewhere are moved, and failing to is an error.
const STRICT_AND_MOVE: libc::c_uint = 1 | 2;

/// Binds whole pages to a node.
///
/// # Errors
/// What the kernel refused: no such node, no such call, a page that cannot be moved.
pub fn bind(start: NonNull<u8>, len_bytes: usize, node: u32) -> Result<(), Errno> {
    let mask: libc::c_ulong = 1u64.checked_shl(node).ok_or(Errno::INVAL)?;
    let bits = libc::c_ulong::from(u64::BITS + 1);
    // SAFETY: the mask outlives the call, which writes no memory of ours.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mbind,
            start.as_ptr(),
            len_bytes,
            libc::MPOL_BIND,
            &raw const mask,
            bits,
            STRICT_AND_MOVE,
        )
    };
    told(answer)
}

/// The node of each of `count` pages; none for one that is not there.
///
/// # Errors
/// What the kernel refused.
pub fn nodes_of_pages(start: NonNull<u8>, count: usize) -> Result<Vec<Option<u32>>, Errno> {
    let pages: Vec<*mut u8> = (0..count).map(|page| start.as_ptr().wrapping_add(page * PAGE_BYTES)).collect();
    let mut nodes = vec![-1i32; count];
    let nowhere: *const libc::c_int = std::ptr::null();
    // SAFETY: without target nodes the call only writes `count` numbers to the last array, which is that long.
    let answer = unsafe {
        libc::syscall(libc::SYS_move_pages, 0, count, pages.as_ptr(), nowhere, nodes.as_mut_ptr(), 0)
    };
    told(answer).map(|()| nodes.into_iter().map(|node| u32::try_from(node).ok()).collect())
}

fn told(answer: libc::c_long) -> Result<(), Errno> {
    if answer == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
