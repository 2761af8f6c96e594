//! Units outside of the cores (memory controllers): which of them the kernel lists, and on which CPUs they are opened.

use super::kernel::{Scope, Spec, Target};
use super::probe::{Kind, Probe};
use crate::machine::files::{Roots, list};
use crate::unavailable::{Reason, Unavailable};
use std::io;

const FOLDER: &str = "bus/event_source/devices";

/// One request a unit and CPU; none where the machine lists no unit of the name.
pub fn specs(probe: &Probe) -> Vec<Spec> {
    specs_at(&Roots::real(), probe)
}

fn specs_at(roots: &Roots, probe: &Probe) -> Vec<Spec> {
    let Kind::Uncore(name) = probe.kind else { return Vec::new() };
    let units = units(roots, name);
    units
        .into_iter()
        .flat_map(|(kind, cpus)| cpus.into_iter().map(move |cpu| spec(probe, kind, cpu)))
        .collect()
}

fn spec(probe: &Probe, kind: u32, cpu: usize) -> Spec {
    let (target, scope) = (Target::Cpu(cpu), Scope::UserAndKernel);
    Spec { kind, config: probe.config, config1: probe.config1, target, scope }
}

/// The units of a name, in the order of their names: `uncore_imc`, or `uncore_imc_0` and on, each with its number and the
/// CPUs that speak for it. What merely begins alike (`uncore_imc_free_running_0`) is another unit.
fn units(roots: &Roots, name: &str) -> Vec<(u32, Vec<usize>)> {
    let entries = std::fs::read_dir(roots.sys.join(FOLDER)).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|unit| unit.strip_prefix(name).is_some_and(is_number))
        .collect();
    names.sort();
    names.iter().filter_map(|unit| Some((number(roots, unit)?, cpus(roots, unit)))).collect()
}

fn is_number(rest: &str) -> bool {
    rest.trim_start_matches('_').chars().all(|digit| digit.is_ascii_digit())
}

fn number(roots: &Roots, unit: &str) -> Option<u32> {
    roots.sys(&format!("{FOLDER}/{unit}/type"))?.parse().ok()
}

fn cpus(roots: &Roots, unit: &str) -> Vec<usize> {
    roots.sys(&format!("{FOLDER}/{unit}/cpumask")).map_or_else(|| vec![0], |mask| list(&mask))
}

/// Why there is nothing to open.
pub fn none(probe: &Probe) -> Unavailable {
    let Kind::Uncore(name) = probe.kind else { unreachable!("only units are missing") };
    let detail = format!(
        "the kernel lists no unit {name} (a virtual machine has none); measure on the host, with its uncore driver loaded"
    );
    Unavailable::new(Reason::NoPmu, detail)
}

/// The refusal to count for the whole machine, in words.
pub fn explain(error: &io::Error) -> Option<Unavailable> {
    let detail = "perf_event_open answers EACCES: it counts what everybody does, which the kernel keeps from this user; as \
                  root: sysctl kernel.perf_event_paranoid=0, or setcap cap_perfmon=ep on the program";
    super::errno::is_privilege(error).then(|| Unavailable::new(Reason::NoPrivilege, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::Group;
    use crate::counter::perf_event::table::{Entry, Unit};

    fn reads() -> Probe {
        let unit = Unit::Uncore("uncore_imc");
        let (group, config) = (Group::Bandwidth, 0x0304);
        Probe::raw(&Entry { group, name: "memory_reads", about: "", unit, config, config1: 0 })
    }

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = root.path().join(FOLDER).join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        root
    }

    #[test]
    fn every_unit_of_the_name_is_opened_on_each_of_its_cpus() {
        let root = machine(&[
            ("uncore_imc_0/type", "13\n"),
            ("uncore_imc_0/cpumask", "0,28\n"),
            ("uncore_imc_1/type", "14\n"),
            ("uncore_imc_1/cpumask", "0\n"),
            ("uncore_imc_free_running_0/type", "15\n"),
            ("cpu/type", "4\n"),
        ]);
        let roots = Roots { sys: root.path().into(), proc: "/nowhere".into() };
        let opened: Vec<_> = specs_at(&roots, &reads()).iter().map(|spec| (spec.kind, spec.target)).collect();
        assert_eq!(opened, [(13, Target::Cpu(0)), (13, Target::Cpu(28)), (14, Target::Cpu(0))]);
    }

    #[test]
    fn a_machine_without_the_unit_says_so() {
        let root = machine(&[("cpu/type", "4\n")]);
        let roots = Roots { sys: root.path().into(), proc: "/nowhere".into() };
        assert!(specs_at(&roots, &reads()).is_empty());
        assert!(none(&reads()).detail.contains("uncore_imc"));
    }
}
