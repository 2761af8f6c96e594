//! The tables as a document: `docs/events.md` holds what this makes of them, word by word.

use super::{Entry, FAMILIES, Family, Unit};
use crate::counter::Group;
use crate::counter::derived::RATIOS;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const HEAD: &str = "# Raw events\n\n\
    What each count means and by which code a CPU counts it. A name means the same wherever it stands; where CPUs differ in \
    what belongs to it, its line says so. Codes are checked against the Linux kernel's own event files and stand here as the \
    kernel's `perf_event_attr.config` takes them. This file is made from the tables in \
    `harness/src/counter/perf_event/table/` and compared with them by `cargo test -p perfbench-harness events_md`; \
    with `INSTA_UPDATE=always` in front of it, it is written anew.\n\n\
    On any other CPU the kernel's generic events are used, under names that say `generic`.\n";

/// All tables, one section a family, then the formulas.
fn document() -> String {
    let mut text = format!("{HEAD}\n## What the names mean\n\n| group | name | counts |\n|---|---|---|\n");
    let mut told = BTreeSet::new();
    for event in by_group(FAMILIES.iter().flat_map(|family| family.events)) {
        if told.insert(event.name) {
            line(&mut text, &[word(event), format!("`{}`", event.name), event.about.into()]);
        }
    }
    FAMILIES.iter().for_each(|family| section(&mut text, family));
    formulas(&mut text);
    text
}

fn section(text: &mut String, family: &Family) {
    write!(text, "\n## {}\n\n| group | name | unit | config |\n|---|---|---|---|\n", family.name)
        .expect(STRING);
    for event in by_group(family.events.iter()) {
        let unit = match event.unit {
            Unit::Core => "core",
            Unit::Uncore(name) => name,
        };
        line(
            text,
            &[word(event), format!("`{}`", event.name), unit.into(), format!("{:#06x}", event.config)],
        );
    }
}

fn formulas(text: &mut String) {
    text.push_str("\n## What is computed from them\n\n| name | formula |\n|---|---|\n");
    for ratio in RATIOS {
        line(text, &[format!("`{}`", ratio.name), ratio.formula()]);
    }
}

const STRING: &str = "a string takes what is written to it";

fn line(text: &mut String, cells: &[String]) {
    writeln!(text, "| {} |", cells.join(" | ")).expect(STRING);
}

fn by_group<'a>(events: impl Iterator<Item = &'a Entry>) -> Vec<&'a Entry> {
    let mut events: Vec<_> = events.collect();
    events.sort_by_key(|event| Group::MEASURED.iter().position(|(group, _)| *group == event.group));
    events
}

fn word(event: &Entry) -> String {
    let (_, word) = Group::MEASURED.iter().find(|(group, _)| *group == event.group).expect("it is measured");
    String::from(*word)
}

#[test]
fn events_md_says_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, document()).expect("the document can be written");
    }
    let stands = fs::read_to_string(&path).expect("docs/events.md stands beside the harness");
    assert!(
        stands == document(),
        "docs/events.md is older than the tables: INSTA_UPDATE=always writes it anew"
    );
}
