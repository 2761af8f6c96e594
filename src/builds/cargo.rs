//! Cargo, asked for one executable: as it comes, or with all that goes into its link kept aside.

use super::cache::key;
use super::tool;
use super::toolchain::Toolchain;
use crate::error::Failure;
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The package whose executable is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Folder of its workspace.
    pub workspace: PathBuf,
    /// Its name.
    pub name: String,
    /// The executable's name.
    pub bin: String,
}

/// What cargo made.
#[derive(Debug)]
pub enum Built {
    /// An archive of all that the linker was given.
    Link(PathBuf),
    /// An executable only, and why.
    Executable(PathBuf, String),
}

/// How to build.
#[derive(Debug)]
pub struct Order<'a> {
    /// What.
    pub package: &'a Package,
    /// With which toolchain.
    pub toolchain: &'a Toolchain,
    /// Where cargo keeps what it made.
    pub target: &'a Path,
    /// More arguments for cargo: features.
    pub arguments: &'a [String],
    /// Whether to keep what goes into the link.
    pub relink: bool,
}

impl Package {
    /// The package in a folder's workspace that has an executable of this name.
    ///
    /// # Errors
    /// No workspace there, no such executable, or several packages that have one.
    pub fn find(
        toolchain: &Toolchain,
        folder: &Path,
        bin: &str,
        package: Option<&str>,
    ) -> Result<Self, Failure> {
        let arguments = ["metadata", "--no-deps", "--format-version", "1"];
        let metadata = tool::ask(toolchain.cargo(folder).args(arguments))?;
        let metadata: Value = serde_json::from_str(&metadata).unwrap_or_default();
        let workspace = PathBuf::from(metadata["workspace_root"].as_str().unwrap_or_default());
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let named = packages.filter(|found| package.is_none_or(|name| found["name"] == name));
        let owners: Vec<&str> =
            named.filter(|found| has_bin(found, bin)).filter_map(|found| found["name"].as_str()).collect();
        match owners.as_slice() {
            [name] => Ok(Self { workspace, name: (*name).into(), bin: bin.into() }),
            [] => Err(Failure::usage(format!(
                "no package in {} has an executable `{bin}`",
                workspace.display()
            ))),
            several => {
                let names = several.join(", ");
                let failure = Failure::usage(format!("several packages have an executable `{bin}`: {names}"));
                Err(failure.help("--package names the one that is meant"))
            }
        }
    }
}

fn has_bin(package: &Value, bin: &str) -> bool {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.filter(|target| target["name"] == bin).any(|target| target["kind"][0] == "bin")
}

/// Builds; each line that cargo prints goes to `progress`.
///
/// # Errors
/// Code that does not compile, with the compiler's last lines.
pub fn build(order: &Order<'_>, progress: &mut dyn FnMut(&str)) -> Result<Built, Failure> {
    let why_not = match (&order.toolchain.lld, order.relink) {
        (_, false) => "relinking is switched off".to_owned(),
        (None, true) => "the toolchain has no rust-lld".to_owned(),
        (Some(lld), true) => {
            // Where cargo finds nothing to link, the archive of that very configuration is still the one.
            let archive = order.target.join(format!("link-{}.tar", configuration(order)));
            let ended = cargo(order, &lld.rustc_flags(&archive), progress)?;
            match ended {
                Ended::Well(_) if archive.is_file() => return Ok(Built::Link(archive)),
                Ended::Well(_) => "the linker kept nothing aside".to_owned(),
                Ended::Badly(complaint) if complaint.contains("linking with") => {
                    "linking through LLD fails".to_owned()
                }
                Ended::Badly(complaint) => return Err(does_not_build(order.package, &complaint)),
            }
        }
    };
    match cargo(order, &[], progress)? {
        Ended::Well(executable) => Ok(Built::Executable(executable, why_not)),
        Ended::Badly(complaint) => Err(does_not_build(order.package, &complaint)),
    }
}

/// What decides what is linked beside the sources.
fn configuration(order: &Order<'_>) -> String {
    let arguments = order.arguments.join("\0");
    let environment = environment(&order.package.workspace);
    key(&[order.toolchain.version.as_bytes(), arguments.as_bytes(), environment.as_bytes()])
}

/// What cargo reads beside the sources: variables, sorted, and the configuration files that a workspace sees.
pub fn environment(workspace: &Path) -> String {
    const STARTS: [&str; 5] =
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_"];
    let variables = std::env::vars_os().map(|(name, value)| format!("{name:?}={value:?}"));
    let relevant = variables.filter(|line| STARTS.iter().any(|start| line[1..].starts_with(start)));
    let mut relevant: Vec<String> = relevant.collect();
    relevant.sort();
    relevant.extend(configurations(workspace));
    relevant.join("\n")
}

/// The texts of cargo's configuration files, from the workspace upwards and in cargo's own folder.
fn configurations(workspace: &Path) -> Vec<String> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let folders = workspace.ancestors().map(|folder| folder.join(".cargo")).chain(home);
    let files = folders.flat_map(|folder| ["config.toml", "config"].map(|name| folder.join(name)));
    files.filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}

fn does_not_build(package: &Package, complaint: &str) -> Failure {
    let failure = tool::failed("cargo", complaint);
    failure.help(format!(
        "`cargo build --release --bin {}` must work in {}",
        package.bin,
        package.workspace.display()
    ))
}

/// How a call of cargo ended: with the executable, or with what was printed.
enum Ended {
    Well(PathBuf),
    Badly(String),
}

fn cargo(order: &Order<'_>, flags: &[OsString], progress: &mut dyn FnMut(&str)) -> Result<Ended, Failure> {
    let mut command = order.toolchain.cargo(&order.package.workspace);
    command
        .args(["rustc", "--release", "--message-format", "json-render-diagnostics"])
        .args(["--package", &order.package.name, "--bin", &order.package.bin])
        .arg("--target-dir")
        .arg(order.target)
        .args(order.arguments)
        .arg("--")
        .args(flags)
        // Symbols name what is measured; what debuggers want doubles the size of every link.
        .env("CARGO_PROFILE_RELEASE_STRIP", "none")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    let (messages, complaint, success) = watch(&mut command, progress)?;
    match executable(&messages, &order.package.bin) {
        Some(executable) if success => Ok(Ended::Well(executable)),
        _ => Ok(Ended::Badly(complaint)),
    }
}

/// Runs a program to its end and passes on what it prints on stderr, line by line.
fn watch(command: &mut Command, progress: &mut dyn FnMut(&str)) -> Result<(String, String, bool), Failure> {
    let name = tool::name(command);
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child: Child = spawned.map_err(|error| tool::missing(&name, &error))?;
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let messages = std::thread::spawn(move || {
        let mut text = String::new();
        // What cannot be read is missed below.
        let _ = stdout.read_to_string(&mut text);
        text
    });
    let mut complaint = String::new();
    let stderr = child.stderr.take().expect("stderr is piped");
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        progress(line.trim());
        complaint.push_str(&line);
        complaint.push('\n');
    }
    let status = child.wait().map_err(|error| tool::missing(&name, &error))?;
    Ok((messages.join().unwrap_or_default(), complaint, status.success()))
}

/// The executable that cargo says it made.
fn executable(messages: &str, bin: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut of_bin = messages.filter(|message| message["target"]["name"] == bin);
    of_bin.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}
