//! The compiler and linker that both sides are built with: those of the candidate's folder, whatever the base's would be.

use super::tool;
use crate::error::Failure;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One toolchain.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Its rustc.
    pub rustc: PathBuf,
    /// What its rustc says of itself: part of the key of what it builds.
    pub version: String,
    /// Its LLD, where it has one.
    pub lld: Option<Lld>,
    cargo: PathBuf,
}

/// The linker that can put sections in a given order.
#[derive(Debug, Clone)]
pub struct Lld {
    /// `rust-lld`, which takes GNU flags after `-flavor gnu`.
    pub program: PathBuf,
    /// The folder in which a C compiler finds it as `ld.lld`.
    pub gcc_folder: PathBuf,
}

impl Toolchain {
    /// The toolchain that is in force in a folder.
    ///
    /// # Errors
    /// No rustc.
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
        let version = tool::ask(Command::new(&rustc).current_dir(folder).arg("-vV"))?;
        let sysroot = tool::ask(Command::new(&rustc).current_dir(folder).args(["--print", "sysroot"]))?;
        let own = |name: &str| Some(Path::new(&sysroot).join("bin").join(name)).filter(|path| path.is_file());
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        Ok(Self {
            rustc: own("rustc").unwrap_or_else(|| rustc.into()),
            cargo: own("cargo").unwrap_or_else(|| "cargo".into()),
            lld: Lld::of(&Path::new(&sysroot).join("lib/rustlib").join(host).join("bin")),
            version,
        })
    }

    /// Its cargo, called in a folder.
    pub fn cargo(&self, folder: &Path) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.current_dir(folder).env("RUSTC", &self.rustc);
        cargo
    }
}

impl Lld {
    fn of(folder: &Path) -> Option<Self> {
        let lld = Self { program: folder.join("rust-lld"), gcc_folder: folder.join("gcc-ld") };
        (lld.program.is_file() && lld.gcc_folder.join("ld.lld").is_file()).then_some(lld)
    }

    /// Flags for rustc that link with it and keep all that went into the link in `archive`. Functions start on cache
    /// lines, so that another order of sections moves no function within its line.
    pub fn rustc_flags(&self, archive: &Path) -> Vec<OsString> {
        let mut folder = OsString::from("link-arg=-B");
        folder.push(&self.gcc_folder);
        let mut keep = OsString::from("link-arg=-Wl,--reproduce=");
        keep.push(archive);
        let flags = ["llvm-args=-align-all-functions=6".into(), "link-arg=-fuse-ld=lld".into(), folder, keep];
        flags.into_iter().flat_map(|flag| [OsString::from("-C"), flag]).collect()
    }
}
