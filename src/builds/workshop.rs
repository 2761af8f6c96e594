//! Where sides are built: one builder at a time in a cache, with the candidate's toolchain for both sides.

use super::cache::{self, Cache, Entry, Turn, key, refused};
use super::cargo::{self, Built, Order, Package};
use super::relink::{self, Relinker};
use super::revision::{Repository, Revision};
use super::tool;
use super::toolchain::Toolchain;
use super::{BuildOptions, Side};
use crate::error::Failure;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The sole builder in a cache.
pub struct Workshop<'a> {
    options: &'a BuildOptions,
    cache: Cache,
    toolchain: Toolchain,
    turn: Turn,
}

impl<'a> Workshop<'a> {
    /// Takes the turn to build.
    ///
    /// # Errors
    /// A cache that cannot be written, or no rustc.
    pub fn open(options: &'a BuildOptions, progress: &mut dyn FnMut(&str)) -> Result<Self, Failure> {
        let cache = Cache::open(&options.cache)?;
        let turn = cache.turn(progress)?;
        Ok(Self { options, toolchain: Toolchain::of(&options.checkout)?, cache, turn })
    }

    /// The side of a folder of sources as they are now. Cargo decides what is to be done; what it links is named by its
    /// content.
    ///
    /// # Errors
    /// Code that does not build, or a disk that refused.
    pub fn checkout(
        &self,
        folder: &Path,
        name: String,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Side, Failure> {
        let package = self.package(folder)?;
        let work = self.checkout_work(&package)?;
        let built = self.build(&package, work.folder(), progress)?;
        let content = fs::read(file_of(&built)).map_err(|error| refused(file_of(&built), &error))?;
        let key = key(&[&content]);
        let entry = match self.cache.find(&key)? {
            Some(entry) => entry,
            None => self.keep(&key, &built)?,
        };
        self.side(name, entry)
    }

    /// The side of a commit; once built, it is found by its key.
    ///
    /// # Errors
    /// Code that does not build, what git refuses, or a disk that refused.
    pub fn revision(
        &self,
        repository: &Repository,
        revision: &Revision,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Side, Failure> {
        let here = self.package(&self.options.checkout)?;
        let key = self.key_of(&revision.commit, &here);
        if let Some(entry) = self.cache.find(&key)? {
            return self.side(revision.name(), entry);
        }
        let work = self.cache.work(&format!("revisions-{}", cache::key(&[path_bytes(repository.root())])))?;
        let tree = work.folder().join("tree");
        let is_first = !tree.exists();
        repository.check_out(&revision.commit, &tree)?;
        if is_first {
            self.share_dependencies(&here, work.folder())?;
        }
        let inside = here.workspace.strip_prefix(repository.root()).unwrap_or(Path::new(""));
        let there = tree.join(inside);
        bring_lock_file(&here.workspace, &there)?;
        let built = self.build(&self.package(&there)?, work.folder(), progress)?;
        let entry = self.keep(&key, &built)?;
        self.side(revision.name(), entry)
    }

    /// Starts a work folder with what cargo made for the candidate: its dependencies are mostly the same, and compile
    /// longest. Right only where the sources were written just now: cargo compares times.
    fn share_dependencies(&self, here: &Package, work: &Path) -> Result<(), Failure> {
        let made = self.checkout_work(here)?.folder().join(TARGET);
        if !made.is_dir() || work.join(TARGET).exists() {
            return Ok(());
        }
        let part = work.join("target.part");
        cache::remove(&part)?;
        let copied = tool::run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(&made).arg(&part));
        copied.and_then(|_| fs::rename(&part, work.join(TARGET)).map_err(|error| refused(&part, &error)))
    }

    /// Where cargo works for a folder of sources.
    fn checkout_work(&self, package: &Package) -> Result<Entry, Failure> {
        self.cache.work(&format!("checkout-{}", key(&[path_bytes(&package.workspace)])))
    }

    fn package(&self, folder: &Path) -> Result<Package, Failure> {
        Package::find(&self.toolchain, folder, &self.options.bin, self.options.package.as_deref())
    }

    fn build(
        &self,
        package: &Package,
        work: &Path,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Built, Failure> {
        let order = Order {
            package,
            toolchain: &self.toolchain,
            target: &work.join(TARGET),
            arguments: &self.options.cargo_arguments,
            relink: self.options.relink,
        };
        cargo::build(&order, progress)
    }

    /// Puts what cargo made into the cache, and throws out what no longer fits.
    fn keep(&self, key: &str, built: &Built) -> Result<Entry, Failure> {
        let entry = self.cache.add(key, |folder| match built {
            Built::Link(archive) => relink::unpack(archive, folder),
            Built::Executable(path, why) => {
                let copied = fs::copy(path, folder.join(EXECUTABLE)).map(drop);
                copied
                    .and_then(|()| fs::write(folder.join(NOTE), why))
                    .map_err(|error| refused(folder, &error))
            }
        })?;
        self.cache.prune(self.options.cache_limit_bytes, &self.turn);
        Ok(entry)
    }

    fn side(&self, name: String, entry: Entry) -> Result<Side, Failure> {
        let executable = entry.folder().join(EXECUTABLE);
        match &self.toolchain.lld {
            Some(lld) if !executable.is_file() => {
                Side::of_links(name, Relinker::new(entry, lld.clone()), self.options.links)
            }
            _ => {
                let why = fs::read_to_string(entry.folder().join(NOTE)).unwrap_or_default();
                Ok(Side::of_executable(name, executable, why, Some(entry)))
            }
        }
    }

    /// All that decides what comes out of a commit.
    fn key_of(&self, commit: &str, here: &Package) -> String {
        let relink = self.options.relink && self.toolchain.lld.is_some();
        let arguments = self.options.cargo_arguments.join("\0");
        let lock = fs::read(here.workspace.join(LOCK)).unwrap_or_default();
        let environment = cargo::environment(&here.workspace);
        let names = format!("{}\0{}\0{relink}", here.name, here.bin);
        let parts: [&[u8]; 6] = [
            commit.as_bytes(),
            self.toolchain.version.as_bytes(),
            names.as_bytes(),
            arguments.as_bytes(),
            environment.as_bytes(),
            &lock,
        ];
        key(&parts)
    }
}

/// Cargo's own folder within a work folder.
const TARGET: &str = "target";

/// A whole executable, and why it is not relinked, in an entry that holds no link inputs.
const EXECUTABLE: &str = "executable";
const NOTE: &str = "note";

/// What settles the versions of dependencies.
const LOCK: &str = "Cargo.lock";

/// Gives a commit that keeps no lock file the candidate's, so that both sides have the same dependencies.
fn bring_lock_file(from: &Path, to: &Path) -> Result<(), Failure> {
    let (from, to) = (from.join(LOCK), to.join(LOCK));
    if from.is_file() && !to.exists() {
        fs::copy(&from, &to).map_err(|error| refused(&to, &error))?;
    }
    Ok(())
}

fn file_of(built: &Built) -> &Path {
    match built {
        Built::Link(path) | Built::Executable(path, _) => path,
    }
}

fn path_bytes(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes()
}
