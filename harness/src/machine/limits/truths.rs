//! Facts that hold on every machine of an architecture, beside what was measured of them here: where one disagrees, the
//! measuring is to be distrusted before the machine is.

use super::steps::SPACING;
use crate::Unavailable;
use crate::machine::Machine;
use crate::record::Limit;
use crate::stats::interval::Interval;
use crate::unavailable::Reason;
use serde::Serialize;

/// What a dependent multiply costs in dependent adds on every x86-64 core of the last decade.
const MULTIPLY_ADDS: Interval = Interval { value: 3.0, low: 2.94, high: 3.06 };

/// What the timing loop costs around nothing.
const EMPTY_BODY_NS: Interval = Interval { value: 0.0, low: -1.0, high: 1.0 };

/// How far the cost of a chase that fits a level may lie from the level's latency: the two are measured minutes apart
/// in the worst case, on other pages.
const CHASE_TOLERANCE: f64 = 0.1;

/// Boxes made to see whether as many are counted.
const ALLOCATIONS: u32 = 1000;

/// Something known, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// What it says, one line.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// What it is known to be, and the bounds of what agrees.
    pub expected: Interval,
    /// What was measured, or why it could not be.
    pub measured: Result<f64, Unavailable>,
}

impl Truth {
    /// Whether the measurement bears it out; none where there is none.
    pub fn agrees(&self) -> Option<bool> {
        let measured = self.measured.as_ref().ok()?;
        Some((self.expected.low..=self.expected.high).contains(measured))
    }
}

/// What the limits of a run say of the truths that need no further measurement. Pure.
pub fn of(machine: &Machine, limits: &[Limit]) -> Vec<Truth> {
    let multiply = (machine.architecture == "x86_64").then(|| {
        truth("a dependent multiply costs three dependent adds", limits, "imul_adds", MULTIPLY_ADDS)
    });
    let empty = truth("an empty body costs nothing", limits, "empty_body", EMPTY_BODY_NS);
    let sizes = [1, 2].into_iter().filter_map(|level| size(machine, limits, level));
    let chases = [1, 2].into_iter().filter_map(|level| chase(machine, limits, level));
    multiply.into_iter().chain([empty]).chain(sizes).chain(chases).collect()
}

/// Whether as many allocations are counted as are made; other threads must not allocate meanwhile.
pub fn allocations() -> Truth {
    let expected = Interval::exact(f64::from(ALLOCATIONS));
    let name = format!("{ALLOCATIONS} allocations count {ALLOCATIONS}");
    Truth {
        name,
        unit: "allocations".into(),
        expected,
        measured: crate::counter::heap::count_boxes(ALLOCATIONS),
    }
}

fn truth(name: &str, limits: &[Limit], limit: &str, expected: Interval) -> Truth {
    let known = limits.iter().find(|known| known.name == limit);
    let unit = known.map_or(String::new(), |known| known.unit.clone());
    let missing =
        || Err(Unavailable::new(Reason::Unsupported, format!("the limit {limit} was not measured")));
    let measured = known.map_or_else(missing, |known| known.value.clone().map(|found| found.value));
    Truth { name: name.into(), unit, expected, measured }
}

/// The size found, against the size stated; none where no size is stated.
fn size(machine: &Machine, limits: &[Limit], level: u8) -> Option<Truth> {
    let stated_kib = machine.cache(level)?.size_bytes as f64 / 1024.0;
    let expected = Interval { value: stated_kib, low: stated_kib / SPACING, high: stated_kib * SPACING };
    let name = format!("the step of level {level} ends where the machine states its cache to");
    Some(truth(&name, limits, &format!("l{level}_size"), expected))
}

/// A chase of a quarter of the stated size, taken from the staircase, against the level's latency, measured by itself.
fn chase(machine: &Machine, limits: &[Limit], level: u8) -> Option<Truth> {
    let quarter_kib = machine.cache(level)?.size_bytes as f64 / 4096.0;
    let curve = limits.iter().map(|limit| &limit.curve).find(|curve| !curve.is_empty())?;
    let [kib, ns] = curve.iter().copied().rfind(|[kib, _]| *kib <= quarter_kib)?;
    let name = format!("a chase of {kib} KiB costs the latency of level {level}");
    let latency = truth(&name, limits, &format!("l{level}_latency"), Interval::exact(0.0));
    let value = latency.measured.clone().ok()?;
    let expected =
        Interval { value, low: value * (1.0 - CHASE_TOLERANCE), high: value * (1.0 + CHASE_TOLERANCE) };
    Some(Truth { expected, measured: Ok(ns), ..latency })
}

/// What stands beside the limit of a multiply.
pub fn multiply_note(adds: f64) -> String {
    if cfg!(target_arch = "x86_64") {
        format!("architectural {:.2}: {}", MULTIPLY_ADDS.value, word(adds, MULTIPLY_ADDS))
    } else {
        "no one figure holds for all cores of this architecture".into()
    }
}

/// What stands beside the limit of an empty body.
pub fn empty_body_note(ns: f64) -> String {
    format!("truth 0 +- 1 ns: {}", word(ns, EMPTY_BODY_NS))
}

fn word(measured: f64, expected: Interval) -> &'static str {
    if (expected.low..=expected.high).contains(&measured) { "agrees" } else { "disagrees" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(name: &str, value: f64) -> Limit {
        let (about, unit) = ("a limit".into(), "ns".into());
        let (curve, repeats, pairs) = (vec![], vec![], vec![]);
        Limit {
            name: name.into(),
            about,
            unit,
            value: Ok(Interval::exact(value)),
            note: None,
            curve,
            repeats,
            pairs,
        }
    }

    fn measured() -> Vec<Limit> {
        let l1 = Limit { curve: vec![[8.0, 1.0], [64.0, 3.4], [256.0, 3.6]], ..limit("l1_latency", 1.02) };
        let sizes = [limit("l1_size", 32.0), limit("l2_size", 896.0)];
        let others = [limit("imul_adds", 3.01), limit("empty_body", 0.5), limit("l2_latency", 3.5), l1];
        sizes.into_iter().chain(others).collect()
    }

    fn machine() -> Machine {
        Machine { architecture: "x86_64".into(), ..Machine::scripted() }
    }

    #[test]
    fn a_machine_measured_well_agrees_with_every_truth() {
        let truths = of(&machine(), &measured());
        assert_eq!(truths.len(), 6);
        assert!(truths.iter().all(|truth| truth.agrees() == Some(true)), "{truths:#?}");
    }

    #[test]
    fn each_wrong_limit_disagrees_with_its_truth_alone() {
        for (name, wrong) in [
            ("imul_adds", 3.2),
            ("empty_body", 1.4),
            ("l1_size", 64.0),
            ("l1_latency", 1.3),
            ("l2_latency", 4.2),
        ] {
            let mut limits = measured();
            limits.iter_mut().filter(|limit| limit.name == name).for_each(|limit| {
                limit.value = Ok(Interval::exact(wrong));
            });
            let truths = of(&machine(), &limits);
            assert_eq!(truths.iter().filter(|truth| truth.agrees() == Some(false)).count(), 1, "{name}");
        }
    }

    #[test]
    fn what_was_not_measured_neither_agrees_nor_disagrees() {
        let truths = of(&machine(), &[]);
        assert!(truths.len() == 4 && truths.iter().all(|truth| truth.agrees().is_none()));
    }

    #[test]
    fn no_multiply_is_promised_on_other_architectures() {
        assert_eq!(of(&Machine::scripted(), &measured()).len(), 5);
    }
}
