//! How much of a region, of the process and of the machine's memory is there, read from the kernel's own counts.

use std::fs::read_to_string;
use std::ops::Range;
use std::ptr::NonNull;

/// Memory of a region that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resident {
    /// All of it.
    pub bytes: u64,
    /// On huge pages.
    pub huge_bytes: u64,
}

/// What is there of a region; none where the kernel does not tell.
pub fn of_region(start: NonNull<u8>, len_bytes: usize) -> Option<Resident> {
    let first = start.addr().get() as u64;
    Some(within(&read_to_string("/proc/self/smaps").ok()?, first..first + len_bytes as u64))
}

/// Sums the counts of every mapping of an `smaps` file that lies in a range.
fn within(smaps: &str, range: Range<u64>) -> Resident {
    let (mut resident, mut inside) = (Resident::default(), false);
    for line in smaps.lines() {
        if let Some(mapping) = addresses(line) {
            inside = mapping.start >= range.start && mapping.end <= range.end;
        } else if inside && let Some((key, bytes)) = size_of_field(line) {
            match key {
                "Rss" => resident.bytes += bytes,
                "AnonHugePages" => resident.huge_bytes += bytes,
                // Reserved huge pages are not part of the resident set.
                "Private_Hugetlb" => {
                    resident.bytes += bytes;
                    resident.huge_bytes += bytes;
                }
                _ => {}
            }
        }
    }
    resident
}

/// The addresses of a mapping's first line.
fn addresses(line: &str) -> Option<Range<u64>> {
    let (first, end) = line.split_whitespace().next()?.split_once('-')?;
    Some(u64::from_str_radix(first, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
}

/// Name and bytes of a line such as `Rss:  4 kB`.
fn size_of_field(line: &str) -> Option<(&str, u64)> {
    let (key, rest) = line.split_once(':')?;
    let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((key, kibibytes * 1024))
}

/// Memory of this process that is there; none where the kernel does not tell.
pub fn of_process() -> Option<u64> {
    let statm = read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Memory that new work can have without swapping; none where the kernel does not tell.
pub fn available() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    text.lines().filter_map(size_of_field).find(|(key, _)| *key == "MemAvailable").map(|(_, bytes)| bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
7f0000000000-7f0000200000 ---p 00000000 00:00 0
Rss:                   4 kB
7f0000200000-7f0000600000 rw-p 00000000 00:00 0
Size:               4096 kB
Rss:                3072 kB
AnonHugePages:      2048 kB
Private_Hugetlb:       0 kB
VmFlags: rd wr mr mw me ac sd hg
7f0000600000-7f0000800000 rw-p 00000000 00:00 0 [heap]
Rss:                   0 kB
Private_Hugetlb:    2048 kB
";

    #[test]
    fn pages_resident_memory_is_summed_over_the_mappings_of_a_range() {
        let kib = |bytes: u64, huge: u64| Resident { bytes: bytes << 10, huge_bytes: huge << 10 };
        assert_eq!(within(SMAPS, 0x7f00_0020_0000..0x7f00_0060_0000), kib(3072, 2048));
        assert_eq!(within(SMAPS, 0x7f00_0020_0000..0x7f00_0080_0000), kib(5120, 4096));
        assert_eq!(within(SMAPS, 0x7f00_0021_0000..0x7f00_0060_0000), kib(0, 0));
        assert_eq!(within("", 0..u64::MAX), kib(0, 0));
    }
}
