//! Profiles in the store: one file each in `profiles/`, a single line of JSON, beside the runs and never overwritten.

use super::ids::{ids, locate};
use super::{Store, StoreError};
use perfbench_harness::record::file::{headless, read_lines};
use perfbench_harness::record::{PROFILE_SCHEMA, Profile, ReadError, Writer};
use std::io;
use std::path::{Path, PathBuf};

impl Store {
    /// The folder of profiles, where pictures of them lie too.
    pub fn profiles(&self) -> PathBuf {
        self.folder().join("profiles")
    }

    /// Keeps a new profile.
    ///
    /// # Errors
    /// What the operating system says, with the path, or what is wrong with a profile that could not be shown again.
    pub fn keep_profile(&self, id: &str, profile: &Profile) -> io::Result<()> {
        if let Some(flaw) = flaw(profile) {
            let told = format!("profile {id} is not kept, because {flaw}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, told));
        }
        std::fs::create_dir_all(self.profiles())?;
        Writer::create(&self.profiles().join(format!("{id}.json")))?.write(profile)
    }

    /// The profile that a name means: `latest`, a file, an id or its beginning.
    ///
    /// # Errors
    /// A name that means none or several, or a file that is no profile.
    pub fn find_profile(&self, name: &str) -> Result<Profile, StoreError> {
        let path = match Path::new(name).is_file() {
            true => Some(name.into()),
            false => locate(&self.profiles(), "json", name)?,
        };
        let unknown = || StoreError::UnknownProfile(name.to_owned(), self.folder().to_owned());
        read(&path.ok_or_else(unknown)?).map_err(StoreError::Unreadable)
    }

    /// The newest profile of a row; files that are none are passed over.
    pub fn latest_profile(&self, row: &str) -> Option<Profile> {
        let path = |id: &String| self.profiles().join(format!("{id}.json"));
        let newest = ids(&self.profiles(), "json");
        newest.iter().rev().filter_map(|id| read(&path(id)).ok()).find(|profile| profile.row == row)
    }
}

/// Reads a profile that can be shown.
fn read(path: &Path) -> Result<Profile, ReadError> {
    let mut lines = read_lines::<Profile>(path, PROFILE_SCHEMA)?.lines;
    let profile = lines.pop().ok_or_else(|| headless(path))?;
    match flaw(&profile) {
        None => Ok(profile),
        Some(flaw) => Err(ReadError::Damaged(path.into(), 1, flaw.into())),
    }
}

/// What of a profile cannot be: an index beyond its table, a stack of nothing, no sample at all.
fn flaw(profile: &Profile) -> Option<&'static str> {
    let below = |index: u32, table: usize| (index as usize) < table;
    let known = |stack: &Vec<u32>| stack.iter().all(|frame| below(*frame, profile.frames.len()));
    let samples = || profile.samples.iter();
    let flaws = [
        (profile.samples.is_empty(), "it holds no sample"),
        (!profile.stacks.iter().all(known), "a stack names a frame that is not there"),
        (profile.stacks.iter().any(Vec::is_empty), "a stack is empty"),
        (
            !samples().all(|s| below(s.stack, profile.stacks.len())),
            "a sample names a stack that is not there",
        ),
        (
            !samples().all(|s| below(s.thread, profile.threads.len())),
            "a sample names a thread that is not there",
        ),
        (!(profile.wanted_hz > 0.0 && profile.task_clock_ns > 0.0), "it took no time"),
    ];
    flaws.into_iter().find(|(is_so, _)| *is_so).map(|(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;

    fn stored(profiles: &[(&str, &str)]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for (id, row) in profiles {
            store.keep_profile(id, &Profile { row: (*row).into(), ..fixture::profile() }).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn profiles_are_found_by_latest_by_id_by_its_beginning_by_file_and_by_row() {
        let (_folder, store) = stored(&[("20260301T1", "a"), ("20260301T2", "b"), ("20260302T1", "c")]);
        let found = |name: &str| store.find_profile(name).unwrap().row;
        assert_eq!([found("latest"), found("20260301T2"), found("20260302")], ["c", "b", "c"]);
        assert_eq!(found(store.profiles().join("20260301T1.json").to_str().unwrap()), "a");
        assert_eq!(store.latest_profile("b").map(|profile| profile.row), Some("b".into()));
        assert_eq!(store.latest_profile("z"), None);
        assert!(matches!(store.find_profile("202603"), Err(StoreError::Ambiguous(_, ids)) if ids.len() == 3));
        assert!(matches!(store.find_profile("x"), Err(StoreError::UnknownProfile(..))));
    }

    #[test]
    fn no_profile_is_overwritten_and_none_that_cannot_be_shown_is_kept_or_read() {
        let (_folder, store) = stored(&[("a", "a")]);
        assert!(store.keep_profile("a", &fixture::profile()).is_err());
        let breakers: [fn(&mut Profile); 6] = [
            |profile| profile.samples.clear(),
            |profile| profile.stacks[0].push(99),
            |profile| profile.stacks[0].clear(),
            |profile| profile.samples[0].stack = 99,
            |profile| profile.samples[0].thread = 99,
            |profile| profile.task_clock_ns = 0.0,
        ];
        for (index, breaker) in breakers.into_iter().enumerate() {
            let mut broken = fixture::profile();
            breaker(&mut broken);
            let unkept = store.keep_profile(&format!("b{index}"), &broken).unwrap_err();
            assert!(unkept.to_string().contains("is not kept, because "), "{unkept}");
            let path = store.profiles().join(format!("b{index}.json"));
            Writer::create(&path).unwrap().write(&broken).unwrap();
            let refused = store.find_profile(&format!("b{index}")).unwrap_err();
            assert!(matches!(refused, StoreError::Unreadable(ReadError::Damaged(..))), "{index}: {refused}");
        }
    }

    #[test]
    fn a_run_where_a_profile_is_wanted_and_another_version_are_refused_by_name() {
        let (folder, store) = stored(&[]);
        let write = |text: &str| {
            let path = folder.path().join("file.json");
            std::fs::write(&path, text).unwrap();
            store.find_profile(path.to_str().unwrap()).unwrap_err().to_string()
        };
        assert!(write("{\"schema\":\"perfbench.run/1\"}\n").contains("is a perfbench.run/1"));
        assert!(write("{\"schema\":\"perfbench.profile/9\"}\n").contains("perfbench.profile/9"));
        assert!(write("{}\n").contains("not a perfbench record"));
    }
}
