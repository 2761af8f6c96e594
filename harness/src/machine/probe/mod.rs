//! What the machine is: the kernel's word first, the CPU's own second, and where they disagree. Nothing here measures.

mod affinity;
#[cfg(target_arch = "x86_64")]
mod cpuid;
mod emulator;
mod microarchitecture;
mod sysfs;

pub use affinity::{Pinned, cpus, pin};
pub use microarchitecture::Cpu;
pub(super) use sysfs::hypervisor_flag;

use super::files::Roots;
use super::{Cache, Machine};
use crate::isa::Isa;

/// Asks every source what the machine is. To be called before any thread is pinned.
pub fn probe() -> Machine {
    let sources = Sources { cpus: affinity::cpus(), caches: cpuid_caches(), hypervisor: cpuid_hypervisor() };
    probe_at(&Roots::real(), sources)
}

/// How the first CPU identifies itself; none where the kernel does not tell.
pub fn cpu_id() -> Option<Cpu> {
    sysfs::cpu_id(&Roots::real())
}

/// What is known from elsewhere than files.
#[derive(Default)]
struct Sources {
    /// The affinity mask.
    cpus: Vec<usize>,
    /// Caches as the CPU states them.
    caches: Vec<Cache>,
    /// Hypervisor as the CPU states it.
    hypervisor: Option<String>,
}

fn probe_at(roots: &Roots, sources: Sources) -> Machine {
    let kernel_caches = sources.cpus.first().map(|cpu| sysfs::caches(roots, *cpu)).unwrap_or_default();
    let disagreements = disagreements(roots, &kernel_caches, &sources);
    let uname = rustix::system::uname();
    Machine {
        cpu: sysfs::cpu_model(roots),
        microarchitecture: sysfs::microarchitecture(roots),
        architecture: std::env::consts::ARCH.into(),
        features: Isa::detect().names().into_iter().map(str::to_owned).collect(),
        cpus_online: sysfs::cpus_online(roots).unwrap_or(sources.cpus.len()),
        topology: sources.cpus.iter().map(|cpu| sysfs::place(roots, *cpu)).collect(),
        caches: if kernel_caches.is_empty() { sources.caches } else { kernel_caches },
        memory_bytes: sysfs::memory_bytes(roots),
        numa_nodes: sysfs::nodes(roots).len().max(1),
        emulator: emulator::emulator(roots, std::env::consts::ARCH, sources.hypervisor.as_deref()),
        hypervisor: sources.hypervisor.or_else(|| flagged(roots)),
        kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
        compiler: env!("PERFBENCH_COMPILER").into(),
        disagreements,
        cpus: sources.cpus,
    }
}

fn flagged(roots: &Roots) -> Option<String> {
    hypervisor_flag(roots)?.then(|| "unnamed".into())
}

fn disagreements(roots: &Roots, kernel: &[Cache], sources: &Sources) -> Vec<String> {
    let mut found: Vec<String> = kernel.iter().filter_map(|cache| differs(cache, &sources.caches)).collect();
    let memory_bytes = sysfs::memory_bytes(roots);
    // Per-node totals count pages that the kernel has taken for itself: a twentieth is no disagreement.
    if let Some(nodes_bytes) = sysfs::node_memory_bytes(roots)
        && nodes_bytes.abs_diff(memory_bytes) > memory_bytes / 20
    {
        found.push(format!("memory: meminfo {} MiB, nodes {} MiB", memory_bytes >> 20, nodes_bytes >> 20));
    }
    if let Some(flag) = hypervisor_flag(roots)
        && flag != sources.hypervisor.is_some()
        && !sources.caches.is_empty()
    {
        let cpu = sources.hypervisor.as_deref().unwrap_or("none");
        found.push(format!("hypervisor: cpuid {cpu}, kernel flag {flag}"));
    }
    found
}

fn differs(kernel: &Cache, cpu: &[Cache]) -> Option<String> {
    let other = cpu.iter().find(|c| (c.level, &c.kind) == (kernel.level, &kernel.kind))?;
    let geometry = |c: &Cache| (c.size_bytes, c.line_bytes, c.ways);
    (geometry(other) != geometry(kernel))
        .then(|| format!("L{} {}: {}, {}", kernel.level, kernel.kind, stated(kernel), stated(other)))
}

fn stated(cache: &Cache) -> String {
    let ways = cache.ways.map_or("ways unknown".into(), |ways| format!("{ways} ways"));
    format!("{} {} KiB {ways} line {}", cache.source, cache.size_bytes >> 10, cache.line_bytes)
}

#[cfg(target_arch = "x86_64")]
fn cpuid_caches() -> Vec<Cache> {
    cpuid::caches()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpuid_caches() -> Vec<Cache> {
    Vec::new()
}

#[cfg(target_arch = "x86_64")]
fn cpuid_hypervisor() -> Option<String> {
    cpuid::hypervisor()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpuid_hypervisor() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::fixture::tree;

    const ZEN5_GUEST: &[(&str, &str)] = &[
        (
            "proc/cpuinfo",
            "vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nstepping\t: 1\nflags\t\t: fpu hypervisor avx2",
        ),
        ("proc/meminfo", "MemTotal:       24684092 kB\nMemFree:        1 kB"),
        ("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:       12582912 kB"),
        ("sys/devices/system/node/node0/cpulist", "0-1"),
        ("sys/devices/system/cpu/online", "0-1"),
        ("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0"),
        ("sys/devices/system/cpu/cpu0/topology/core_id", "0"),
        ("sys/devices/system/cpu/cpu0/cache/index0/level", "1"),
        ("sys/devices/system/cpu/cpu0/cache/index0/type", "Data"),
        ("sys/devices/system/cpu/cpu0/cache/index0/size", "48K"),
        ("sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size", "64"),
        ("sys/devices/system/cpu/cpu0/cache/index0/ways_of_associativity", "12"),
        ("sys/devices/system/cpu/cpu0/cache/index0/shared_cpu_list", "0"),
    ];

    fn l1(size_bytes: u64) -> Cache {
        let (kind, source) = ("data".into(), "cpuid".into());
        Cache { level: 1, kind, size_bytes, line_bytes: 64, ways: Some(12), shared_cpus: 1, source }
    }

    #[test]
    fn a_guest_is_described_from_its_files() {
        let tree = tree(ZEN5_GUEST);
        let machine = probe_at(&tree.roots, Sources { cpus: vec![0], ..Sources::default() });
        assert_eq!((machine.cpu.as_str(), machine.microarchitecture.as_str()), ("AMD EPYC", "AMD Zen 5"));
        assert_eq!((machine.cpus, machine.cpus_online, machine.numa_nodes), (vec![0], 2, 1));
        assert_eq!((machine.topology[0].core, machine.topology[0].node), (Some(0), Some(0)));
        assert_eq!(machine.memory_bytes, 24_684_092 * 1024);
        assert_eq!(machine.hypervisor.as_deref(), Some("unnamed"));
        assert_eq!(machine.caches, [Cache { source: "sysfs".into(), ..l1(48 << 10) }]);
    }

    #[test]
    fn sources_that_differ_are_both_named() {
        let tree = tree(ZEN5_GUEST);
        let sources = Sources { cpus: vec![0], caches: vec![l1(32 << 10)], hypervisor: Some("KVM".into()) };
        let machine = probe_at(&tree.roots, sources);
        assert_eq!(
            machine.disagreements,
            [
                "L1 data: sysfs 48 KiB 12 ways line 64, cpuid 32 KiB 12 ways line 64",
                "memory: meminfo 24105 MiB, nodes 12288 MiB"
            ]
        );
    }

    #[test]
    fn without_a_cache_folder_the_cpu_is_believed() {
        let tree = tree(&ZEN5_GUEST[..4]);
        let sources = Sources { cpus: vec![0], caches: vec![l1(48 << 10)], ..Sources::default() };
        assert_eq!(probe_at(&tree.roots, sources).caches, [l1(48 << 10)]);
    }

    #[test]
    fn an_arm_machine_is_named_by_its_part_number() {
        let tree = tree(&[("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c")]);
        let machine = probe_at(&tree.roots, Sources { cpus: vec![0, 1], ..Sources::default() });
        assert_eq!((machine.cpu.as_str(), machine.cpus_online), ("Arm Neoverse N1", 2));
        assert_eq!(machine.hypervisor, None);
    }

    #[test]
    fn this_machine_is_probed_without_gaps() {
        let machine = probe();
        assert!(
            !machine.cpus.is_empty() && machine.memory_bytes > 0 && machine.cpus_online >= machine.cpus.len()
        );
        assert!(machine.compiler.contains("rustc"), "{}", machine.compiler);
    }
}
