//! Callgrind: instructions and cache misses per operation of real machine code, run under valgrind in a process of its own.
//! Two levels, no translation, no coherence; the model in `simulate` has those.

mod output;
mod request;
mod valgrind;

pub use output::{Output, OutputError};
pub use request::under_valgrind;

use super::{Counter, Event, Group, Place, Reading, Selection, Source};
use crate::clock::Bracket;
use crate::isa::Isa;
use crate::machine;
use crate::record::Provenance;
use crate::unavailable::{Reason, Unavailable};
use request::{Request, ask};
use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Each event with callgrind's name for it.
#[rustfmt::skip]
const EVENTS: [(&str, Event); 9] = [
    ("Ir",   Event { name: "callgrind_instructions",     about: "instructions that callgrind ran" }),
    ("Dr",   Event { name: "callgrind_reads",            about: "loads" }),
    ("Dw",   Event { name: "callgrind_writes",           about: "stores" }),
    ("I1mr", Event { name: "callgrind_i1_misses",        about: "fetches that the first instruction cache lacked" }),
    ("D1mr", Event { name: "callgrind_d1_read_misses",   about: "loads that the first data cache lacked" }),
    ("D1mw", Event { name: "callgrind_d1_write_misses",  about: "stores that the first data cache lacked" }),
    ("ILmr", Event { name: "callgrind_ll_fetch_misses",  about: "fetches that the last cache lacked" }),
    ("DLmr", Event { name: "callgrind_ll_read_misses",   about: "loads that the last cache lacked" }),
    ("DLmw", Event { name: "callgrind_ll_write_misses",  about: "stores that the last cache lacked" }),
];

/// How much longer an operation takes under callgrind with its caches: 12 times where it waits for memory, 52 times where it
/// computes.
const SLOWDOWN: f64 = 60.0;

/// Callgrind.
#[derive(Debug)]
pub struct Callgrind;

impl Source for Callgrind {
    fn name(&self) -> &'static str {
        "callgrind"
    }

    fn group(&self) -> Group {
        Group::Callgrind
    }

    fn events(&self) -> Vec<Event> {
        EVENTS.iter().map(|(_, event)| *event).collect()
    }

    fn place(&self) -> Place {
        Place::Own
    }

    fn slowdown(&self) -> f64 {
        SLOWDOWN
    }

    fn under(&self, needs: Isa) -> Result<Vec<String>, Unavailable> {
        valgrind::can_run(needs)?;
        let valgrind = valgrind::find()?;
        let folder = fresh().map_err(|error| {
            Unavailable::new(Reason::Unsupported, format!("callgrind has no place to write: {error}"))
        })?;
        let command = command(&valgrind, &folder);
        folders().push(folder);
        Ok(command)
    }

    fn ended(&self) {
        // What cannot be removed is in nobody's way: no name comes twice.
        folders().drain(..).for_each(|folder| _ = fs::remove_dir_all(folder));
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        if !under_valgrind() {
            let detail = "callgrind counts only in a process that it runs";
            return Err(Unavailable::new(Reason::Unsupported, detail));
        }
        let folder = std::env::var_os(FOLDER).ok_or_else(|| {
            let detail = format!("whoever runs this program under valgrind must name a folder in {FOLDER}");
            Unavailable::new(Reason::Unsupported, detail)
        })?;
        let method = valgrind::tell(&machine::probe()).remarks.join(", ");
        Ok(Box::new(Region { folder: folder.into(), bracket: Arc::new(Toggle), method }))
    }
}

fn command(valgrind: &Path, folder: &Path) -> Vec<String> {
    // Scheduling by turns lets threads that wait for each other go on.
    let options = [
        "--command-line-only=yes",
        "--quiet",
        "--tool=callgrind",
        "--cache-sim=yes",
        "--collect-atstart=no",
        "--fair-sched=try",
    ];
    // The process learns of its folder in the only way that valgrind passes on unchanged.
    let told = format!("{FOLDER}={}", folder.display());
    let mut command = vec!["env".to_owned(), told, valgrind.display().to_string()];
    command.extend(options.map(str::to_owned));
    command.extend(valgrind::tell(&machine::probe()).arguments);
    command.push(format!("--callgrind-out-file={}", folder.join(FILE).display()));
    command
}

const FILE: &str = "out";

/// Environment variable that tells the process under valgrind where its counts are left.
const FOLDER: &str = "PERFBENCH_CALLGRIND";

/// The folders of the processes that have not ended.
fn folders() -> MutexGuard<'static, Vec<PathBuf>> {
    static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a folder of a name that nobody can foresee and that only this user may look into.
fn fresh() -> io::Result<PathBuf> {
    let template = std::env::temp_dir().join("perfbench-callgrind-XXXXXX").into_os_string().into_vec();
    let template = CString::new(template)?.into_raw();
    // SAFETY: the call writes over the last six letters of a string that is this function's own.
    let made = unsafe { libc::mkdtemp(template) };
    let error = io::Error::last_os_error();
    // SAFETY: the string was let go of above, and its length is what it was.
    let folder = unsafe { CString::from_raw(template) };
    if made.is_null() { Err(error) } else { Ok(OsString::from_vec(folder.into_bytes()).into()) }
}

/// Counts on this thread from `enter` to `leave`.
struct Toggle;

impl Bracket for Toggle {
    #[inline(always)]
    fn enter(&self) {
        ask(Request::ToggleCollect);
    }

    #[inline(always)]
    fn leave(&self) {
        ask(Request::ToggleCollect);
    }
}

/// A region, whose counts come as a file.
struct Region {
    folder: PathBuf,
    bracket: Arc<Toggle>,
    method: String,
}

impl Counter for Region {
    fn start(&mut self) {
        ask(Request::ZeroStats);
    }

    fn bracket(&self) -> Option<Arc<dyn Bracket>> {
        Some(self.bracket.clone())
    }

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        ask(Request::DumpStats);
        match read(&self.folder).and_then(|output| moved(output, ops)) {
            Ok(output) => EVENTS.iter().map(|(word, event)| self.reading(&output, word, event)).collect(),
            Err(reason) => {
                EVENTS.iter().map(|(_, event)| Reading::absent(event.name, reason.clone())).collect()
            }
        }
    }
}

impl Region {
    fn reading(&self, output: &Output, word: &str, event: &Event) -> Reading {
        let Some(total) = output.total(word) else {
            let detail = format!("this callgrind does not count {word}");
            return Reading::absent(event.name, Unavailable::new(Reason::Unsupported, detail));
        };
        let caches: Vec<String> = ["I1", "D1", "LL"].iter().filter_map(|name| output.cache(name)).collect();
        let provenance = Provenance::Simulated(format!("callgrind {}", caches.join(", ")));
        Reading::counted(event.name, total as f64, provenance).by(self.method.clone())
    }
}

/// Reads the one file that was asked for and takes it away. Callgrind numbers such files; that of its end has no number.
fn read(folder: &Path) -> Result<Output, Unavailable> {
    let broke = |error: String| Unavailable::new(Reason::Broke, format!("callgrind left no counts: {error}"));
    let entries = fs::read_dir(folder).map_err(|error| broke(error.to_string()))?;
    let asked_for = |file: &PathBuf| file.extension().is_some();
    let file = entries.filter_map(|entry| Some(entry.ok()?.path())).find(asked_for);
    let file = file.ok_or_else(|| broke("there is no file".into()))?;
    let text = fs::read(&file).map_err(|error| broke(error.to_string()))?;
    fs::remove_file(file).map_err(|error| broke(error.to_string()))?;
    Output::parse(&String::from_utf8_lossy(&text)).map_err(|error| broke(error.to_string()))
}

/// Zeros are believed only where instructions were counted.
fn moved(output: Output, ops: u64) -> Result<Output, Unavailable> {
    if ops > 0 && output.total("Ir").is_none_or(|instructions| instructions == 0) {
        let detail = format!("callgrind counted no instruction in {ops} operations");
        return Err(Unavailable::new(Reason::Broke, detail));
    }
    Ok(output)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_process_has_a_folder_of_its_own_that_nobody_else_may_look_into() {
        let made = [fresh().expect("a folder"), fresh().expect("another")];
        assert_ne!(made[0], made[1]);
        for folder in &made {
            let mode = fs::metadata(folder).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
            fs::remove_dir(folder).expect("it is empty");
        }
    }
}
