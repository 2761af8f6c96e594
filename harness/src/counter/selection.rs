//! Which counter sources a run uses. What the sources are is the table in `mod.rs`.

use super::{SOURCES, Source};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a source counts with; the word that `--counters` selects it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Cycles, instructions and branches of the core.
    Core,
    /// Loads and misses of the caches.
    Cache,
    /// Events that the kernel's perf facility counts in software.
    Software,
    /// What the operating system accounts to the process.
    Os,
    /// Calls of the allocator.
    Heap,
    /// Values dictated by a script, in tests.
    Scripted,
}

impl Group {
    /// The groups that measure, with their words.
    pub const MEASURED: &'static [(Group, &'static str)] = &[
        (Group::Core, "core"),
        (Group::Cache, "cache"),
        (Group::Software, "software"),
        (Group::Os, "os"),
        (Group::Heap, "heap"),
    ];
}

/// A set of groups; it travels to the worker processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selection(Vec<Group>);

impl Selection {
    /// No counting pass at all.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Every group that measures.
    pub fn all() -> Self {
        Self(Group::MEASURED.iter().map(|(group, _)| *group).collect())
    }

    /// What a scripted run may use: the script, and the heap, whose counts are exact.
    pub fn scripted() -> Self {
        Self(vec![Group::Scripted, Group::Heap])
    }

    /// The selected sources, in table order.
    pub fn sources(&self) -> impl Iterator<Item = &'static dyn Source> + '_ {
        SOURCES.iter().copied().filter(|source| self.0.contains(&source.group()))
    }
}

/// A word that names no group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownGroup(pub String);

impl fmt::Display for UnknownGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = Group::MEASURED.iter().map(|(_, word)| *word).collect();
        write!(f, "no counters are called {:?}; use none, all, or some of {}", self.0, words.join(","))
    }
}

impl std::error::Error for UnknownGroup {}

/// `none`, `all`, or groups joined by commas.
impl FromStr for Selection {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        match text {
            "none" => Ok(Self::none()),
            "all" => Ok(Self::all()),
            list => list.split(',').map(group).collect::<Result<_, _>>().map(Self),
        }
    }
}

fn group(word: &str) -> Result<Group, UnknownGroup> {
    let found = Group::MEASURED.iter().find(|(_, known)| *known == word.trim());
    found.map(|(group, _)| *group).ok_or_else(|| UnknownGroup(word.trim().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_selected_by_their_words() {
        assert_eq!("none".parse(), Ok(Selection::none()));
        assert_eq!("all".parse(), Ok(Selection::all()));
        assert_eq!("heap, core".parse(), Ok(Selection(vec![Group::Heap, Group::Core])));
    }

    #[test]
    fn an_unknown_word_is_told_what_there_is() {
        let error = "heap,cores".parse::<Selection>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no counters are called \"cores\"; use none, all, or some of core,cache,software,os,heap"
        );
    }

    #[test]
    fn nobody_can_ask_for_the_script_by_name() {
        assert!("scripted".parse::<Selection>().is_err());
        assert!(Selection::all().sources().all(|s| s.group() != Group::Scripted));
    }

    #[test]
    fn a_selection_survives_the_way_to_a_worker() {
        let text = serde_json::to_string(&Selection::all()).unwrap();
        assert_eq!(serde_json::from_str::<Selection>(&text).unwrap(), Selection::all());
    }
}
