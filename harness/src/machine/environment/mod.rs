//! The state of the machine's knobs and neighbours before and after a run: each yes / no / unknown with its effect,
//! and a grade.

mod cgroup;
mod knobs;

use super::files::Roots;
use knobs::{KNOBS, Knob};
use serde::{Deserialize, Serialize};

/// All checks and the grade that follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// `A` (quiet, fixed clock) to `D` (absolute figures mean little).
    pub grade: char,
    /// The checks.
    pub checks: Vec<EnvironmentCheck>,
}

/// One knob or condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentCheck {
    /// Name: `governor`.
    pub name: String,
    /// Value found, or `unknown`.
    pub value: String,
    /// Whether it is as measurements want it; none where unknown.
    pub good: Option<bool>,
    /// What it does to results.
    pub effect: String,
    /// The one command that mends it, where there is one.
    pub remedy: Option<String>,
}

impl Environment {
    /// No knobs: a scripted run.
    pub fn scripted() -> Self {
        Self { grade: 'A', checks: vec![] }
    }
}

impl Environment {
    /// The checks that keep this machine from a grade.
    pub fn in_the_way_of(&self, grade: char) -> Vec<&EnvironmentCheck> {
        let allowed = |check: &EnvironmentCheck| {
            let knob = KNOBS.iter().find(|knob| knob.name == check.name);
            knob.map_or('A', |knob| best_grade(knob.at_best, check.good))
        };
        self.checks.iter().filter(|check| allowed(check) > grade).collect()
    }

    /// What got worse since an earlier check, in words: knobs that were as measurements want them and are not any more.
    /// The run itself is a load of `own_cpus`; beyond that, what runs is somebody else's.
    pub fn worse_than(&self, before: &Self, own_cpus: usize) -> Vec<String> {
        let was = |name: &str| before.checks.iter().find(|check| check.name == name);
        let spoiled = |now: &&EnvironmentCheck| match was(&now.name) {
            Some(then) if now.name == "load" => load_rose(&then.value, &now.value, own_cpus),
            Some(then) => then.good == Some(true) && now.good == Some(false),
            None => false,
        };
        let worse = self.checks.iter().filter(spoiled);
        let told = |now: &EnvironmentCheck| {
            let then = was(&now.name).map_or("unknown", |then| &then.value);
            format!("{} went from {then} to {} during the run: {}", now.name, now.value, now.effect)
        };
        worse.map(told).collect()
    }
}

/// Whether at least one more task runs than before and than this run explains.
fn load_rose(before: &str, after: &str, own_cpus: usize) -> bool {
    let running = |value: &str| value.split_whitespace().next()?.parse::<f64>().ok();
    let rose = |before: f64, after: f64| after >= before.max(own_cpus as f64) + 1.0;
    running(before).zip(running(after)).is_some_and(|(before, after)| rose(before, after))
}

/// Looks at every knob now. To be called before any thread is pinned.
pub fn check() -> Environment {
    check_at(&Roots::real())
}

fn check_at(roots: &Roots) -> Environment {
    let checks: Vec<EnvironmentCheck> = KNOBS.iter().map(|knob| look(knob, roots)).collect();
    let goods = KNOBS.iter().zip(&checks).map(|(knob, check)| (knob.at_best, check.good));
    Environment { grade: grade(goods), checks }
}

fn look(knob: &Knob, roots: &Roots) -> EnvironmentCheck {
    let (value, good) = (knob.look)(roots).unwrap_or_else(|| ("unknown".into(), None));
    let remedy = knob.remedy.filter(|_| good == Some(false)).map(str::to_owned);
    EnvironmentCheck { name: knob.name.into(), value, good, effect: knob.effect.into(), remedy }
}

/// The grade: each knob states the best grade that a machine can have where the knob is wrong (`at_best`), and the
/// worst of these is the machine's. A knob that cannot be read might be wrong: it allows no better than `B`, unless it
/// bears on no grade at all (`at_best` is `A`).
fn grade(knobs: impl Iterator<Item = (char, Option<bool>)>) -> char {
    knobs.map(|(at_best, good)| best_grade(at_best, good)).max().unwrap_or('A')
}

fn best_grade(at_best: char, good: Option<bool>) -> char {
    match good {
        Some(true) => 'A',
        Some(false) => at_best,
        None => at_best.min('B'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::fixture::{Tree, tree};

    /// Bare metal, everything set as measurements want it.
    fn quiet() -> Tree {
        tree(&[
            ("sys/devices/system/cpu/online", "0-7"),
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "performance"),
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "1"),
            ("sys/devices/system/cpu/smt/active", "0"),
            ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc"),
            ("proc/sys/kernel/randomize_va_space", "2"),
            ("proc/sys/kernel/perf_event_paranoid", "1"),
            ("proc/sys/kernel/nmi_watchdog", "0"),
            ("proc/self/status", "Name:\tperfbench\nCpus_allowed_list:\t0-7"),
            ("proc/self/cgroup", "0::/user.slice"),
            ("proc/stat", "cpu  100 0 100 9800 0 0 0 0 0 0\ncpu0 1 2 3"),
            ("proc/pressure/cpu", "some avg10=0.10 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 total=0"),
            ("proc/loadavg", "0.10 0.20 0.30 1/100 4242"),
            ("proc/cpuinfo", "flags\t\t: fpu avx2\nmicrocode\t: 0x2b000161"),
        ])
    }

    fn check_of(environment: &Environment, name: &str) -> EnvironmentCheck {
        environment.checks.iter().find(|check| check.name == name).unwrap().clone()
    }

    #[test]
    fn a_quiet_machine_has_grade_a_and_needs_no_remedy() {
        let environment = check_at(&quiet().roots);
        let wrong: Vec<_> = environment.checks.iter().filter(|check| check.good != Some(true)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(environment.grade, 'A');
    }

    #[test]
    fn where_nothing_can_be_read_all_is_unknown_and_nothing_is_claimed() {
        let environment = check_at(&tree(&[]).roots);
        assert_eq!(environment.grade, 'B');
        assert!(environment.checks.iter().all(|check| check.good.is_none() && check.value == "unknown"));
        assert!(environment.checks.iter().all(|check| check.remedy.is_none()));
    }

    #[test]
    fn each_wrong_knob_lowers_the_grade_to_what_it_allows() {
        let cases = [
            ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave", "governor", 'C'),
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "0", "turbo", 'B'),
            ("sys/devices/system/cpu/smt/active", "1", "smt", 'B'),
            ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", "huge_pages", 'B'),
            ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet", "clocksource", 'B'),
            ("sys/fs/cgroup/user.slice/cpu.max", "50000 100000", "cpu_quota", 'D'),
            ("proc/sys/kernel/randomize_va_space", "0", "aslr", 'B'),
            ("proc/sys/kernel/perf_event_paranoid", "4", "perf_event_paranoid", 'A'),
            ("proc/sys/kernel/nmi_watchdog", "1", "nmi_watchdog", 'A'),
            ("proc/self/status", "Cpus_allowed_list:\t0-3", "affinity", 'B'),
            ("proc/stat", "cpu  100 0 100 9700 0 0 0 100 0 0", "steal", 'D'),
            ("proc/pressure/cpu", "some avg10=12.50 avg60=0.00", "pressure", 'D'),
            ("proc/loadavg", "7.90 1.0 1.0 1/100 1", "load", 'C'),
            ("proc/cpuinfo", "flags\t: fpu hypervisor\nmicrocode\t: 0x1", "hypervisor", 'C'),
        ];
        for (path, content, name, expected) in cases {
            let tree = quiet();
            tree.write(path, content);
            let environment = check_at(&tree.roots);
            assert_eq!(
                (check_of(&environment, name).good, environment.grade),
                (Some(false), expected),
                "{name}"
            );
        }
    }

    #[test]
    fn a_knob_that_a_command_mends_names_the_command_when_it_is_wrong() {
        let tree = quiet();
        tree.write("proc/sys/kernel/nmi_watchdog", "1");
        let check = check_of(&check_at(&tree.roots), "nmi_watchdog");
        assert_eq!(check.remedy.as_deref(), Some("sudo sysctl -w kernel.nmi_watchdog=0"));
    }

    #[test]
    fn what_is_in_the_way_of_a_grade_is_named_and_nothing_else() {
        let tree = quiet();
        tree.write("sys/devices/system/cpu/smt/active", "1");
        tree.write("proc/loadavg", "7.90 1.0 1.0 1/100 1");
        let environment = check_at(&tree.roots);
        let names = |grade| -> Vec<&str> {
            environment.in_the_way_of(grade).iter().map(|check| check.name.as_str()).collect()
        };
        assert_eq!((names('A'), names('B'), names('C')), (vec!["smt", "load"], vec!["load"], vec![]));
    }

    #[test]
    fn what_got_worse_is_told_and_the_load_of_the_run_itself_is_not() {
        let tree = quiet();
        let before = check_at(&tree.roots);
        tree.write("proc/loadavg", "2.40 1.0 1.0 1/100 1");
        assert!(check_at(&tree.roots).worse_than(&before, 2).is_empty());
        tree.write("proc/loadavg", "7.90 1.0 1.0 1/100 1");
        tree.write("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave");
        tree.write("proc/pressure/cpu", "some avg10=12.50 avg60=0.00");
        let worse = check_at(&tree.roots).worse_than(&before, 2);
        assert_eq!(worse.len(), 3, "{worse:?}");
        assert!(worse[0].starts_with("governor went from performance to powersave during the run"));
        assert!(before.worse_than(&check_at(&tree.roots), 2).is_empty());
    }

    #[test]
    fn the_worst_knob_decides_and_an_unknown_one_allows_b() {
        let grade = |knobs: &[(char, Option<bool>)]| grade(knobs.iter().copied());
        assert_eq!(grade(&[]), 'A');
        assert_eq!(grade(&[('D', Some(true)), ('B', Some(false)), ('C', Some(false))]), 'C');
        assert_eq!(grade(&[('D', None), ('A', None)]), 'B');
        assert_eq!(grade(&[('A', None), ('A', Some(false))]), 'A');
    }
}
