//! The folder of builds: where things lie in it, who may write, and what goes when it grows. Who builds is `build`.

use crate::error::{Failure, INTERNAL};
use sha2::{Digest, Sha256};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What builds may occupy, unless told otherwise.
pub const LIMIT_BYTES: u64 = 4 << 30;

/// A folder of builds: `builds/` holds link inputs and links by key, `work/` what cargo and git work in.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// One folder of the cache, kept from being thrown out while this lives.
#[derive(Debug)]
pub struct Entry {
    folder: PathBuf,
    _in_use: File,
}

/// The sole right to build.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] File);

/// The file in each entry whose lock says "in use" and whose time says when.
const USED: &str = ".used";

impl Cache {
    /// The cache in a folder, made where it is missing. Its path is absolute: linkers run elsewhere.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let make = |path: PathBuf| fs::create_dir_all(&path).map_err(|error| refused(&path, &error));
        make(folder.join("builds"))?;
        make(folder.join("work"))?;
        let folder = folder.canonicalize().map_err(|error| refused(folder, &error))?;
        Ok(Self { folder })
    }

    /// Waits until nobody else builds here.
    ///
    /// # Errors
    /// A file system without locks.
    pub fn turn(&self, progress: &mut dyn FnMut(&str)) -> Result<Turn, Failure> {
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(|error| refused(&path, &error))?;
        match file.try_lock() {
            Ok(()) => return Ok(Turn(file)),
            Err(TryLockError::WouldBlock) => progress("waiting for another perfbench that builds"),
            Err(TryLockError::Error(error)) => return Err(refused(&path, &error)),
        }
        file.lock().map_err(|error| refused(&path, &error))?;
        Ok(Turn(file))
    }

    /// A place to work in, by name.
    ///
    /// # Errors
    /// A disk that refused.
    pub fn work(&self, name: &str) -> Result<Entry, Failure> {
        Entry::of(self.folder.join("work").join(name))
    }

    /// A finished build, if it is there.
    ///
    /// # Errors
    /// A disk that refused.
    pub fn find(&self, key: &str) -> Result<Option<Entry>, Failure> {
        let folder = self.folder.join("builds").join(key);
        if folder.is_dir() { Entry::of(folder).map(Some) } else { Ok(None) }
    }

    /// Adds a build: `fill` makes it in a folder that becomes visible only when it is whole.
    ///
    /// # Errors
    /// What `fill` says, or a disk that refused.
    pub fn add(&self, key: &str, fill: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<Entry, Failure> {
        let folder = self.folder.join("builds").join(key);
        let part = folder.with_extension("part");
        remove(&part)?;
        fs::create_dir_all(&part).map_err(|error| refused(&part, &error))?;
        fill(&part)?;
        fs::rename(&part, &folder).map_err(|error| refused(&folder, &error))?;
        Entry::of(folder)
    }

    /// Throws out what was used longest ago until the rest fits; what anybody uses now stays. Only for the holder of the
    /// turn. Returns the bytes freed.
    pub fn prune(&self, limit_bytes: u64, _turn: &Turn) -> u64 {
        let mut entries = self.entries();
        entries.sort_by_key(|(used, _)| *used);
        let sizes: Vec<u64> = entries.iter().map(|(_, folder)| size_bytes(folder)).collect();
        let mut total: u64 = sizes.iter().sum();
        let before = total;
        for ((_, folder), size) in entries.iter().zip(sizes) {
            if total > limit_bytes && is_idle(folder) && remove(folder).is_ok() {
                total -= size;
            }
        }
        before - total
    }

    fn entries(&self) -> Vec<(SystemTime, PathBuf)> {
        let folders =
            ["builds", "work"].into_iter().filter_map(|kind| fs::read_dir(self.folder.join(kind)).ok());
        let paths = folders.flatten().filter_map(Result::ok).map(|entry| entry.path());
        paths.map(|path| (last_used(&path), path)).collect()
    }
}

impl Entry {
    fn of(folder: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(&folder).map_err(|error| refused(&folder, &error))?;
        let path = folder.join(USED);
        let used = File::create(&path).map_err(|error| refused(&path, &error))?;
        used.set_modified(SystemTime::now()).map_err(|error| refused(&path, &error))?;
        used.lock_shared().map_err(|error| refused(&path, &error))?;
        Ok(Self { folder, _in_use: used })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn last_used(folder: &Path) -> SystemTime {
    let used = fs::metadata(folder.join(USED)).and_then(|facts| facts.modified());
    used.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Whether nobody uses an entry; one without a mark was never finished.
fn is_idle(folder: &Path) -> bool {
    File::open(folder.join(USED)).map_or(true, |used| used.try_lock().is_ok())
}

/// Removes a folder, if it is there.
///
/// # Errors
/// A disk that refused.
pub fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(folder, &error)),
        _ => Ok(()),
    }
}

/// What a folder occupies on the disk.
fn size_bytes(folder: &Path) -> u64 {
    const BLOCK_BYTES: u64 = 512;
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |path: &Path| match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => size_bytes(path),
        Ok(facts) => facts.blocks() * BLOCK_BYTES / facts.nlink().max(1),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(|entry| size(&entry.path())).sum()
}

/// A short name for all that something was made from.
pub fn key(parts: &[&[u8]]) -> String {
    let hash = parts
        .iter()
        .fold(Sha256::new(), |hash, part| hash.chain_update(part.len().to_le_bytes()).chain_update(part));
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A path that the operating system refused.
pub fn refused(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(INTERNAL, format!("{}: {error}", path.display()));
    failure.help("--store names another folder for runs and builds")
}
