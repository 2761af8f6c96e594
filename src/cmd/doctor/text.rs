//! The diagnosis as plain text of 80 columns. Pure.

use super::{Diagnosis, events, pairs};
use perfbench_harness::Isa;
use perfbench_harness::machine::{Cache, CpuPlace, EnvironmentCheck, Machine};
use perfbench_harness::record::{CounterFacts, Limit};
use perfbench_reports::words::{bounds, plural, significant, time};

/// Columns of the text, of the names on the left, and of the text under a name.
const WIDTH: usize = 80;
const NAME: usize = 24;
const DEEP: usize = 6;

/// The whole text.
pub fn of(diagnosis: &Diagnosis) -> String {
    let sections = [
        headline(diagnosis),
        section("Machine", &machine(&diagnosis.machine)),
        section("Can be measured", &can(diagnosis)),
        section("Cannot be measured", &cannot(diagnosis)),
        section("Kinds of events that the kernel grants this user", &events::text(&diagnosis.events)),
        section("Environment", &environment(diagnosis)),
        section("Limits of this machine, measured now", &limits(&diagnosis.limits)),
    ];
    sections.concat()
}

fn headline(diagnosis: &Diagnosis) -> String {
    let machine = &diagnosis.machine;
    let guest = if machine.hypervisor.is_some() { ", VM" } else { "" };
    let cpus = plural(machine.cpus.len(), "CPU");
    let about = format!("{} ({}){guest}, {cpus}", machine.cpu, machine.microarchitecture);
    let line = format!("perfbench {}   {about}   grade {}", diagnosis.version, diagnosis.environment.grade);
    wrapped(&line, 0, 2)
}

fn section(title: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("\n{title}\n{body}") }
}

fn machine(machine: &Machine) -> String {
    let hypervisor =
        machine.hypervisor.as_deref().map_or_else(|| "none".into(), |name| format!("yes: {name}"));
    let places = plural(machine.numa_nodes, "memory node");
    let mut text = [
        entry("cpus", &format!("{} of {} online, {places}", machine.cpus.len(), machine.cpus_online)),
        entry("topology", &topology(machine)),
        entry("caches", &machine.caches.iter().map(cache).collect::<Vec<_>>().join(", ")),
        entry("memory", &format!("{:.1} GiB", machine.memory_bytes as f64 / f64::from(1 << 30))),
        entry("feature sets", &features(machine)),
        entry("hypervisor", &hypervisor),
        entry("kernel", &machine.kernel),
        entry("compiler", &machine.compiler),
    ]
    .concat();
    text.extend(machine.disagreements.iter().map(|fact| entry("sources disagree", fact)));
    text
}

fn features(machine: &Machine) -> String {
    if machine.features.is_empty() { "scalar only".into() } else { machine.features.join(", ") }
}

fn cache(cache: &Cache) -> String {
    let kind = if cache.kind == "unified" { String::new() } else { format!(" {}", cache.kind) };
    let shared =
        if cache.shared_cpus > 1 { format!(" for {} CPUs", cache.shared_cpus) } else { String::new() };
    let ways = cache.ways.map_or(String::new(), |ways| format!(" in {ways} ways"));
    format!("L{}{kind} {} KiB{ways}{shared}", cache.level, cache.size_bytes >> 10)
}

/// Packages, cores and memory nodes of the CPUs of the mask, those of one place together.
fn topology(machine: &Machine) -> String {
    let number = |number: Option<u32>| number.map_or_else(|| "unknown".into(), |number| number.to_string());
    let told = |place: &CpuPlace| {
        let [package, core, node] = [place.package, place.core, place.node].map(number);
        format!("cpu {}: package {package} core {core} node {node}", place.cpu)
    };
    const MOST: usize = 16;
    let mut places: Vec<String> = machine.topology.iter().take(MOST).map(told).collect();
    if machine.topology.len() > MOST {
        places.push(format!("{} more", machine.topology.len() - MOST));
    }
    places.join(", ")
}

fn can(diagnosis: &Diagnosis) -> String {
    let clock = &diagnosis.clock;
    let how = format!(
        "{}: {}; steps of {}, a pair of readings costs {} and is subtracted",
        clock.name,
        clock.why,
        time(clock.resolution_ns),
        time(clock.overhead_ns)
    );
    let works = diagnosis.counters.iter().filter(|counter| counter.unavailable.is_none()).map(event);
    let mut text = entry("time", &how);
    if diagnosis.machine.cpus.len() > 1 {
        text += &entry("between cores", &format!("yes, on {}", plural(diagnosis.machine.cpus.len(), "CPU")));
    }
    text + &entry("counts", &works.collect::<Vec<_>>().join(", "))
}

/// `instructions` of `perf_event: instructions`.
fn event(counter: &CounterFacts) -> &str {
    counter.name.split_once(": ").map_or(counter.name.as_str(), |(_, event)| event)
}

fn cannot(diagnosis: &Diagnosis) -> String {
    let machine = &diagnosis.machine;
    let mut text = String::new();
    if machine.cpus.len() < 2 {
        text += &entry("between cores", "too-few-cores: one CPU in the affinity mask");
    }
    for (reason, events) in refused(&diagnosis.counters) {
        text += &entry("counts", &format!("{}: {reason}", events.join(", ")));
    }
    let absent = Isa::TABLE
        .iter()
        .filter(|(_, arch, isa)| *arch == std::env::consts::ARCH && !machine.isa().contains(*isa));
    let absent: Vec<&str> = absent.map(|(name, _, _)| *name).collect();
    if !absent.is_empty() {
        text += &entry("feature sets", &format!("isa-absent: {}", absent.join(", ")));
    }
    for limit in &diagnosis.limits {
        text += &limit.value.as_ref().err().map_or(String::new(), |why| entry(&limit.name, &why.to_string()));
    }
    text
}

/// Events that cannot be counted, those with one reason together.
fn refused(counters: &[CounterFacts]) -> Vec<(String, Vec<&str>)> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for counter in counters {
        let Some(reason) = counter.unavailable.as_ref().map(ToString::to_string) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, events)) => events.push(event(counter)),
            None => reasons.push((reason, vec![event(counter)])),
        }
    }
    reasons
}

/// What is wrong first, with effect and remedy, then what is unknown, then what is as it should be.
fn environment(diagnosis: &Diagnosis) -> String {
    let checks = &diagnosis.environment.checks;
    let like = |good| checks.iter().filter(move |check| check.good == good);
    let good: Vec<String> = like(Some(true)).map(|c| format!("{} {}", c.name, c.value)).collect();
    let mut text: String = like(Some(false)).map(wrong).collect();
    text.extend(like(None).map(|check| entry(&check.name, &format!("unknown; if wrong, {}", check.effect))));
    if !good.is_empty() {
        text += &entry("as it should be", &good.join(", "));
    }
    text
}

fn wrong(check: &EnvironmentCheck) -> String {
    let remedy =
        check.remedy.as_ref().map_or(String::new(), |remedy| format!("{:DEEP$}mend: {remedy}\n", ""));
    format!("{}{remedy}", entry(&format!("! {}", check.name), &format!("{}: {}", check.value, check.effect)))
}

fn limits(limits: &[Limit]) -> String {
    limits.iter().filter_map(limit).collect()
}

fn limit(limit: &Limit) -> Option<String> {
    let value = limit.value.as_ref().ok()?;
    let unit = &limit.unit;
    let figure = format!("{} {unit}", significant(value.value));
    let spread = if value.low == value.high { String::new() } else { bounds(value) };
    let line = format!("{:2}{:<18}{figure:>13}   {spread}", "", limit.name);
    let note = limit.note.as_ref().map_or(String::new(), |note| wrapped(note, DEEP, DEEP));
    Some(format!("{}\n{note}{}", line.trim_end(), pairs::table(&limit.pairs)))
}

/// A name and its text beside it, the lines after the first under the text.
pub(super) fn entry(name: &str, text: &str) -> String {
    wrapped(&format!("{name:<width$}{text}", width = NAME - 2), 2, NAME)
}

/// Words of `text` in lines of [`WIDTH`]; runs of spaces stay where the line does not break there. A word longer than a
/// line keeps a line of its own.
fn wrapped(text: &str, first: usize, rest: usize) -> String {
    let mut lines = vec![" ".repeat(first)];
    for word in text.split_inclusive(' ') {
        let line = lines.last_mut().expect("there is a first line");
        if line.chars().count() + word.trim_end().chars().count() > WIDTH && !line.trim().is_empty() {
            lines.push(" ".repeat(rest) + word);
        } else {
            line.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfbench_harness::clock::{Clock, ClockChoice};
    use perfbench_harness::machine::{Environment, limits};
    use perfbench_harness::{Reason, Unavailable};

    fn check(name: &str, value: &str, good: Option<bool>, remedy: Option<&str>) -> EnvironmentCheck {
        let effect = "the clock rises and falls with the load, and times with it".into();
        EnvironmentCheck {
            name: name.into(),
            value: value.into(),
            good,
            effect,
            remedy: remedy.map(str::to_owned),
        }
    }

    fn counter(name: &str, unavailable: Option<&str>) -> CounterFacts {
        let unavailable = unavailable.map(|detail| Unavailable::new(Reason::NoPmu, detail));
        CounterFacts { name: name.into(), about: "what happened".into(), unavailable }
    }

    fn example() -> Diagnosis {
        let machine = Machine {
            disagreements: vec!["memory: meminfo 24 MiB, nodes 12 MiB".into()],
            ..Machine::scripted()
        };
        let clock = Clock::open(ClockChoice::Scripted(1));
        let mut limits = Vec::new();
        limits::measure(&machine, &[0, 1], &clock, &mut |limit| limits.push(limit));
        limits[0].note = Some("4.00 GHz while it was measured".into());
        limits[1].value = Err(Unavailable::new(Reason::Unsupported, "no such instruction"));
        let no_pmu =
            "this virtual machine exposes no such counter; measure on the host, or give it a virtual PMU";
        Diagnosis {
            version: "0.1.0",
            machine,
            environment: Environment {
                grade: 'C',
                checks: vec![
                    check("aslr", "on", Some(true), None),
                    check(
                        "governor",
                        "powersave",
                        Some(false),
                        Some("sudo cpupower frequency-set -g performance"),
                    ),
                    check("turbo", "unknown", None, None),
                ],
            },
            clock: clock.facts(),
            counters: vec![
                counter("perf_event: cycles", Some(no_pmu)),
                counter("perf_event: instructions", Some(no_pmu)),
                counter("heap: allocations", None),
            ],
            events: events::tests::example(),
            limits,
        }
    }

    #[test]
    fn each_lack_stands_with_its_effect_and_remedy() {
        // Which feature sets this host lacks is the host's affair.
        let text = of(&example());
        let absent = text.find("  feature sets          isa-absent").zip(text.find("  imul_adds"));
        let text = absent.map_or(text.clone(), |(from, to)| text[..from].to_owned() + &text[to..]);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn every_line_fits_80_columns() {
        let text = of(&example());
        let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > WIDTH).collect();
        assert!(long.is_empty(), "{long:#?}");
    }

    #[test]
    fn a_word_longer_than_the_line_is_not_cut() {
        let word = "x".repeat(100);
        assert_eq!(wrapped(&format!("a {word} b"), 2, 4), format!("  a\n    {word}\n    b\n"));
    }
}
