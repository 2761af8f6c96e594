//! Whether software plays the machine, so that its times are nobody's. Only what no real machine and no virtual machine on
//! one can show counts as proof; who emulates another CPU model says so on the kernel's command line.

use crate::machine::files::{Roots, field};

/// What the kernel's command line names the emulator with.
const MARK: &str = "perfbench.emulator=";

/// The emulator's name, where there is proof of one. `architecture` is the program's own, `hypervisor` what CPUID names.
pub fn emulator(roots: &Roots, architecture: &str, hypervisor: Option<&str>) -> Option<String> {
    marked(roots)
        .or_else(|| (hypervisor == Some("QEMU")).then(|| "QEMU TCG".into()))
        .or_else(|| identified(&roots.proc("cpuinfo")?, architecture))
}

/// `perfbench.emulator=QEMU_TCG` on the kernel's command line.
fn marked(roots: &Roots) -> Option<String> {
    let line = roots.proc("cmdline")?;
    let name = line.split_whitespace().find_map(|word| word.strip_prefix(MARK))?;
    Some(name.replace('_', " "))
}

/// QEMU's `max` identifies itself by implementer 0, which no maker has, and part 0x51, a `Q`. A user-mode emulator shows
/// the host's cpuinfo, and no ARM kernel tells a vendor and no x86 kernel an implementer.
fn identified(cpuinfo: &str, architecture: &str) -> Option<String> {
    let is = |key, value| field(cpuinfo, key) == Some(value);
    if is("CPU implementer", "0x00") && is("CPU part", "0x051") {
        return Some("QEMU TCG".into());
    }
    let foreign = match architecture {
        "aarch64" => "vendor_id",
        "x86_64" => "CPU implementer",
        _ => return None,
    };
    field(cpuinfo, foreign).map(|_| "user-mode emulation".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::fixture::tree;

    const NEOVERSE: &str = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c";
    const QEMU_MAX: &str = "processor\t: 0\nCPU implementer\t: 0x00\nCPU part\t: 0x051";
    const EPYC: &str = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu hypervisor avx2";

    fn found(files: &[(&str, &str)], architecture: &str, hypervisor: Option<&str>) -> Option<String> {
        emulator(&tree(files).roots, architecture, hypervisor)
    }

    #[test]
    fn qemus_own_cpu_is_an_emulator_and_a_makers_is_none() {
        assert_eq!(found(&[("proc/cpuinfo", QEMU_MAX)], "aarch64", None).as_deref(), Some("QEMU TCG"));
        assert_eq!(found(&[("proc/cpuinfo", NEOVERSE)], "aarch64", None), None);
    }

    #[test]
    fn an_emulated_model_of_a_maker_is_told_by_the_kernels_command_line() {
        let files =
            [("proc/cpuinfo", NEOVERSE), ("proc/cmdline", "quiet perfbench.emulator=QEMU_TCG panic=-1")];
        assert_eq!(found(&files, "aarch64", None).as_deref(), Some("QEMU TCG"));
    }

    #[test]
    fn a_cpuinfo_of_another_architecture_is_user_mode_emulation() {
        let name = Some("user-mode emulation".to_owned());
        assert_eq!(found(&[("proc/cpuinfo", EPYC)], "aarch64", None), name);
        assert_eq!(found(&[("proc/cpuinfo", NEOVERSE)], "x86_64", None), name);
    }

    #[test]
    fn a_virtual_machine_on_a_real_one_is_not_emulated() {
        for hypervisor in [None, Some("KVM"), Some("VMware"), Some("HyperV")] {
            assert_eq!(found(&[("proc/cpuinfo", EPYC)], "x86_64", hypervisor), None);
        }
        assert_eq!(found(&[("proc/cpuinfo", EPYC)], "x86_64", Some("QEMU")).as_deref(), Some("QEMU TCG"));
    }
}
