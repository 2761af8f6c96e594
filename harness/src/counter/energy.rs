//! Energy that the processors and their memory used, from the kernel's powercap zones (RAPL), less what the machine uses
//! when it idles. The zones know no process: what others do meanwhile is in them.

use super::{Counter, Event, Group, Place, Reading, Selection, Source};
use crate::isa::Isa;
use crate::machine::files::Roots;
use crate::record::Provenance;
use crate::unavailable::{Reason, Unavailable};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// The zones are brought up to date once a millisecond: a shorter region says nothing, seconds.
const LEAST_S: f64 = 0.1;

/// How long the machine idles before the first region, seconds.
const IDLE_S: f64 = 0.1;

const ZONES: &str = "class/powercap";

static EVENTS: [Event; 4] = [
    Event { name: "package_energy_uj", about: "energy of all processor packages, less what they use idle" },
    Event {
        name: "package_idle_energy_uj",
        about: "what all processor packages use in the same time when idle",
    },
    Event { name: "dram_energy_uj", about: "energy of all memory, less what it uses idle" },
    Event { name: "dram_idle_energy_uj", about: "what all memory uses in the same time when idle" },
];

/// What a zone feeds, with the beginning of such zones' names.
const KINDS: [&str; 2] = ["package", "dram"];

/// The powercap zones. They count in a process of its own: a region has to be long, and comes after idling.
#[derive(Debug)]
pub struct Energy;

impl Source for Energy {
    fn name(&self) -> &'static str {
        "powercap"
    }

    fn group(&self) -> Group {
        Group::Energy
    }

    fn events(&self) -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn place(&self) -> Place {
        Place::Own
    }

    fn sees_machine(&self) -> bool {
        true
    }

    /// Nothing is wrapped around the process; but where there are no zones, none is started for them.
    fn under(&self, _: Isa) -> Result<Vec<String>, Unavailable> {
        Zones::find(&Roots::real()).map(|_| Vec::new())
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        Ok(Box::new(Meter::open(Roots::real(), RealTime(Instant::now()))?))
    }
}

/// The clock that a meter runs by.
trait Time {
    /// Seconds since some moment.
    fn now_s(&self) -> f64;

    /// Lets the machine idle.
    fn idle(&self, seconds: f64);
}

/// The system's monotonic clock.
struct RealTime(Instant);

impl Time for RealTime {
    fn now_s(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    fn idle(&self, seconds: f64) {
        std::thread::sleep(Duration::from_secs_f64(seconds));
    }
}

/// What the zones of a kind stand at, in microjoules.
type Stand = Result<Vec<u64>, Unavailable>;

/// The zones of one kind.
struct Kind {
    name: &'static str,
    /// Folders of the zones, and at how many microjoules each starts again from nought, where it tells.
    zones: Vec<(String, Option<u64>)>,
}

/// The zones of every kind, in the order of `KINDS`.
struct Zones {
    roots: Roots,
    kinds: Vec<Kind>,
}

impl Zones {
    /// Looks which zones there are and whether they can be read.
    fn find(roots: &Roots) -> Result<Self, Unavailable> {
        let folders = roots.names(ZONES, "intel-rapl:");
        let kinds: Vec<_> = KINDS.iter().map(|name| Kind::find(roots, &folders, name)).collect();
        if kinds.iter().all(|kind| kind.zones.is_empty()) {
            let detail = "no powercap: this machine shows no energy counter to Linux, as nearly all virtual machines; \
                          measure on the host, with the module intel_rapl_msr loaded";
            return Err(Unavailable::new(Reason::NeedsDevice, detail));
        }
        let zones = Self { roots: roots.clone(), kinds };
        match zones.read().into_iter().find_map(Result::err) {
            Some(reason) => Err(reason),
            None => Ok(zones),
        }
    }

    /// What each zone of each kind stands at; none of a kind that has no zone.
    fn read(&self) -> Vec<Stand> {
        self.kinds.iter().map(|kind| kind.read(&self.roots)).collect()
    }
}

impl Kind {
    /// The zones whose names begin so. Those below `intel-rapl-mmio` count the same packages a second time.
    fn find(roots: &Roots, folders: &[String], name: &'static str) -> Self {
        let path = |folder: &str, file: &str| roots.sys(&format!("{ZONES}/{folder}/{file}"));
        let ours = |folder: &&String| path(folder, "name").is_some_and(|told| told.starts_with(name));
        let range = |folder: &String| path(folder, "max_energy_range_uj").and_then(|text| text.parse().ok());
        let zones = folders.iter().filter(ours).map(|folder| (folder.clone(), range(folder))).collect();
        Self { name, zones }
    }

    fn read(&self, roots: &Roots) -> Stand {
        self.zones.iter().map(|(folder, _)| energy_uj(roots, folder)).collect()
    }

    /// Microjoules between two readings of all zones together.
    fn used_uj(&self, before: &Stand, after: &Stand) -> Result<f64, Unavailable> {
        if self.zones.is_empty() {
            return Err(self.absent());
        }
        let (before, after) = (before.clone()?, after.clone()?);
        let zones = self.zones.iter().zip(before.into_iter().zip(after));
        zones.map(|((folder, range), (before, after))| since(folder, *range, before, after)).sum()
    }

    fn absent(&self) -> Unavailable {
        Unavailable::new(Reason::NeedsDevice, format!("powercap has no {} zone on this machine", self.name))
    }

    fn folders(&self) -> String {
        let folders: Vec<_> = self.zones.iter().map(|(folder, _)| folder.as_str()).collect();
        folders.join(" + ")
    }
}

fn energy_uj(roots: &Roots, folder: &str) -> Result<u64, Unavailable> {
    let path = roots.sys.join(ZONES).join(folder).join("energy_uj");
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(folder, error.kind()))?;
    text.trim().parse().map_err(|_| {
        let detail =
            format!("energy_uj of powercap zone {folder} says {:?}, which is no number", text.trim());
        Unavailable::new(Reason::Unsupported, detail)
    })
}

fn unreadable(folder: &str, error: ErrorKind) -> Unavailable {
    match error {
        ErrorKind::PermissionDenied => Unavailable::new(
            Reason::NoPrivilege,
            "only root may read energy counters, because they tell what other users compute; run as root, or as root: \
             chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj",
        ),
        other => {
            let detail = format!("energy_uj of powercap zone {folder} cannot be read: {other}");
            Unavailable::new(Reason::Unsupported, detail)
        }
    }
}

/// Microjoules between two readings of a zone that starts again from nought after its range, at most once in between.
fn since(folder: &str, range: Option<u64>, before: u64, after: u64) -> Result<f64, Unavailable> {
    match (after.checked_sub(before), range) {
        (Some(used), _) => Ok(used as f64),
        (None, Some(range)) if before <= range => Ok((range - before + after) as f64),
        (None, _) => {
            let detail =
                format!("powercap zone {folder} started again from nought and does not tell its range");
            Err(Unavailable::new(Reason::Unsupported, detail))
        }
    }
}

/// A moment, and what the zones stood at.
struct Moment {
    at_s: f64,
    zones: Vec<Stand>,
}

/// Energy and time from the first region's start to the latest one's end. Regions are short beside the zones' grain, so
/// that all of them are one measurement, in which the counted one has its share by operations.
struct Meter<T> {
    zones: Zones,
    time: T,
    /// Watts of each kind when the machine idles.
    idle_w: Vec<Result<f64, Unavailable>>,
    began: Option<Moment>,
    ops: u64,
}

impl<T: Time> Meter<T> {
    /// Finds the zones and measures what they use while the machine idles.
    fn open(roots: Roots, time: T) -> Result<Self, Unavailable> {
        let zones = Zones::find(&roots)?;
        let mut meter = Self { zones, time, idle_w: Vec::new(), began: None, ops: 0 };
        let before = meter.moment();
        meter.time.idle(IDLE_S);
        let after = meter.moment();
        let took_s = after.at_s - before.at_s;
        meter.idle_w =
            meter.used_uj(&before, &after).into_iter().map(|used| used.map(|uj| uj / 1e6 / took_s)).collect();
        Ok(meter)
    }

    fn moment(&self) -> Moment {
        Moment { at_s: self.time.now_s(), zones: self.zones.read() }
    }

    /// Microjoules of each kind between two moments.
    fn used_uj(&self, before: &Moment, after: &Moment) -> Vec<Result<f64, Unavailable>> {
        let moments = before.zones.iter().zip(&after.zones);
        let kinds = self.zones.kinds.iter().zip(moments);
        kinds.map(|(kind, (before, after))| kind.used_uj(before, after)).collect()
    }

    fn elapsed_s(&self) -> f64 {
        self.began.as_ref().map_or(0.0, |began| self.time.now_s() - began.at_s)
    }

    /// What was used beyond idling and what idling would have, each for so many of the operations so far.
    fn readings_of(
        &self,
        kind: usize,
        used_uj: Result<f64, Unavailable>,
        took_s: f64,
        share: f64,
    ) -> [Reading; 2] {
        let [net, idle] = [EVENTS[2 * kind].name, EVENTS[2 * kind + 1].name];
        let folders = self.zones.kinds[kind].folders();
        let idle_w = self.idle_w[kind].clone();
        let known = used_uj.and_then(|used_uj| {
            let idle_w = idle_w?;
            above_idle(used_uj, idle_w, took_s, &folders).map(|()| (used_uj, idle_w))
        });
        match known {
            Ok((used_uj, idle_w)) => {
                let idle_uj = idle_w * took_s * 1e6;
                let reading = |name, uj: f64| {
                    Reading::counted(name, uj * share, Provenance::HwRaw)
                        .by(format!("{folders}, {took_s:.2} s, idle {idle_w:.1} W"))
                };
                [reading(net, used_uj - idle_uj), reading(idle, idle_uj)]
            }
            Err(reason) => [net, idle].map(|name| Reading::absent(name, reason.clone())),
        }
    }
}

impl<T: Time> Counter for Meter<T> {
    fn start(&mut self) {
        if self.began.is_none() {
            self.began = Some(self.moment());
        }
    }

    /// Regions go on until they are long enough together.
    fn rehearsal(&mut self, most: u64) -> Option<u64> {
        (self.elapsed_s() < LEAST_S).then_some(most)
    }

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        let ended = self.moment();
        let began = self.began.as_ref().expect("a region is started before it is ended");
        self.ops += ops;
        let took_s = ended.at_s - began.at_s;
        let share = if ops == 0 { 0.0 } else { ops as f64 / self.ops as f64 };
        let used =
            self.used_uj(began, &ended).into_iter().map(|used| long_enough(took_s).and(used)).enumerate();
        used.flat_map(|(kind, used)| self.readings_of(kind, used, took_s, share)).collect()
    }
}

/// Refuses zones that stood still, and an idle power that was none.
fn above_idle(used_uj: f64, idle_w: f64, took_s: f64, folders: &str) -> Result<(), Unavailable> {
    let refuse = |detail| Err(Unavailable::new(Reason::Unsupported, detail));
    let used_w = used_uj / 1e6 / took_s;
    if used_uj <= 0.0 {
        return refuse(format!(
            "{folders} stood still for {took_s:.2} s, so its zero would say nothing; choose another machine"
        ));
    }
    if used_w < idle_w {
        return refuse(format!(
            "{folders} used {idle_w:.1} W before the operations and {used_w:.1} W during them: something else ran while the \
             machine should have idled; end it and count again"
        ));
    }
    Ok(())
}

fn long_enough(took_s: f64) -> Result<(), Unavailable> {
    if took_s >= LEAST_S {
        return Ok(());
    }
    let detail = format!(
        "the regions took {:.0} ms together and energy needs {:.0} ms; count more operations",
        took_s * 1e3,
        LEAST_S * 1e3
    );
    Err(Unavailable::new(Reason::Unsupported, detail))
}

#[cfg(test)]
mod tests;
