//! Links of one build in different section orders: another link of identical code moves its time by up to 5 %, so one
//! link alone says more of its layout than of its code.

use super::cache::{self, Entry};
use super::tool;
use super::toolchain::Lld;
use crate::error::{Failure, INTERNAL};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Different links of a side at most.
pub const MAX_LINKS: usize = 32;

/// Sections whose order is free; that of constructors and destructors is not.
const MOVABLE: [&str; 4] = [".text*", ".rodata*", ".data*", ".bss*"];

/// What the linker calls its own list of arguments in an archive that it kept.
const RESPONSE: &str = "response.txt";

/// The inputs of one link, and the links made of them so far.
#[derive(Debug)]
pub struct Relinker {
    entry: Entry,
    lld: Lld,
}

impl Relinker {
    /// A relinker for an entry that holds unpacked inputs.
    pub fn new(entry: Entry, lld: Lld) -> Self {
        Self { entry, lld }
    }

    /// The folder of the object files.
    pub fn inputs(&self) -> PathBuf {
        self.entry.folder().join("inputs")
    }

    /// Link number `n`, made where it does not exist yet. The same number is the same order of sections always.
    ///
    /// # Errors
    /// A linker that failed, or a disk that refused.
    pub fn link(&self, n: usize) -> Result<PathBuf, Failure> {
        let path = self.entry.folder().join("links").join(format!("{n:02}"));
        if !path.is_file() {
            let fresh = path.with_extension(format!("part-{}", std::process::id()));
            shuffle(&self.lld, &self.inputs(), n as u64 + 1, &fresh)?;
            fs::rename(&fresh, &path).map_err(|error| cache::refused(&path, &error))?;
        }
        Ok(path)
    }
}

/// Unpacks what the linker kept into `entry`.
///
/// # Errors
/// No `tar`, or an archive that holds no link.
pub fn unpack(archive: &Path, entry: &Path) -> Result<(), Failure> {
    let scratch = entry.join("unpacked");
    for folder in [scratch.clone(), entry.join("links")] {
        fs::create_dir_all(&folder).map_err(|error| cache::refused(&folder, &error))?;
    }
    tool::run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&scratch))?;
    let top =
        fs::read_dir(&scratch).ok().and_then(|mut entries| entries.next()?.ok()).map(|entry| entry.path());
    let top = top.filter(|top| top.join(RESPONSE).is_file());
    let top = top.ok_or_else(|| Failure::new(INTERNAL, format!("{} holds no link", archive.display())))?;
    let inputs = entry.join("inputs");
    fs::rename(&top, &inputs).map_err(|error| cache::refused(&inputs, &error))?;
    fs::remove_dir(&scratch).map_err(|error| cache::refused(&scratch, &error))
}

/// One link of what lies in `inputs`, its sections in the order that the seed gives.
fn shuffle(lld: &Lld, inputs: &Path, seed: u64, into: &Path) -> Result<(), Failure> {
    let orders = MOVABLE.iter().map(|sections| format!("--shuffle-sections={sections}={seed}"));
    let response = OsString::from(format!("@{RESPONSE}"));
    let mut command = Command::new(&lld.program);
    command.current_dir(inputs).args(["-flavor", "gnu"]).arg(response).args(orders).arg("--strip-debug");
    tool::run(command.arg("-o").arg(into)).map(drop)
}
