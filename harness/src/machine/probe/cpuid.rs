//! What an x86 CPU states of itself through CPUID. In a guest these are the hypervisor's words.

use crate::machine::Cache;
use raw_cpuid::{CacheParameter, CacheType, CpuId, Hypervisor};

/// Name of the hypervisor that answers.
pub fn hypervisor() -> Option<String> {
    CpuId::new().get_hypervisor_info().map(|info| match info.identify() {
        Hypervisor::Unknown(a, b, c) => format!("unknown ({a:#x} {b:#x} {c:#x})"),
        known => format!("{known:?}"),
    })
}

/// Caches from leaf 4 (Intel) or 0x8000001D (AMD); leaf 0x80000006 is wrong in guests and not asked.
pub fn caches() -> Vec<Cache> {
    CpuId::new().get_cache_parameters().into_iter().flatten().map(|stated| cache(&stated)).collect()
}

fn cache(stated: &CacheParameter) -> Cache {
    let line_bytes = stated.coherency_line_size();
    let lines = stated.sets() * stated.associativity() * stated.physical_line_partitions();
    Cache {
        level: stated.level(),
        kind: kind(stated.cache_type()).into(),
        size_bytes: (lines * line_bytes) as u64,
        line_bytes: line_bytes as u32,
        ways: Some(stated.associativity() as u32),
        shared_cpus: stated.max_cores_for_cache(),
        source: "cpuid".into(),
    }
}

fn kind(stated: CacheType) -> &'static str {
    match stated {
        CacheType::Data => "data",
        CacheType::Instruction => "instruction",
        CacheType::Unified => "unified",
        CacheType::Null | CacheType::Reserved => "other",
    }
}
