//! What the kernel states: CPU identity, caches, topology, memory.

use super::microarchitecture::{Cpu, name};
use crate::machine::files::{Roots, field, list};
use crate::machine::{Cache, CpuPlace};

/// CPU model as the kernel states it.
pub fn cpu_model(roots: &Roots) -> String {
    let cpuinfo = roots.proc("cpuinfo").unwrap_or_default();
    let stated = ["model name", "Model", "Hardware"].iter().find_map(|key| field(&cpuinfo, key));
    // An ARM kernel names no model; its micro-architecture says as much as it knows.
    stated.map_or_else(|| microarchitecture(roots), str::to_owned)
}

/// Micro-architecture by the numbers in cpuinfo.
pub fn microarchitecture(roots: &Roots) -> String {
    let unknown = || "unknown: the kernel states no family and model".into();
    cpu_id(roots).map_or_else(unknown, |cpu| name(&cpu))
}

/// The numbers in cpuinfo, of the first CPU.
pub fn cpu_id(roots: &Roots) -> Option<Cpu> {
    let cpuinfo = roots.proc("cpuinfo")?;
    let number = |key| field(&cpuinfo, key).and_then(parse_number);
    if let (Some(implementer), Some(part)) = (number("CPU implementer"), number("CPU part")) {
        return Some(Cpu::Arm { implementer, part });
    }
    Some(Cpu::X86 {
        vendor: field(&cpuinfo, "vendor_id")?.into(),
        family: number("cpu family")?,
        model: number("model")?,
        stepping: number("stepping").unwrap_or(0),
    })
}

fn parse_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Whether the kernel's CPU flags say that a hypervisor is below; none where there are no such flags (ARM).
pub fn hypervisor_flag(roots: &Roots) -> Option<bool> {
    let cpuinfo = roots.proc("cpuinfo")?;
    Some(field(&cpuinfo, "flags")?.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Caches of one CPU.
pub fn caches(roots: &Roots, cpu: usize) -> Vec<Cache> {
    let folder = format!("devices/system/cpu/cpu{cpu}/cache");
    let indices = roots.numbered(&folder, "index");
    indices.iter().filter_map(|index| cache(roots, &format!("{folder}/index{index}"))).collect()
}

fn cache(roots: &Roots, folder: &str) -> Option<Cache> {
    let read = |name: &str| roots.sys(&format!("{folder}/{name}"));
    Some(Cache {
        level: read("level")?.parse().ok()?,
        kind: read("type")?.to_lowercase(),
        size_bytes: size_bytes(&read("size")?)?,
        line_bytes: read("coherency_line_size")?.parse().ok()?,
        ways: read("ways_of_associativity").and_then(|ways| ways.parse().ok()),
        shared_cpus: read("shared_cpu_list").map_or(1, |cpus| list(&cpus).len()),
        source: "sysfs".into(),
    })
}

/// `48K` and its like.
fn size_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok().map(|number| number * unit)
}

/// Where a CPU sits.
pub fn place(roots: &Roots, cpu: usize) -> CpuPlace {
    let read = |name| roots.sys(&format!("devices/system/cpu/cpu{cpu}/topology/{name}"))?.parse().ok();
    let on_node = |node: &usize| {
        let cpus = roots.sys(&format!("devices/system/node/node{node}/cpulist")).unwrap_or_default();
        list(&cpus).contains(&cpu)
    };
    let node = nodes(roots).into_iter().find(on_node).map(|node| node as u32);
    CpuPlace { cpu, package: read("physical_package_id"), core: read("core_id"), node }
}

/// NUMA nodes by number.
pub fn nodes(roots: &Roots) -> Vec<usize> {
    roots.numbered("devices/system/node", "node")
}

/// CPUs online in the whole machine; none where the kernel does not say.
pub fn cpus_online(roots: &Roots) -> Option<usize> {
    roots.sys("devices/system/cpu/online").map(|cpus| list(&cpus).len())
}

/// All memory, bytes; zero where the kernel does not say.
pub fn memory_bytes(roots: &Roots) -> u64 {
    roots.proc("meminfo").and_then(|text| kib(field(&text, "MemTotal")?)).unwrap_or(0)
}

/// Memory of all nodes together, which some guests state differently.
pub fn node_memory_bytes(roots: &Roots) -> Option<u64> {
    nodes(roots).iter().map(|node| one_node_memory_bytes(roots, *node)).sum()
}

fn one_node_memory_bytes(roots: &Roots, node: usize) -> Option<u64> {
    let text = roots.sys(&format!("devices/system/node/node{node}/meminfo"))?;
    kib(field(&text, &format!("Node {node} MemTotal"))?)
}

fn kib(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
