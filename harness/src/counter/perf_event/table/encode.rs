//! How vendors pack an event into the `config` of the kernel's `perf_event_attr`.

/// Intel's core and memory-controller counters: event in bits 0 to 7, unit mask in 8 to 15.
pub const fn intel(event: u64, umask: u64) -> u64 {
    assert!(event <= 0xff && umask <= 0xff);
    event | umask << 8
}

/// AMD's core counters: the event has twelve bits, of which the upper four lie at 32.
pub const fn amd(event: u64, umask: u64) -> u64 {
    assert!(event <= 0xfff && umask <= 0xff);
    event & 0xff | umask << 8 | (event >> 8) << 32
}

/// AMD's memory-controller counters: `reads` or `writes` choose among the commands of an event.
pub const fn amd_umc(event: u64, direction: Direction) -> u64 {
    assert!(event <= 0xff);
    event | (direction as u64) << 8
}

/// Which commands a memory-controller counter takes.
#[derive(Debug, Clone, Copy)]
pub enum Direction {
    /// Reads alone.
    Reads = 1,
    /// Writes alone.
    Writes = 2,
}

/// Events of the Arm architecture and of its cores: the number itself.
pub const fn arm(event: u64) -> u64 {
    assert!(event <= 0xffff);
    event
}

/// Arm's mesh: the type of node in bits 0 to 15, its event in 16 to 26.
pub const fn arm_mesh(node: u64, event: u64) -> u64 {
    assert!(node <= 0xffff && event <= 0x7ff);
    node | event << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_generic_events_are_encoded_as_it_encodes_them() {
        assert_eq!(intel(0x2e, 0x41), 0x412e);
        assert_eq!([amd(0x64, 0x09), amd(0x60, 0xff)], [0x0964, 0xff60]);
        assert_eq!(amd(0x120, 0x01), 0x1_0000_0120);
        assert_eq!(arm(0x8006), 0x8006);
    }

    #[test]
    fn the_upper_bits_of_an_amd_event_do_not_touch_its_unit_mask() {
        assert_eq!(amd(0x1a0, 0x1e), 0x1_0000_1ea0);
        assert_eq!(amd(0x1c7, 0x38), 0x1_0000_38c7);
    }

    #[test]
    fn units_outside_of_the_cores_have_layouts_of_their_own() {
        assert_eq!([Direction::Reads, Direction::Writes].map(|d| amd_umc(0x0a, d)), [0x010a, 0x020a]);
        assert_eq!(arm_mesh(0x5, 0xd), 0xd_0005);
    }
}
