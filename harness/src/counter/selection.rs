//! Which counter sources a run uses. What the sources are is the table in `mod.rs`.

use super::{Place, SOURCES, Source};
use crate::simulate::Geometry;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a source counts with; the word that `--counters` selects it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Cycles, instructions and branches of the core.
    Core,
    /// Loads and misses of the caches next to the core.
    Cache,
    /// Misses of the last-level cache and fills from memory.
    Memory,
    /// Translations that missed.
    Tlb,
    /// What cores take from each other: modified lines, machine clears, locked operations.
    Sharing,
    /// Operations by vector width, and those of crypto.
    Simd,
    /// Where the pipeline's slots went.
    Topdown,
    /// Bytes that the memory controllers moved, for the whole machine.
    Bandwidth,
    /// Events that the kernel's perf facility counts in software.
    Software,
    /// What the operating system accounts to the process.
    Os,
    /// Calls of the allocator.
    Heap,
    /// Calls of the kernel.
    Syscalls,
    /// Energy that the processor says it used.
    Energy,
    /// Real machine code stepped through a model of the caches.
    Simulated,
    /// Valgrind's cache model.
    Callgrind,
    /// Values dictated by a script, in tests.
    Scripted,
}

impl Group {
    /// The groups that measure, with their words.
    pub const MEASURED: &'static [(Group, &'static str)] = &[
        (Group::Core, "core"),
        (Group::Cache, "cache"),
        (Group::Memory, "memory"),
        (Group::Tlb, "tlb"),
        (Group::Sharing, "sharing"),
        (Group::Simd, "simd"),
        (Group::Topdown, "topdown"),
        (Group::Bandwidth, "bandwidth"),
        (Group::Software, "software"),
        (Group::Os, "os"),
        (Group::Heap, "heap"),
        (Group::Syscalls, "syscalls"),
        (Group::Energy, "energy"),
    ];

    /// The groups that simulate, with their words: slow, so they are used only where they are named.
    pub const SIMULATED: &'static [(Group, &'static str)] =
        &[(Group::Simulated, "sim"), (Group::Callgrind, "sim:callgrind")];
}

/// A set of groups; it travels to the worker processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    groups: Vec<Group>,
    /// Names of the machines whose caches are simulated; none means the machine that it runs on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    geometries: Vec<String>,
}

impl Selection {
    fn of_groups(groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: groups.into_iter().collect(), geometries: Vec::new() }
    }

    /// No counting pass at all.
    pub fn none() -> Self {
        Self::of_groups([])
    }

    /// Every group that measures; none that simulates.
    pub fn all() -> Self {
        Self::of_groups(Group::MEASURED.iter().map(|(group, _)| *group))
    }

    /// What a scripted run may use: the script, and the heap, whose counts are exact.
    pub fn scripted() -> Self {
        Self::of_groups([Group::Scripted, Group::Heap])
    }

    /// One group alone, with the geometries of this selection.
    pub fn only(&self, group: Group) -> Self {
        Self { groups: vec![group], geometries: self.geometries.clone() }
    }

    /// The part that is counted in such a process.
    pub fn of(&self, place: Place) -> Self {
        let counted_there = |group: &Group| self.only(*group).sources().any(|source| source.place() == place);
        let groups = self.groups.iter().copied().filter(counted_there).collect();
        Self { groups, geometries: self.geometries.clone() }
    }

    /// The selected sources, in table order.
    pub fn sources(&self) -> impl Iterator<Item = &'static dyn Source> + '_ {
        SOURCES.iter().copied().filter(|source| self.groups.contains(&source.group()))
    }

    /// Names of the machines whose caches are simulated; empty for the one that it runs on.
    pub fn geometries(&self) -> &[String] {
        &self.geometries
    }

    /// The machines whose caches are simulated: those that are named, else the one that it runs on.
    pub fn machines(&self) -> Vec<Geometry> {
        let host = [Geometry::HOST.to_owned()];
        let names = if self.geometries.is_empty() { &host } else { &self.geometries[..] };
        names.iter().filter_map(|name| Geometry::named(name)).collect()
    }
}

/// A word that names no group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownGroup(pub String);

impl fmt::Display for UnknownGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = Group::MEASURED.iter().map(|(_, word)| *word).collect();
        let (words, machines) = (words.join(","), Geometry::names().collect::<Vec<_>>().join(", "));
        write!(
            f,
            "no counters are called {:?}; use none, all, or some of {words},sim,sim:GEOMETRY,sim:callgrind, where \
             GEOMETRY is one of {machines}",
            self.0
        )
    }
}

impl std::error::Error for UnknownGroup {}

/// `none`, `all`, or groups joined by commas; `all` may stand among them.
impl FromStr for Selection {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        let mut selection = Selection::none();
        if text != "none" {
            text.split(',').try_for_each(|word| selection.add(word.trim()))?;
        }
        Ok(selection)
    }
}

impl Selection {
    fn add(&mut self, word: &str) -> Result<(), UnknownGroup> {
        let known = Group::MEASURED.iter().chain(Group::SIMULATED).find(|(_, known)| *known == word);
        match (word, known, word.strip_prefix("sim:")) {
            ("all", ..) => Self::all().groups.into_iter().for_each(|group| self.add_group(group)),
            (_, Some((Group::Simulated, _)), _) => self.add_machine(Geometry::HOST),
            (_, Some((group, _)), _) => self.add_group(*group),
            (_, None, Some(name)) if Geometry::names().any(|known| known == name) => self.add_machine(name),
            _ => return Err(UnknownGroup(word.into())),
        }
        Ok(())
    }

    fn add_machine(&mut self, name: &str) {
        self.add_group(Group::Simulated);
        if !self.geometries.iter().any(|known| known == name) {
            self.geometries.push(name.into());
        }
    }

    fn add_group(&mut self, group: Group) {
        if !self.groups.contains(&group) {
            self.groups.push(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_selected_by_their_words() {
        assert_eq!("none".parse(), Ok(Selection::none()));
        assert_eq!("all".parse(), Ok(Selection::all()));
        assert_eq!("heap, core".parse(), Ok(Selection::of_groups([Group::Heap, Group::Core])));
        assert_eq!("heap,heap".parse(), Ok(Selection::of_groups([Group::Heap])));
    }

    #[test]
    fn simulations_are_used_only_where_they_are_named() {
        assert!(Group::SIMULATED.iter().all(|(group, _)| !Selection::all().groups.contains(group)));
        let named: Selection = "sim:zen5-desktop,sim:callgrind".parse().unwrap();
        assert_eq!(named.groups, [Group::Simulated, Group::Callgrind]);
        assert_eq!(named.geometries(), ["zen5-desktop"]);
        assert!("all,sim".parse::<Selection>().unwrap().groups.contains(&Group::Simulated));
        let machines = |words: &str| -> Vec<String> {
            words.parse::<Selection>().unwrap().machines().into_iter().map(|machine| machine.name).collect()
        };
        assert_eq!(machines("sim"), ["host"]);
        assert_eq!(machines("sim:document-000,sim,sim"), ["document-000", "host"]);
        assert_eq!(machines("heap"), ["host"]);
    }

    #[test]
    fn an_unknown_word_is_told_what_there_is() {
        let error = "heap,cores".parse::<Selection>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no counters are called \"cores\"; use none, all, or some of core,cache,memory,tlb,sharing,simd,topdown,\
             bandwidth,software,os,heap,syscalls,energy,sim,sim:GEOMETRY,sim:callgrind, where GEOMETRY is one of host, \
             document-000, zen5-desktop, sapphire-rapids, neoverse-v2"
        );
        assert!(["sim:", "sim:pdp-11"].iter().all(|word| word.parse::<Selection>().is_err()));
    }

    #[test]
    fn nobody_can_ask_for_the_script_by_name() {
        assert!("scripted".parse::<Selection>().is_err());
        assert!(Selection::all().sources().all(|s| s.group() != Group::Scripted));
    }

    #[test]
    fn a_selection_survives_the_way_to_a_worker() {
        let named: Selection = "all,sim:zen5-desktop".parse().unwrap();
        let text = serde_json::to_string(&named).unwrap();
        assert_eq!(serde_json::from_str::<Selection>(&text).unwrap(), named);
    }
}
