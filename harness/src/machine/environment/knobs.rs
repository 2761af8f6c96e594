//! The table of knobs: what each is, what it does to results, and how it is read. Each reading is the value found and
//! whether measurements want it so; none where the kernel does not say.

use super::cgroup;
use crate::machine::files::{Roots, field, list};
use crate::machine::probe::hypervisor_flag;

/// One knob or condition.
pub struct Knob {
    pub name: &'static str,
    /// What it does to results.
    pub effect: &'static str,
    /// The best grade of a machine on which it is wrong.
    pub at_best: char,
    /// The command that mends it.
    pub remedy: Option<&'static str>,
    pub look: fn(&Roots) -> Option<Reading>,
}

type Reading = (String, Option<bool>);

/// Every knob, in the order in which they are shown.
#[rustfmt::skip]
pub static KNOBS: &[Knob] = &[
    Knob { name: "governor", at_best: 'C', look: governor,
        effect: "the clock rises and falls with the load, and times with it",
        remedy: Some("sudo cpupower frequency-set -g performance") },
    Knob { name: "turbo", at_best: 'B', look: turbo,
        effect: "the clock depends on temperature and on what other cores do",
        remedy: Some("sudo cpupower set --turbo-boost 0") },
    Knob { name: "smt", at_best: 'B', look: smt,
        effect: "a sibling thread shares the core's units and caches",
        remedy: Some("echo off | sudo tee /sys/devices/system/cpu/smt/control") },
    Knob { name: "hypervisor", at_best: 'C', look: hypervisor,
        effect: "neighbours out of sight share caches and memory; clock and cores may move",
        remedy: None },
    Knob { name: "steal", at_best: 'D', look: steal,
        effect: "the hypervisor gives this machine's time to others",
        remedy: None },
    Knob { name: "cpu_quota", at_best: 'D', look: cpu_quota,
        effect: "the group is stopped for the rest of each period once its share is used",
        remedy: None },
    Knob { name: "affinity", at_best: 'B', look: affinity,
        effect: "only some CPUs can be used, and others may run on them",
        remedy: None },
    Knob { name: "pressure", at_best: 'D', look: pressure,
        effect: "tasks wait for a CPU: whatever is measured waits too",
        remedy: None },
    Knob { name: "load", at_best: 'C', look: load,
        effect: "other programs take cores, caches and memory bandwidth",
        remedy: None },
    Knob { name: "aslr", at_best: 'B', look: aslr,
        effect: "when off, one arbitrary memory layout is frozen and becomes bias",
        remedy: Some("sudo sysctl -w kernel.randomize_va_space=2") },
    Knob { name: "huge_pages", at_best: 'B', look: huge_pages,
        effect: "page size, and so the cost of page walks, is not what the program asks for",
        remedy: Some("echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled") },
    Knob { name: "clocksource", at_best: 'B', look: clocksource,
        effect: "the kernel's clock costs microseconds a reading",
        remedy: Some("echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource") },
    Knob { name: "perf_event_paranoid", at_best: 'A', look: perf_event_paranoid,
        effect: "ordinary users count user mode only; kernel-side events stay zero",
        remedy: Some("sudo sysctl -w kernel.perf_event_paranoid=1") },
    Knob { name: "nmi_watchdog", at_best: 'A', look: nmi_watchdog,
        effect: "takes one hardware counter",
        remedy: Some("sudo sysctl -w kernel.nmi_watchdog=0") },
    Knob { name: "microcode", at_best: 'A', look: microcode,
        effect: "another version can cost or save time; told so that runs can be compared",
        remedy: None },
];

/// Above this much stolen time, percent, a run says little.
const STEAL_PERCENT: f64 = 0.5;

/// Above this share of time in which some task waited for a CPU, percent, likewise.
const PRESSURE_PERCENT: f64 = 5.0;

fn wanted(value: String, good: bool) -> Option<Reading> {
    Some((value, Some(good)))
}

fn governor(roots: &Roots) -> Option<Reading> {
    let policies = roots.numbered("devices/system/cpu/cpufreq", "policy");
    let path = |policy| format!("devices/system/cpu/cpufreq/policy{policy}/scaling_governor");
    let mut governors: Vec<String> = policies.iter().filter_map(|policy| roots.sys(&path(policy))).collect();
    governors.sort_unstable();
    governors.dedup();
    let good = governors == ["performance"];
    if governors.is_empty() { None } else { wanted(governors.join(", "), good) }
}

fn turbo(roots: &Roots) -> Option<Reading> {
    let intel = roots.sys("devices/system/cpu/intel_pstate/no_turbo").map(|off| off == "1");
    let off = intel.or_else(|| roots.sys("devices/system/cpu/cpufreq/boost").map(|on| on == "0"))?;
    wanted(if off { "off" } else { "on" }.into(), off)
}

fn smt(roots: &Roots) -> Option<Reading> {
    let active = roots.sys("devices/system/cpu/smt/active")? == "1";
    wanted(if active { "on" } else { "off" }.into(), !active)
}

fn hypervisor(roots: &Roots) -> Option<Reading> {
    let below = hypervisor_flag(roots)?;
    wanted(if below { "yes" } else { "no" }.into(), !below)
}

fn steal(roots: &Roots) -> Option<Reading> {
    let stat = roots.proc("stat")?;
    let ticks: Vec<f64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    // Guest time, the ninth and tenth, is already in user time.
    let all: f64 = ticks.iter().take(8).sum();
    let percent = 100.0 * ticks.get(7)? / all.max(1.0);
    wanted(format!("{percent:.2} % since boot"), percent <= STEAL_PERCENT)
}

fn cpu_quota(roots: &Roots) -> Option<Reading> {
    match cgroup::quota_cpus(roots)? {
        None => wanted("none".into(), true),
        Some(cpus) => wanted(format!("{cpus:.2} CPUs"), false),
    }
}

fn affinity(roots: &Roots) -> Option<Reading> {
    let status = roots.proc("self/status")?;
    let allowed = list(field(&status, "Cpus_allowed_list")?).len();
    let online = list(&roots.sys("devices/system/cpu/online")?).len();
    wanted(format!("{allowed} of {online} CPUs"), allowed >= online)
}

fn pressure(roots: &Roots) -> Option<Reading> {
    let text = roots.proc("pressure/cpu")?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let percent: f64 = some.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?.parse().ok()?;
    wanted(format!("{percent:.1} % of the last 10 s"), percent <= PRESSURE_PERCENT)
}

fn load(roots: &Roots) -> Option<Reading> {
    let running: f64 = roots.proc("loadavg")?.split_whitespace().next()?.parse().ok()?;
    let online = list(&roots.sys("devices/system/cpu/online")?).len();
    wanted(format!("{running:.2} on {online} CPUs"), running <= online as f64 / 2.0)
}

fn aslr(roots: &Roots) -> Option<Reading> {
    let on = roots.proc("sys/kernel/randomize_va_space")? != "0";
    wanted(if on { "on" } else { "off" }.into(), on)
}

fn huge_pages(roots: &Roots) -> Option<Reading> {
    let choices = roots.sys("kernel/mm/transparent_hugepage/enabled")?;
    let chosen = choices.split_once('[')?.1.split_once(']')?.0.to_owned();
    let good = chosen == "madvise";
    wanted(chosen, good)
}

fn clocksource(roots: &Roots) -> Option<Reading> {
    let name = roots.sys("devices/system/clocksource/clocksource0/current_clocksource")?;
    let good = ["tsc", "arch_sys_counter", "kvm-clock"].contains(&name.as_str());
    wanted(name, good)
}

fn perf_event_paranoid(roots: &Roots) -> Option<Reading> {
    let level: i32 = roots.proc("sys/kernel/perf_event_paranoid")?.parse().ok()?;
    wanted(level.to_string(), level <= 1)
}

fn nmi_watchdog(roots: &Roots) -> Option<Reading> {
    let on = roots.proc("sys/kernel/nmi_watchdog")? == "1";
    wanted(if on { "on" } else { "off" }.into(), !on)
}

fn microcode(roots: &Roots) -> Option<Reading> {
    wanted(field(&roots.proc("cpuinfo")?, "microcode")?.to_owned(), true)
}
