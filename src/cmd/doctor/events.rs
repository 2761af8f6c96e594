//! The kinds of events that the kernel grants, as text: those that open together, then each refusal with its remedy.

use super::text::entry;
use perfbench_harness::counter::perf_event::classes::{EventClass, Sight};

/// The section's lines; nothing where no kind was tried.
pub fn text(events: &[EventClass]) -> String {
    let mut lines: Vec<String> = [
        (Sight::All, "user and kernel"),
        (Sight::User, "user mode only"),
        (Sight::Blind, "blind, stays at 0"),
    ]
    .into_iter()
    .filter_map(|(sight, name)| seen(events, sight).map(|names| entry(name, &names)))
    .collect();
    for (why, names) in refused(events) {
        lines.push(entry("refused", &format!("{names}: {why}")));
    }
    lines.concat()
}

fn seen(events: &[EventClass], sight: Sight) -> Option<String> {
    let names: Vec<&str> = events.iter().filter(|event| event.sight == Some(sight)).map(|e| e.name).collect();
    (!names.is_empty()).then(|| by_family(&names))
}

/// Refusals, kinds with one reason together.
fn refused(events: &[EventClass]) -> Vec<(String, String)> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for event in events {
        let Some(why) = event.unavailable.as_ref().map(ToString::to_string) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(event.name),
            None => reasons.push((why, vec![event.name])),
        }
    }
    reasons.into_iter().map(|(why, names)| (why, by_family(&names))).collect()
}

/// `software: a, b; sampling: c` of `software: a`, `software: b`, `sampling: c`.
fn by_family(names: &[&str]) -> String {
    let mut families: Vec<(&str, Vec<&str>)> = Vec::new();
    for name in names {
        let (family, event) = name.split_once(": ").unwrap_or((name, name));
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, events)) => events.push(event),
            None => families.push((family, vec![event])),
        }
    }
    let told = families.iter().map(|(family, events)| format!("{family} ({})", events.join(", ")));
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use perfbench_harness::{Reason, Unavailable};

    fn event(name: &'static str, sight: Option<Sight>) -> EventClass {
        let why = || Unavailable::new(Reason::NoPmu, "there is no such counter; measure on the host");
        EventClass { name, about: "", sight, unavailable: sight.is_none().then(why) }
    }

    pub fn example() -> Vec<EventClass> {
        vec![
            event("hardware: cycles", None),
            event("hardware: instructions", None),
            event("software: page-faults", Some(Sight::User)),
            event("software: context-switches", Some(Sight::Blind)),
            event("sampling: call chains", Some(Sight::User)),
        ]
    }

    #[test]
    fn kinds_stand_by_what_they_see_and_refusals_with_their_reason_once() {
        assert_eq!(
            text(&example()),
            "  user mode only        software (page-faults), sampling (call chains)\n\
             \u{20} blind, stays at 0     software (context-switches)\n\
             \u{20} refused               hardware (cycles, instructions): no-pmu: there is no\n\
             \u{20}                       such counter; measure on the host\n"
        );
    }
}
