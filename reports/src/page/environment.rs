//! Machine and environment in full, as pairs of name and value.

use super::{Page, words};
use crate::chart::axis::size_label;
use perfbench_harness::Unavailable;
use perfbench_harness::machine::EnvironmentCheck;
use perfbench_harness::record::CounterFacts;

/// Counters that work, or that share a reason why they do not.
pub struct CounterGroup<'a> {
    /// The reason.
    pub why: Option<&'a Unavailable>,
    /// The counters.
    pub counters: Vec<&'a CounterFacts>,
}

impl Page<'_> {
    pub(super) fn counters(&self) -> Vec<CounterGroup<'_>> {
        let mut groups: Vec<CounterGroup<'_>> = Vec::new();
        for counter in &self.report.counters {
            let why = counter.unavailable.as_ref();
            match groups.iter_mut().find(|group| group.why == why) {
                Some(group) => group.counters.push(counter),
                None => groups.push(CounterGroup { why, counters: vec![counter] }),
            }
        }
        groups
    }

    pub(super) fn machine_facts(&self) -> Vec<(&'static str, String)> {
        let machine = &self.report.machine;
        let list = |items: &[String]| if items.is_empty() { "none".into() } else { items.join(", ") };
        let cpus: Vec<String> = machine.cpus.iter().map(usize::to_string).collect();
        vec![
            ("CPU", machine.cpu.clone()),
            ("microarchitecture", machine.microarchitecture.clone()),
            ("architecture", machine.architecture.clone()),
            ("features", list(&machine.features)),
            ("CPUs used", format!("{} of {} online: {}", cpus.len(), machine.cpus_online, cpus.join(", "))),
            ("caches", list(&self.caches())),
            ("memory", size_label(machine.memory_bytes as f64)),
            ("NUMA nodes", machine.numa_nodes.to_string()),
            ("emulator", machine.emulator.clone().unwrap_or("none".into())),
            ("hypervisor", machine.hypervisor.clone().unwrap_or("none".into())),
            ("kernel", machine.kernel.clone()),
            ("compiler", machine.compiler.clone()),
            ("disagreements", list(&machine.disagreements)),
        ]
    }

    pub(super) fn number(&self, value: &f64) -> String {
        words::number(*value)
    }

    fn caches(&self) -> Vec<String> {
        let told = |c: &perfbench_harness::machine::Cache| {
            format!("L{} {} {} ({})", c.level, c.kind, size_label(c.size_bytes as f64), c.source)
        };
        self.report.machine.caches.iter().map(told).collect()
    }

    /// Class and word for the state of a check.
    pub(super) fn state(&self, check: &EnvironmentCheck) -> (&'static str, &'static str) {
        match check.good {
            Some(true) => ("met", "good"),
            Some(false) => ("missed", "not good"),
            None => ("none", "unknown"),
        }
    }

    /// The value of the same check after the run.
    pub(super) fn after(&self, check: &EnvironmentCheck) -> &str {
        let after = self.report.environment_after.as_ref();
        let same = after.and_then(|after| after.checks.iter().find(|other| other.name == check.name));
        same.map_or("unknown", |other| &other.value)
    }
}
