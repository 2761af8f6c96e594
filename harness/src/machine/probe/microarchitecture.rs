//! Which micro-architecture a family and model (x86) or an implementer and part (ARM) stand for.

/// How a CPU identifies itself: what tables of CPUs are keyed by, the kernel's own too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cpu {
    /// What CPUID says.
    X86 {
        /// `GenuineIntel`, `AuthenticAMD`.
        vendor: String,
        /// Display family.
        family: u32,
        /// Display model.
        model: u32,
        /// Stepping.
        stepping: u32,
    },
    /// What the main ID register says.
    Arm {
        /// Implementer code.
        implementer: u32,
        /// Part number.
        part: u32,
    },
}

/// Models of one micro-architecture: vendor, family, models from and to, and the steppings where a model is shared.
type X86 = (&'static str, u32, u32, u32, u32, u32, &'static str);

const ANY: u32 = u32::MAX;

#[rustfmt::skip]
const X86_CORES: &[X86] = &[
    ("GenuineIntel",  6, 0x55, 0x55, 0, 4,   "Intel Skylake-SP"),
    ("GenuineIntel",  6, 0x55, 0x55, 5, 9,   "Intel Cascade Lake"),
    ("GenuineIntel",  6, 0x55, 0x55, 10, 11, "Intel Cooper Lake"),
    ("GenuineIntel",  6, 0x6a, 0x6a, 0, ANY, "Intel Ice Lake-SP"),
    ("GenuineIntel",  6, 0x6c, 0x6c, 0, ANY, "Intel Ice Lake-D"),
    ("GenuineIntel",  6, 0x8f, 0x8f, 0, ANY, "Intel Sapphire Rapids"),
    ("GenuineIntel",  6, 0xcf, 0xcf, 0, ANY, "Intel Emerald Rapids"),
    ("AuthenticAMD", 23, 0x00, 0x2f, 0, ANY, "AMD Zen"),
    ("AuthenticAMD", 23, 0x30, 0xff, 0, ANY, "AMD Zen 2"),
    ("AuthenticAMD", 25, 0x00, 0x0f, 0, ANY, "AMD Zen 3"),
    ("AuthenticAMD", 25, 0x10, 0x1f, 0, ANY, "AMD Zen 4"),
    ("AuthenticAMD", 25, 0x20, 0x5f, 0, ANY, "AMD Zen 3"),
    ("AuthenticAMD", 25, 0x60, 0xaf, 0, ANY, "AMD Zen 4"),
    ("AuthenticAMD", 26, 0x00, 0x4f, 0, ANY, "AMD Zen 5"),
    ("AuthenticAMD", 26, 0x60, 0x7f, 0, ANY, "AMD Zen 5"),
];

#[rustfmt::skip]
const ARM_CORES: &[(u32, u32, &str)] = &[
    (0x00, 0x051, "QEMU max"),
    (0x41, 0xd08, "Arm Cortex-A72"),
    (0x41, 0xd0c, "Arm Neoverse N1"),
    (0x41, 0xd40, "Arm Neoverse V1"),
    (0x41, 0xd49, "Arm Neoverse N2"),
    (0x41, 0xd4f, "Arm Neoverse V2"),
];

/// The name, or the numbers where no name is known.
pub fn name(cpu: &Cpu) -> String {
    let known = match cpu {
        Cpu::X86 { vendor, family, model, stepping } => X86_CORES
            .iter()
            .find(|core| {
                (core.0, core.1) == (vendor, *family)
                    && (core.2..=core.3).contains(model)
                    && (core.4..=core.5).contains(stepping)
            })
            .map(|core| core.6),
        Cpu::Arm { implementer, part } => {
            ARM_CORES.iter().find(|core| (core.0, core.1) == (*implementer, *part)).map(|core| core.2)
        }
    };
    known.map_or_else(|| numbers(cpu), str::to_owned)
}

fn numbers(cpu: &Cpu) -> String {
    match cpu {
        Cpu::X86 { vendor, family, model, .. } => {
            format!("unknown: {vendor} family {family} model {model}")
        }
        Cpu::Arm { implementer, part } => format!("unknown: implementer {implementer:#x} part {part:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x86(vendor: &str, family: u32, model: u32, stepping: u32) -> String {
        name(&Cpu::X86 { vendor: vendor.into(), family, model, stepping })
    }

    fn arm(implementer: u32, part: u32) -> String {
        name(&Cpu::Arm { implementer, part })
    }

    #[test]
    fn the_cores_that_the_counters_know_have_names() {
        assert_eq!(x86("AuthenticAMD", 26, 2, 1), "AMD Zen 5");
        assert_eq!(x86("AuthenticAMD", 23, 0x31, 0), "AMD Zen 2");
        assert_eq!(x86("AuthenticAMD", 25, 0x01, 1), "AMD Zen 3");
        assert_eq!(x86("AuthenticAMD", 25, 0x11, 1), "AMD Zen 4");
        assert_eq!(x86("GenuineIntel", 6, 0x55, 4), "Intel Skylake-SP");
        assert_eq!(x86("GenuineIntel", 6, 0x8f, 8), "Intel Sapphire Rapids");
        assert_eq!(arm(0x41, 0xd40), "Arm Neoverse V1");
    }

    #[test]
    fn an_unknown_core_is_told_by_its_numbers() {
        assert_eq!(x86("GenuineIntel", 6, 0x01, 0), "unknown: GenuineIntel family 6 model 1");
        assert_eq!(arm(0x48, 0xd01), "unknown: implementer 0x48 part 0xd01");
    }
}
