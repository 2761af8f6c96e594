//! The machine: what it is (probe), in what state it is (environment), what it can do at best (limits), and what others
//! take from it meanwhile (interference).

pub mod environment;
pub(crate) mod files;
pub mod interference;
pub mod limits;
pub mod probe;

pub use environment::{Environment, EnvironmentCheck};
pub use probe::probe;

use crate::isa::Isa;
use crate::unavailable::{Reason, Unavailable};
use serde::{Deserialize, Serialize};

/// What the machine is, as far as user space may know. Where two sources state one fact and disagree, both are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// CPU model as the CPU or kernel states it.
    pub cpu: String,
    /// Micro-architecture in words, where family and model (or MIDR) are known: `AMD Zen 5`.
    pub microarchitecture: String,
    /// `x86_64` or `aarch64`.
    pub architecture: String,
    /// Feature names that perfbench knows and this CPU has.
    pub features: Vec<String>,
    /// CPUs in the affinity mask at start.
    pub cpus: Vec<usize>,
    /// CPUs online in the whole machine.
    pub cpus_online: usize,
    /// Topology: for each CPU in the mask, its package, core, and NUMA node.
    pub topology: Vec<CpuPlace>,
    /// Caches of the first CPU in the mask.
    pub caches: Vec<Cache>,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// NUMA nodes.
    pub numa_nodes: usize,
    /// What emulates the machine, where something does (`QEMU TCG`): its counts are exact and its times mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulator: Option<String>,
    /// Hypervisor, where there is one.
    pub hypervisor: Option<String>,
    /// Kernel name and release.
    pub kernel: String,
    /// Compiler that built this perfbench, and its flags as far as known.
    pub compiler: String,
    /// Facts on which two sources disagree: what, source by source.
    pub disagreements: Vec<String>,
}

/// Where a CPU sits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuPlace {
    /// Number of the CPU.
    pub cpu: usize,
    /// Physical package.
    pub package: Option<u32>,
    /// Core within the package.
    pub core: Option<u32>,
    /// NUMA node.
    pub node: Option<u32>,
}

/// One cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// 1, 2, 3.
    pub level: u8,
    /// `data`, `instruction`, `unified`.
    pub kind: String,
    /// Size, bytes.
    pub size_bytes: u64,
    /// Line, bytes.
    pub line_bytes: u32,
    /// Ways, where stated.
    pub ways: Option<u32>,
    /// CPUs that share it.
    pub shared_cpus: usize,
    /// Where the figures come from: `sysfs`, `cpuid`.
    pub source: String,
}

impl Machine {
    /// Why no time of this machine means anything; none where its times are its own.
    pub fn timeless(&self) -> Option<Unavailable> {
        let emulator = self.emulator.as_ref()?;
        let detail = format!(
            "{emulator} plays this machine: what it counts is exact, and how long it takes says nothing of any machine; \
             measure on the machine itself"
        );
        Some(Unavailable::new(Reason::Emulated, detail))
    }

    /// The features as a set.
    pub fn isa(&self) -> Isa {
        self.features.iter().filter_map(|name| Isa::named(name)).fold(Isa::NONE, Isa::and)
    }

    /// The data (or unified) cache of a level.
    pub fn cache(&self, level: u8) -> Option<&Cache> {
        self.caches.iter().find(|c| c.level == level && c.kind != "instruction")
    }

    /// Bytes to walk through so that no cache keeps anything: twice the largest of them, or 64 MiB where none is known.
    pub fn eviction_bytes(&self) -> usize {
        let largest = self.caches.iter().map(|cache| cache.size_bytes).max().unwrap_or(32 << 20);
        2 * largest as usize
    }

    /// A machine that does not exist, for scripted runs: the same on every host.
    pub fn scripted() -> Machine {
        let cache = |level, kind: &str, size_bytes, ways| Cache {
            level,
            kind: kind.into(),
            size_bytes,
            line_bytes: 64,
            ways: Some(ways),
            shared_cpus: 1,
            source: "script".into(),
        };
        let place = |cpu| CpuPlace { cpu, package: Some(0), core: Some(cpu as u32), node: Some(0) };
        Machine {
            cpu: "Scripted CPU".into(),
            microarchitecture: "none: dictated by a script".into(),
            architecture: "scripted".into(),
            features: vec![],
            cpus: vec![0, 1],
            cpus_online: 2,
            topology: vec![place(0), place(1)],
            caches: vec![
                cache(1, "data", 32 << 10, 8),
                cache(1, "instruction", 32 << 10, 8),
                cache(2, "unified", 1 << 20, 16),
                cache(3, "unified", 32 << 20, 16),
            ],
            memory_bytes: 16 << 30,
            numa_nodes: 1,
            emulator: None,
            hypervisor: None,
            kernel: "scripted".into(),
            compiler: "scripted".into(),
            disagreements: vec![],
        }
    }
}
