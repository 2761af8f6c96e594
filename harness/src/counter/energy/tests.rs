//! The meter on a machine of files whose time and power are dictated.

use super::*;
use crate::machine::files::fixture::{Tree, tree};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// A machine of one or more zones, each with its power when idle and when busy, whose time a test lets pass.
struct Machine {
    tree: Tree,
    now_s: Cell<f64>,
    zones: RefCell<BTreeMap<&'static str, Zone>>,
}

struct Zone {
    uj: f64,
    range_uj: f64,
    idle_w: f64,
    busy_w: f64,
}

impl Machine {
    fn new() -> Self {
        let zones = RefCell::default();
        Self { tree: tree(&[]), now_s: Cell::new(0.0), zones }
    }

    fn with(self, folder: &'static str, name: &str, range: Option<f64>, uj: f64, watts: [f64; 2]) -> Self {
        self.write(folder, "name", name);
        range.inspect(|range| self.write(folder, "max_energy_range_uj", &format!("{range:.0}")));
        let [idle_w, busy_w] = watts;
        let zone = Zone { uj, range_uj: range.unwrap_or(1e15), idle_w, busy_w };
        self.zones.borrow_mut().insert(folder, zone);
        self.pass(0.0, |zone| zone.idle_w);
        self
    }

    fn write(&self, folder: &str, file: &str, text: &str) {
        self.tree.write(&format!("sys/class/powercap/{folder}/{file}"), text);
    }

    fn pass(&self, seconds: f64, watts: impl Fn(&Zone) -> f64) {
        self.now_s.set(self.now_s.get() + seconds);
        for (folder, zone) in self.zones.borrow_mut().iter_mut() {
            zone.uj = (zone.uj + watts(zone) * seconds * 1e6) % zone.range_uj;
            self.write(folder, "energy_uj", &format!("{:.0}", zone.uj));
        }
    }

    fn open(&self) -> Result<Meter<&Machine>, Unavailable> {
        Meter::open(self.tree.roots.clone(), self)
    }

    /// What is counted over operations of a millisecond each.
    fn count(&self, ops: u64) -> Vec<Result<f64, Unavailable>> {
        let mut meter = self.open().expect("there are zones");
        let region = |meter: &mut Meter<_>, ops: u64| {
            meter.start();
            self.pass(ops as f64 / 1e3, |zone| zone.busy_w);
            meter.stop(ops)
        };
        while let Some(ops) = meter.rehearsal(ops) {
            region(&mut meter, ops);
        }
        region(&mut meter, ops).into_iter().map(|reading| reading.value.map(f64::round)).collect()
    }
}

impl Time for &Machine {
    fn now_s(&self) -> f64 {
        self.now_s.get()
    }

    fn idle(&self, seconds: f64) {
        self.pass(seconds, |zone| zone.idle_w);
    }
}

const PACKAGE: [f64; 2] = [20.0, 50.0];

#[test]
fn energy_is_told_less_what_the_machine_uses_idle_and_that_beside_it() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 5e6, PACKAGE);
    let counted = machine.count(10);
    assert_eq!(counted[..2], [Ok(300_000.0), Ok(200_000.0)]);
}

#[test]
fn a_zone_without_its_like_is_absent_alone() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 5e6, PACKAGE);
    let reason = machine.count(10)[2].clone().unwrap_err();
    assert_eq!(reason.reason, Reason::NeedsDevice);
    assert_eq!(reason.detail, "powercap has no dram zone on this machine");
}

#[test]
fn two_packages_and_their_memory_are_added_up() {
    let machine = Machine::new()
        .with("intel-rapl:0", "package-0", Some(1e9), 0.0, PACKAGE)
        .with("intel-rapl:1", "package-1", Some(1e9), 7e5, [10.0, 11.0])
        .with("intel-rapl:0:0", "dram", Some(1e9), 1.0, [2.0, 3.0])
        .with("intel-rapl:1:0", "dram", Some(1e9), 2.0, [2.0, 4.0])
        .with("intel-rapl:0:1", "core", Some(1e9), 0.0, [1.0, 99.0])
        .with("intel-rapl:2", "psys", Some(1e9), 0.0, [1.0, 99.0])
        .with("intel-rapl-mmio:0", "package-0", Some(1e9), 0.0, [1.0, 99.0]);
    let expected = [310_000.0, 300_000.0, 30_000.0, 40_000.0];
    assert_eq!(machine.count(10), expected.map(Ok));
}

#[test]
fn a_zone_that_starts_again_from_nought_goes_on() {
    for start_uj in [0.0, 9.9e6, 9.999e6] {
        let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e7), start_uj, PACKAGE);
        assert_eq!(machine.count(10)[0], Ok(300_000.0), "from {start_uj}");
    }
    assert_eq!(since("zone", Some(100), 90, 5), Ok(15.0));
}

#[test]
fn a_zone_that_does_not_tell_its_range_counts_until_it_starts_again() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", None, 5e6, PACKAGE);
    assert_eq!(machine.count(10)[0], Ok(300_000.0));
    let reason = since("zone", None, 90, 5).unwrap_err();
    assert!(reason.detail.contains("does not tell its range"), "{reason}");
    assert!(since("zone", Some(80), 90, 5).is_err());
}

#[test]
fn short_regions_are_repeated_until_they_are_long_enough_together() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 0.0, PACKAGE);
    let mut meter = machine.open().unwrap();
    let mut regions = 0;
    while let Some(ops) = meter.rehearsal(7) {
        meter.start();
        machine.pass(0.03, |zone| zone.busy_w);
        meter.stop(ops);
        regions += 1;
    }
    assert_eq!((regions, meter.ops), (4, 28));
}

#[test]
fn a_region_that_is_too_short_says_so() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 0.0, PACKAGE);
    let mut meter = machine.open().unwrap();
    meter.start();
    machine.pass(0.02, |zone| zone.busy_w);
    let reason = meter.stop(1).swap_remove(0).value.unwrap_err();
    assert_eq!(
        reason.detail,
        "the regions took 20 ms together and energy needs 100 ms; count more operations"
    );
}

#[test]
fn an_idle_window_in_which_something_ran_is_no_measure_of_idling() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 0.0, [50.0, 20.0]);
    for reading in &machine.count(10)[..2] {
        let reason = reading.clone().unwrap_err();
        assert!(reason.detail.contains("used 50.0 W before the operations and 20.0 W during"), "{reason}");
    }
}

#[test]
fn a_zone_that_never_moves_has_no_energy_rather_than_none_used() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 7.0, [0.0, 0.0]);
    for reading in &machine.count(10)[..2] {
        let reason = reading.clone().unwrap_err();
        assert!(reason.detail.starts_with("intel-rapl:0 stood still for 0.1"), "{reason}");
    }
}

#[test]
fn the_method_tells_the_zones_the_time_and_the_idle_power() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 0.0, PACKAGE).with(
        "intel-rapl:1",
        "package-1",
        Some(1e9),
        0.0,
        [10.0, 10.0],
    );
    let mut meter = machine.open().unwrap();
    meter.start();
    machine.pass(0.25, |zone| zone.busy_w);
    let reading = meter.stop(1).swap_remove(0);
    assert_eq!(reading.method, "intel-rapl:0 + intel-rapl:1, 0.25 s, idle 30.0 W");
    assert_eq!(reading.provenance, Provenance::HwRaw);
}

#[test]
fn a_machine_without_powercap_needs_a_device() {
    for files in [&[][..], &[("sys/class/powercap/intel-rapl/enabled", "1")][..]] {
        let reason = Zones::find(&tree(files).roots).err().expect("no zone");
        assert_eq!(reason.reason, Reason::NeedsDevice);
        assert!(reason.detail.starts_with("no powercap"), "{reason}");
    }
}

#[test]
fn what_is_no_number_is_told() {
    let machine = Machine::new().with("intel-rapl:0", "package-0", Some(1e9), 0.0, PACKAGE);
    for text in ["", "-5", "12.5", "many"] {
        machine.write("intel-rapl:0", "energy_uj", text);
        let reason = machine.open().err().expect("no number");
        assert_eq!(reason.reason, Reason::Unsupported);
        assert!(reason.detail.contains(&format!("{text:?}, which is no number")), "{reason}");
    }
}

#[test]
fn who_may_not_read_is_told_what_would_let_him() {
    let reason = unreadable("intel-rapl:0", ErrorKind::PermissionDenied);
    assert_eq!(reason.reason, Reason::NoPrivilege);
    assert!(reason.detail.contains("chmod a+r"), "{reason}");
    let folder = tree(&[("sys/class/powercap/intel-rapl:0/name", "package-0")]);
    let reason = Zones::find(&folder.roots).err().expect("energy_uj is missing");
    assert_eq!(reason.reason, Reason::Unsupported);
}
