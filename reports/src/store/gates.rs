//! Gates in the store: one record file each in `gates/`, beside the runs, never overwritten.

use super::ids::locate;
use super::{Store, StoreError};
use perfbench_harness::duel::file::{GateRecord, read};
use std::path::{Path, PathBuf};

impl Store {
    /// The folder of gates.
    pub(super) fn gates(&self) -> PathBuf {
        self.folder().join("gates")
    }

    /// Where the record of a new gate goes.
    pub fn gate_path(&self, id: &str) -> PathBuf {
        self.gates().join(format!("{id}.ndjson"))
    }

    /// The gate that a name means: `latest`, a file, an id or its beginning.
    ///
    /// # Errors
    /// A name that means none or several, or a file that is no gate's record.
    pub fn find_gate(&self, name: &str) -> Result<GateRecord, StoreError> {
        let path = match Path::new(name).is_file() {
            true => name.into(),
            false => self.locate_gate(name)?,
        };
        read(&path).map_err(StoreError::Unreadable)
    }

    fn locate_gate(&self, name: &str) -> Result<PathBuf, StoreError> {
        let unknown = || StoreError::UnknownGate(name.to_owned(), self.folder().to_owned());
        locate(&self.gates(), "ndjson", name)?.ok_or_else(unknown)
    }

    /// Whether a name that means no run means a gate.
    pub(super) fn is_gate(&self, name: &str) -> bool {
        !matches!(self.locate_gate(name), Err(StoreError::UnknownGate(..))) && name != "latest"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::text::Look;
    use crate::gate::{Gate, fixture, judge_record, text};
    use perfbench_harness::duel::record::{Header, Line};
    use perfbench_harness::record::{ReadError, Writer};
    use std::fs;
    use std::io::Write as _;

    fn stored(ids: &[&str]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for id in ids {
            let mut writer = Writer::create(&store.gate_path(id)).unwrap();
            writer.write(&Line::Gate(Box::new(Header { gate: (*id).into(), ..fixture::header() }))).unwrap();
            for contest in fixture::contests() {
                writer.write(&Line::Contest(Box::new(contest))).unwrap();
            }
            writer.write(&Line::End(fixture::end())).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn a_gate_that_is_read_back_is_judged_and_told_the_same() {
        let (_folder, store) = stored(&["20260301T080000Z-1"]);
        let record = store.find_gate("20260301").unwrap();
        assert_eq!((record.contests.len(), &record.end), (fixture::contests().len(), &Some(fixture::end())));
        let whole = Gate { missed_targets: vec![], ..fixture::gate() };
        assert_eq!(
            text(&judge_record(&record), &Look::plain()),
            text(&whole, &Look::plain()).replace(&whole.gate, "20260301T080000Z-1")
        );
    }

    #[test]
    fn gates_are_found_by_latest_by_id_by_its_beginning_and_by_file() {
        let (_folder, store) = stored(&["20260301T1", "20260301T12", "20260228T9"]);
        let found = |name: &str| store.find_gate(name).unwrap().header.gate;
        assert_eq!(
            (found("latest"), found("20260301T1"), found("202602")),
            ("20260301T12".into(), "20260301T1".into(), "20260228T9".into())
        );
        assert_eq!(found(store.gate_path("20260228T9").to_str().unwrap()), "20260228T9");
        assert!(matches!(store.find_gate("2026"), Err(StoreError::Ambiguous(_, ids)) if ids.len() == 3));
        assert!(matches!(store.find_gate("x"), Err(StoreError::UnknownGate(..))));
    }

    #[test]
    fn a_row_that_was_cut_off_in_writing_is_left_out_with_a_warning() {
        let (_folder, store) = stored(&[]);
        let path = store.gate_path("killed");
        Writer::create(&path).unwrap().write(&Line::Gate(Box::new(fixture::header()))).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"type":"contest","workload":"ring"#).unwrap();
        let record = store.find_gate("killed").unwrap();
        assert_eq!((record.contests.len(), &record.end), (0, &None));
        assert!(judge_record(&record).reservations[0].contains("cut off"));
    }

    #[test]
    fn a_gate_where_a_run_is_wanted_and_a_run_where_a_gate_is_wanted_are_said_to_be_so() {
        let (_folder, store) = stored(&["20260301T1"]);
        assert!(matches!(store.find("2026"), Err(StoreError::IsGate(_))));
        let by_file = store.find(store.gate_path("20260301T1").to_str().unwrap()).unwrap_err();
        assert!(
            by_file.to_string().contains("is a perfbench.gate/1, where a perfbench.run/1 is wanted"),
            "{by_file}"
        );
        let run = perfbench_harness::record::Line::Run(Box::new(crate::fixture::record().header));
        Writer::create(&store.path_of("run")).unwrap().write(&run).unwrap();
        let wrong = store.find_gate(store.path_of("run").to_str().unwrap());
        assert!(matches!(wrong, Err(StoreError::Unreadable(ReadError::Kind(..)))));
        assert!(
            matches!(store.find("latest").map(|r| r.header.run), Ok(id) if id == crate::fixture::record().header.run)
        );
    }
}
