//! The local store: one record file a run in `runs/`. No record in it is ever overwritten.

use perfbench_harness::record::{self, Line, ReadError, RunRecord};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A folder of runs.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// One stored run, as its first and last lines tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// Start, RFC 3339.
    pub started: String,
    /// Rows in it.
    pub rows: usize,
    /// `complete`, `interrupted`, `killed`.
    pub status: String,
    /// The file.
    pub path: PathBuf,
}

/// What can go wrong with a store.
#[derive(Debug)]
pub enum StoreError {
    /// The folder cannot be made or written.
    NotWritable(PathBuf, io::Error),
    /// No run of that name.
    Unknown(String, PathBuf),
    /// Several runs begin so.
    Ambiguous(String, Vec<String>),
    /// The name means a gate where a run is wanted.
    IsGate(String),
    /// No gate of that name.
    UnknownGate(String, PathBuf),
    /// No profile of that name.
    UnknownProfile(String, PathBuf),
    /// The file is no record.
    Unreadable(ReadError),
    /// The file of what self-tests found cannot be read; why.
    DamagedSelftest(PathBuf, String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::NotWritable(path, error) => {
                write!(f, "the store {} cannot be written: {error}", path.display())
            }
            StoreError::Unknown(name, folder) if name == "latest" => {
                write!(f, "no run is stored in {} yet", folder.display())
            }
            StoreError::Unknown(name, folder) => {
                write!(f, "`{name}` is neither a file nor a run stored in {}", folder.display())
            }
            StoreError::Ambiguous(name, ids) => write!(f, "`{name}` begins several ids: {}", ids.join(", ")),
            StoreError::IsGate(name) => {
                write!(f, "`{name}` is a gate: it holds verdicts on two builds, not a run of one")
            }
            StoreError::UnknownGate(name, folder) => {
                write!(f, "`{name}` is neither a file nor a gate stored in {}", folder.display())
            }
            StoreError::UnknownProfile(name, folder) if name == "latest" => {
                write!(f, "no profile is stored in {} yet", folder.display())
            }
            StoreError::UnknownProfile(name, folder) => {
                write!(f, "`{name}` is neither a file nor a profile stored in {}", folder.display())
            }
            StoreError::Unreadable(error) => write!(f, "{error}"),
            StoreError::DamagedSelftest(path, why) => {
                write!(f, "{} cannot be read: {why}", path.display())
            }
        }
    }
}

impl std::error::Error for StoreError {}

impl Store {
    /// The store in a folder, made where it is missing, and shown to be writable before anything is measured.
    ///
    /// # Errors
    /// [`StoreError::NotWritable`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let store = Store::at(folder);
        let refused = |error| StoreError::NotWritable(folder.to_owned(), error);
        [store.runs(), store.gates(), store.profiles()]
            .iter()
            .try_for_each(fs::create_dir_all)
            .map_err(refused)?;
        let probe = store.runs().join(format!(".writable-{}", std::process::id()));
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(refused)?;
        Ok(store)
    }

    /// The store in a folder, for reading.
    pub fn at(folder: &Path) -> Self {
        Store { folder: folder.to_owned() }
    }

    /// The folder itself, where reports go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// Where the record of a new run goes.
    pub fn path_of(&self, id: &str) -> PathBuf {
        self.runs().join(format!("{id}.ndjson"))
    }

    /// Every stored run that can be read, newest first.
    pub fn list(&self) -> Vec<Summary> {
        let Ok(entries) = fs::read_dir(self.runs()) else { return Vec::new() };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let records = paths.filter(|p| p.extension().is_some_and(|e| e == "ndjson"));
        let mut summaries: Vec<Summary> = records.filter_map(|path| summary(&path)).collect();
        summaries.sort_by(|a, b| (&b.started, &b.id).cmp(&(&a.started, &a.id)));
        summaries
    }

    /// The record that a name means: `latest`, a file, an id or its beginning.
    ///
    /// # Errors
    /// A name that means none or several, or a file that is no record.
    pub fn find(&self, name: &str) -> Result<RunRecord, StoreError> {
        record::read(&self.locate(name)?).map_err(StoreError::Unreadable)
    }

    /// The file of the record that a name means.
    ///
    /// # Errors
    /// A name that means none or several.
    pub fn locate(&self, name: &str) -> Result<PathBuf, StoreError> {
        if Path::new(name).is_file() {
            return Ok(name.into());
        }
        let unknown = || StoreError::Unknown(name.to_owned(), self.folder.clone());
        let all = self.list();
        if name == "latest" {
            return all.first().map(|summary| summary.path.clone()).ok_or_else(unknown);
        }
        if self.path_of(name).is_file() {
            return Ok(self.path_of(name));
        }
        match all.iter().filter(|summary| summary.id.starts_with(name)).collect::<Vec<_>>().as_slice() {
            [] if self.is_gate(name) => Err(StoreError::IsGate(name.to_owned())),
            [] => Err(unknown()),
            [one] => Ok(one.path.clone()),
            several => {
                Err(StoreError::Ambiguous(name.into(), several.iter().map(|s| s.id.clone()).collect()))
            }
        }
    }
}

/// Parses the first line and the last; the lines between are counted by their first bytes, which the writer fixes.
fn summary(path: &Path) -> Option<Summary> {
    let mut lines = BufReader::new(File::open(path).ok()?).lines().map_while(Result::ok);
    let Ok(Line::Run(header)) = serde_json::from_str(&lines.next()?) else { return None };
    let (mut rows, mut last) = (BTreeSet::new(), String::new());
    for line in lines {
        if line.starts_with(r#"{"type":"row""#) {
            // Workload, point and variant come first; a row that was improved stands twice.
            rows.insert(line.split(',').take(4).collect::<String>());
        }
        last = line;
    }
    let status = match serde_json::from_str(&last) {
        Ok(Line::End(end)) => end.status,
        _ => "killed".into(),
    };
    Some(Summary { id: header.run, started: header.started, rows: rows.len(), status, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use perfbench_harness::record::Writer;

    fn stored(ids: &[(&str, &str)]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for (id, started) in ids {
            let mut header = fixture::record().header;
            (header.run, header.started) = ((*id).into(), (*started).into());
            Writer::create(&store.path_of(id)).unwrap().write(&Line::Run(Box::new(header))).unwrap();
        }
        (folder, store)
    }

    #[test]
    fn runs_are_found_by_latest_by_id_by_its_beginning_and_by_file() {
        let (_folder, store) = stored(&[
            ("a1", "2026-01-01T00:00:00Z"),
            ("b2", "2026-01-03T00:00:00Z"),
            ("b22", "2026-01-02T00:00:00Z"),
        ]);
        let found = |name: &str| store.find(name).unwrap().header.run;
        assert_eq!((found("latest"), found("a"), found("b2")), ("b2".into(), "a1".into(), "b2".into()));
        assert_eq!(found(store.path_of("b22").to_str().unwrap()), "b22");
        assert_eq!(store.list().iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["b2", "b22", "a1"]);
    }

    #[test]
    fn a_name_that_means_none_or_several_says_so() {
        let (_folder, store) = stored(&[("b22", "2026-01-02T00:00:00Z"), ("b23", "2026-01-02T00:00:01Z")]);
        assert!(matches!(store.find("b2").unwrap_err(), StoreError::Ambiguous(_, ids) if ids.len() == 2));
        assert!(matches!(store.find("zz").unwrap_err(), StoreError::Unknown(..)));
        assert!(
            Store::at(Path::new("nowhere"))
                .find("latest")
                .unwrap_err()
                .to_string()
                .contains("no run is stored")
        );
    }

    #[test]
    fn a_listed_run_tells_its_rows_and_whether_it_ended_and_a_file_that_is_no_record_is_passed_over() {
        let (_folder, store) = stored(&[("killed", "2026-01-01T00:00:00Z")]);
        let whole = fixture::record();
        let mut writer = Writer::create(&store.path_of("whole")).unwrap();
        writer.write(&Line::Run(Box::new(whole.header.clone()))).unwrap();
        whole.rows.iter().for_each(|row| writer.write(&Line::Row(Box::new(row.clone()))).unwrap());
        writer.write(&Line::End(whole.end.clone().unwrap())).unwrap();
        fs::write(store.path_of("stranger"), "not a record\n").unwrap();
        let listed: Vec<(usize, String)> =
            store.list().into_iter().map(|run| (run.rows, run.status)).collect();
        assert_eq!(listed, [(whole.rows.len(), "complete".into()), (0, "killed".into())]);
        assert!(matches!(store.find("stranger"), Err(StoreError::Unreadable(_))));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Store::open(file.path()).unwrap_err();
        assert!(refused.to_string().contains(&file.path().display().to_string()), "{refused}");
    }
}
