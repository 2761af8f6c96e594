//! What the gate was found to reach, by machine: `selftest.json` in the store, which each self-test brings up to date.

use super::{Store, StoreError};
use perfbench_harness::duel::record::Achieved;
use perfbench_harness::machine::Machine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Version of the file.
const SCHEMA: &str = "perfbench.selftest/1";

/// The newest figures of each machine.
#[derive(Serialize, Deserialize)]
struct Figures {
    schema: String,
    machines: BTreeMap<String, Achieved>,
}

impl Store {
    fn selftest_path(&self) -> PathBuf {
        self.folder().join("selftest.json")
    }

    /// What the gate reached in the newest self-test on such a machine; none where there was none.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn achieved(&self, machine: &Machine) -> Result<Option<Achieved>, StoreError> {
        Ok(self.figures()?.machines.remove(&fingerprint(machine)))
    }

    /// Keeps what a self-test found, in place of what an earlier one found on such a machine.
    ///
    /// # Errors
    /// A file that cannot be read or written; it is as it was then.
    pub fn keep_achieved(&self, machine: &Machine, achieved: Achieved) -> Result<(), StoreError> {
        let mut figures = self.figures()?;
        figures.machines.insert(fingerprint(machine), achieved);
        let text = serde_json::to_string_pretty(&figures).expect("the figures have string keys only");
        let path = self.selftest_path();
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let written = fs::write(&part, text + "\n").and_then(|()| fs::rename(&part, &path));
        written.map_err(|error| StoreError::NotWritable(path, error))
    }

    fn figures(&self) -> Result<Figures, StoreError> {
        let path = self.selftest_path();
        let damaged = |why: String| StoreError::DamagedSelftest(path.clone(), why);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Figures { schema: SCHEMA.into(), machines: BTreeMap::new() });
            }
            read => read.map_err(|error| damaged(error.to_string()))?,
        };
        let figures: Figures = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        match figures.schema == SCHEMA {
            true => Ok(figures),
            false => Err(damaged(format!("its schema is {}, this perfbench reads {SCHEMA}", figures.schema))),
        }
    }
}

/// What makes two machines the same for the error rate of a gate: the CPU, how many of it, its caches, and what runs
/// beneath; no name of a host.
fn fingerprint(machine: &Machine) -> String {
    let caches = machine.caches.iter().map(|c| format!("L{} {} {} KiB", c.level, c.kind, c.size_bytes >> 10));
    let hypervisor = machine.hypervisor.as_deref().unwrap_or("no hypervisor");
    format!(
        "{}, {}, {} CPUs, {hypervisor}, {}",
        machine.cpu,
        machine.architecture,
        machine.cpus_online,
        caches.collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture;
    use std::path::Path;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (folder, store)
    }

    #[test]
    fn the_newest_figures_of_a_machine_are_kept_and_those_of_others_stay() {
        let (_folder, store) = store();
        let (here, there) =
            (Machine::scripted(), Machine { cpu: "Another CPU".into(), ..Machine::scripted() });
        assert_eq!(store.achieved(&here).unwrap(), None);
        let newer = Achieved { measured: "2026-03-02T00:00:00Z".into(), ..fixture::achieved() };
        store.keep_achieved(&here, fixture::achieved()).unwrap();
        store.keep_achieved(&there, fixture::achieved()).unwrap();
        store.keep_achieved(&here, newer.clone()).unwrap();
        assert_eq!(store.achieved(&here).unwrap(), Some(newer));
        assert_eq!(store.achieved(&there).unwrap(), Some(fixture::achieved()));
    }

    #[test]
    fn another_machine_size_or_hypervisor_has_figures_of_its_own_but_another_kernel_has_not() {
        let here = Machine::scripted();
        let same = Machine { kernel: "Linux 7".into(), cpus: vec![1], ..here.clone() };
        assert_eq!(fingerprint(&here), fingerprint(&same));
        for other in [
            Machine { cpus_online: 64, ..here.clone() },
            Machine { hypervisor: Some("KVM".into()), ..here.clone() },
            Machine { caches: vec![], ..here.clone() },
        ] {
            assert_ne!(fingerprint(&here), fingerprint(&other));
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_is_not_overwritten() {
        let (_folder, store) = store();
        for text in ["not json", r#"{"schema":"perfbench.selftest/9","machines":{}}"#] {
            fs::write(store.selftest_path(), text).unwrap();
            assert!(matches!(store.achieved(&Machine::scripted()), Err(StoreError::DamagedSelftest(..))));
            assert!(store.keep_achieved(&Machine::scripted(), fixture::achieved()).is_err());
            assert_eq!(fs::read_to_string(store.selftest_path()).unwrap(), text);
        }
    }

    #[test]
    fn a_store_that_is_not_there_knows_of_no_selftest() {
        let nowhere = Store::at(Path::new("nowhere"));
        assert_eq!(nowhere.achieved(&Machine::scripted()).unwrap(), None);
    }
}
