//! The program: where it is, whether it can run a variant's code, and how it is told of this machine's caches.

use crate::isa::Isa;
use crate::machine::{Cache, Machine};
use crate::unavailable::{Reason, Unavailable};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Instruction sets whose code valgrind cannot run.
const CANNOT_RUN: Isa =
    Isa::VAES.and(Isa::VPCLMUL).and(Isa::SHA_NI).and(Isa::AVX512F).and(Isa::AVX512BW).and(Isa::AVX512IFMA);

/// The oldest version that is used, major and minor: of 2019.
const OLDEST: (u32, u32) = (3, 15);

/// Refuses code that would die of an unknown instruction.
pub(super) fn can_run(needs: Isa) -> Result<(), Unavailable> {
    let unknown = needs.intersect(CANNOT_RUN);
    if unknown == Isa::NONE {
        return Ok(());
    }
    let detail =
        format!("valgrind does not know the instructions of {unknown}; the model (sim) counts such code");
    Err(Unavailable::new(Reason::Unsupported, detail))
}

/// Where valgrind is.
pub(super) fn find() -> Result<PathBuf, Unavailable> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("valgrind")).find(|file| file.is_file());
    let found = found.ok_or_else(|| {
        Unavailable::new(Reason::Unsupported, "valgrind is not installed: apt install valgrind")
    })?;
    is_recent(&version(&found)?)?;
    Ok(found)
}

fn version(valgrind: &Path) -> Result<String, Unavailable> {
    let answer = Command::new(valgrind).arg("--version").output();
    let answer = answer.map_err(|error| {
        Unavailable::new(Reason::Unsupported, format!("{} does not start: {error}", valgrind.display()))
    })?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

/// `valgrind-3.19.0`.
fn is_recent(version: &str) -> Result<(), Unavailable> {
    let mut numbers =
        version.trim_start_matches("valgrind-").split('.').map(|part| part.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= OLDEST {
        return Ok(());
    }
    let (major, minor) = OLDEST;
    let detail = format!("{version} is too old: {major}.{minor} or later is needed");
    Err(Unavailable::new(Reason::Unsupported, detail))
}

/// Arguments for the caches of a machine, and what had to be changed or is not stated of them, in words.
pub(super) struct Told {
    pub(super) arguments: Vec<String>,
    pub(super) remarks: Vec<String>,
}

/// Tells callgrind of the first-level caches and the last level. What a machine does not state is left to callgrind, which
/// guesses.
pub(super) fn tell(machine: &Machine) -> Told {
    let level = |level: u8, kind: &str| {
        machine.caches.iter().find(|cache| cache.level == level && cache.kind == kind)
    };
    let last =
        machine.caches.iter().filter(|cache| cache.kind != "instruction").max_by_key(|cache| cache.level);
    let caches = [("I1", level(1, "instruction")), ("D1", level(1, "data")), ("LL", last)];
    let mut told = Told { arguments: Vec::new(), remarks: Vec::new() };
    for (name, cache) in caches {
        let Some((cache, ways)) = cache.and_then(|cache| Some((cache, cache.ways.filter(|ways| *ways > 0)?)))
        else {
            told.remarks.push(format!("{name} not stated, callgrind's guess"));
            continue;
        };
        let size_bytes = legal_bytes(cache, ways);
        told.arguments.push(format!("--{name}={size_bytes},{ways},{}", cache.line_bytes));
        if size_bytes != cache.size_bytes {
            let [from, to] = [cache.size_bytes, size_bytes].map(|bytes| bytes >> 10);
            told.remarks.push(format!("{name} {from} KiB rounded to {to} KiB"));
        }
    }
    told
}

/// Callgrind's caches have a power of two of sets: the next lower one.
fn legal_bytes(cache: &Cache, ways: u32) -> u64 {
    let set_bytes = u64::from(ways) * u64::from(cache.line_bytes);
    let sets = (cache.size_bytes / set_bytes).max(1);
    set_bytes << sets.ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_told_as_they_are_and_odd_ones_rounded_and_said_so() {
        let mut machine = Machine::scripted();
        let told = tell(&machine);
        assert_eq!(told.arguments, ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=33554432,16,64"]);
        assert!(told.remarks.is_empty());
        machine.caches[3].size_bytes = 36 << 20;
        machine.caches[3].ways = Some(12);
        machine.caches[0].ways = None;
        let told = tell(&machine);
        assert_eq!(told.arguments, ["--I1=32768,8,64", "--LL=25165824,12,64"]);
        assert_eq!(told.remarks, ["D1 not stated, callgrind's guess", "LL 36864 KiB rounded to 24576 KiB"]);
    }

    #[test]
    fn code_that_valgrind_does_not_know_is_refused_by_name() {
        assert!(
            [Isa::NONE, Isa::AVX2, Isa::AES_NI | Isa::PCLMUL, Isa::NEON_AES]
                .map(can_run)
                .iter()
                .all(Result::is_ok)
        );
        let refused = can_run(Isa::AVX2 | Isa::VAES | Isa::AVX512F).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "unsupported: valgrind does not know the instructions of vaes+avx512f; the model (sim) counts such code"
        );
        assert!(can_run(Isa::SHA_NI).is_err());
    }

    #[test]
    fn an_old_version_is_refused_and_a_newer_one_taken() {
        assert!(
            ["valgrind-3.15.0", "valgrind-3.26.1", "valgrind-4.0"].map(is_recent).iter().all(Result::is_ok)
        );
        let refused = is_recent("valgrind-3.9.0").unwrap_err();
        assert_eq!(refused.detail, "valgrind-3.9.0 is too old: 3.15 or later is needed");
        assert!(is_recent("bogus").is_err());
    }
}
