//! What must hold on a machine with seven counters, and what must be said on one with none. Every check calls what a run
//! of perfbench calls.

use crate::boot::set;
use crate::loops::{PER_TURN, turns};
use perf_event::events::Hardware;
use perf_event::{Builder, Counter as Pinned};
use perfbench_harness::counter::perf_event::{CACHE, CORE};
use perfbench_harness::counter::{self, Counter, Reading, Selection, Source};
use perfbench_harness::record::Provenance;
use perfbench_harness::{Reason, Unavailable};
use rustix::process::{Pid, WaitOptions, waitpid};

/// What was found, or what was found instead.
pub type Check = fn() -> Result<String, String>;

/// For a machine that has counters.
pub const WITH_PMU: &[(&str, Check)] = &[
    ("instructions-are-linear", || as_nobody(instructions_are_linear)),
    ("shared-counters-are-scaled", || as_nobody(shared_counters_are_scaled)),
    ("starved-is-not-zero", starved_is_not_zero),
    ("paranoia-is-explained", paranoia_is_explained),
];

/// For a machine that has none.
pub const WITHOUT_PMU: &[(&str, Check)] = &[("no-counter-has-a-reason", no_counter_has_a_reason)];

/// The user without privilege.
const NOBODY: u32 = 65534;

/// Two instructions a turn, however many turns, without anything that the region itself costs.
fn instructions_are_linear() -> Result<String, String> {
    let counted = |turns_| {
        let counts = counter::count_here(&selection("core"), turns_, &mut { turns });
        let instructions = counts.into_iter().find(|count| count.name.starts_with("instructions"));
        instructions.ok_or("no such count")?.per_op.map_err(|why| why.to_string())
    };
    let found: Vec<f64> =
        [100_000, 300_000, 1_000_000, 3_000_000].map(counted).into_iter().collect::<Result<_, _>>()?;
    let exact = found.iter().all(|per_turn| (per_turn / PER_TURN - 1.0).abs() < 1e-4);
    held(exact, format!("{found:?} instructions a turn of two"))
}

/// Twelve events on seven counters: each has a counter for a part of the time, says for which, and is scaled to the truth.
fn shared_counters_are_scaled() -> Result<String, String> {
    const TURNS: u64 = 100_000_000;
    let open = |_| CORE.open(&selection("core")).map_err(|why| why.to_string());
    let mut groups: Vec<Box<dyn Counter>> = (0..6).map(open).collect::<Result<_, _>>()?;
    groups.iter_mut().for_each(|group| group.start());
    turns(TURNS);
    let instructions = |group: &mut Box<dyn Counter>| named(group.stop(TURNS), "instructions");
    let readings: Vec<Reading> = groups.iter_mut().map(instructions).collect::<Result<_, _>>()?;
    let mut told = Vec::new();
    for reading in readings {
        let value = reading.value.map_err(|why| why.to_string())? / TURNS as f64;
        let Provenance::HwScaled(share) = reading.provenance else {
            return Err(format!("{value} a turn is not marked as scaled: {:?}", reading.provenance));
        };
        told.push(format!("{value:.4} ({:.1} % of the time)", 100.0 * share));
        if (value / PER_TURN - 1.0).abs() > 0.005 {
            return Err(told.join(", "));
        }
    }
    Ok(told.join(", "))
}

/// Others hold every counter for the whole region.
fn starved_is_not_zero() -> Result<String, String> {
    let others = hold_all()?;
    let mut group = CORE.open(&selection("core")).map_err(|why| why.to_string())?;
    group.start();
    turns(1_000_000);
    let reading = named(group.stop(1_000_000), "instructions")?;
    let told = match reading.value {
        Ok(value) => {
            return Err(format!("{value} instructions, while {} events held the counters", others.len()));
        }
        Err(why) => why,
    };
    let is_starved = told.reason == Reason::InUse && told.detail.starts_with("not counted");
    held(is_starved, format!("{} counters held: {told}", others.len()))
}

/// Pinned events of this thread, as many as there are counters.
fn hold_all() -> Result<Vec<Pinned>, String> {
    let mut held = Vec::new();
    loop {
        let mut builder = Builder::new(Hardware::INSTRUCTIONS);
        builder.attrs_mut().set_pinned(1);
        let mut counter = builder.build().map_err(|error| error.to_string())?;
        counter.enable().map_err(|error| error.to_string())?;
        // A pinned event that finds no counter reads nothing.
        if counter.read().is_err() || held.len() > 32 {
            return Ok(held);
        }
        held.push(counter);
    }
}

/// Debian's strictest setting, as an ordinary user: nothing opens, and each event says which setting mends it.
fn paranoia_is_explained() -> Result<String, String> {
    set("kernel/perf_event_paranoid", "3");
    let found = as_nobody(|| {
        every_event_says(|why| {
            why.reason == Reason::NoPrivilege && why.detail.contains("perf_event_paranoid")
        })
    });
    set("kernel/perf_event_paranoid", "2");
    found
}

fn no_counter_has_a_reason() -> Result<String, String> {
    every_event_says(|why| why.reason == Reason::NoPmu && why.detail.contains("ENOENT"))
}

fn every_event_says(expected: fn(&Unavailable) -> bool) -> Result<String, String> {
    let facts: Vec<_> = [&CORE, &CACHE].into_iter().flat_map(|source| counter::facts_of(source)).collect();
    for fact in &facts {
        match &fact.unavailable {
            Some(why) if expected(why) => {}
            other => return Err(format!("{}: {other:?}", fact.name)),
        }
    }
    Ok(format!("{} events: {}", facts.len(), facts[0].unavailable.as_ref().expect("it has a reason")))
}

fn named(readings: Vec<Reading>, name: &str) -> Result<Reading, String> {
    readings
        .into_iter()
        .find(|reading| reading.name.trim_end_matches(":u") == name)
        .ok_or(format!("no {name}"))
}

fn selection(word: &str) -> Selection {
    word.parse().expect("the word is a group")
}

fn held(holds: bool, found: String) -> Result<String, String> {
    if holds { Ok(found) } else { Err(found) }
}

/// Runs a check as the user `nobody` in a child, which tells what it found.
fn as_nobody(check: Check) -> Result<String, String> {
    let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    // SAFETY: this process has one thread, so the child is a whole copy of it.
    match unsafe { libc::fork() } {
        -1 => Err(format!("fork failed: {}", std::io::Error::last_os_error())),
        0 => std::process::exit(child(check, writer)),
        id => {
            drop(writer);
            let found = std::io::read_to_string(reader).map_err(|error| error.to_string())?;
            let id = Pid::from_raw(id).expect("fork returned a child");
            let (_, status) = waitpid(Some(id), WaitOptions::empty()).expect("a child").expect("its end");
            held(status.exit_status() == Some(0), found)
        }
    }
}

fn child(check: Check, mut writer: std::io::PipeWriter) -> i32 {
    // SAFETY: changes the user of this process, which has one thread; takes no pointers.
    let status = unsafe { libc::setresuid(NOBODY, NOBODY, NOBODY) };
    assert_eq!(status, 0, "the first process may become nobody");
    let found = check();
    let text = found.as_ref().unwrap_or_else(|text| text);
    std::io::Write::write_all(&mut writer, text.as_bytes()).expect("the parent reads");
    i32::from(found.is_err())
}
