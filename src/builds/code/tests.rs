//! Tiny programs, built with rustc as a gate builds large ones: what changes the hash of a function, and what does not.

use super::CodeIndex;
use crate::builds::cache::Cache;
use crate::builds::relink::{self, Relinker};
use crate::builds::tool;
use crate::builds::toolchain::Toolchain;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two rows: one multiplies, one looks numbers up in a table and can panic; both allocate.
const PROGRAM: &str = r#"
trait Case { fn run(&mut self, n: u64) -> u64; }
struct Multiplies(u64);
struct LooksUp(u64);
static TABLE: [u64; 5] = [3, 1, 4, 1, 5];
impl Case for Multiplies {
    fn run(&mut self, n: u64) -> u64 {
        for i in 0..n { self.0 = self.0.rotate_left(7).wrapping_mul(0x9E3779B97F4A7C15) ^ shared(i) }
        self.0
    }
}
impl Case for LooksUp {
    fn run(&mut self, n: u64) -> u64 {
        for i in 0..n { self.0 = self.0.wrapping_add(TABLE[(self.0 ^ i) as usize & 7]) }
        assert!(self.0 != 77, "lucky");
        self.0 * shared(self.0)
    }
}
#[inline(never)]
fn shared(i: u64) -> u64 { if i == 0 { 12 } else { shared(i / 3) + 1 } }
#[unsafe(no_mangle)] #[inline(never)]
extern "Rust" fn build_multiplies() -> Box<dyn Case> { Box::new(Multiplies(1)) }
#[unsafe(no_mangle)] #[inline(never)]
extern "Rust" fn build_looks_up() -> Box<dyn Case> { Box::new(LooksUp(1)) }
fn main() {
    let n = std::env::args().count() as u64;
    for build in [build_multiplies as fn() -> Box<dyn Case>, build_looks_up] { println!("{}", build().run(n)) }
}
"#;

const ROWS: [&str; 2] = ["build_multiplies", "build_looks_up"];

struct Linked {
    folder: tempfile::TempDir,
    relinker: Relinker,
}

/// A program built as one side of a gate is.
fn built(program: &str) -> Linked {
    let folder = tempfile::tempdir().unwrap();
    let toolchain = Toolchain::of(Path::new(".")).unwrap();
    let lld = toolchain.lld.expect("rustc brings its linker along");
    let (source, archive) = (folder.path().join("program.rs"), folder.path().join("link.tar"));
    fs::write(&source, program).unwrap();
    let mut rustc = Command::new(&toolchain.rustc);
    rustc.current_dir(folder.path()).args(["--edition", "2024", "-O", "-C", "codegen-units=1", "program.rs"]);
    tool::run(rustc.args(lld.rustc_flags(&archive))).unwrap();
    let cache = Cache::open(&folder.path().join("cache")).unwrap();
    let entry = cache.add("entry", |into| relink::unpack(&archive, into)).unwrap();
    Linked { folder, relinker: Relinker::new(entry, lld) }
}

impl Linked {
    fn link(&self, n: usize) -> PathBuf {
        self.relinker.link(n).unwrap()
    }

    /// Hash by function name, read from link number `n`, for functions whose names `keep` likes.
    fn hashes(&self, n: usize, keep: impl Fn(&str) -> bool) -> BTreeMap<String, u64> {
        let index = CodeIndex::of_link(&self.relinker.inputs(), &self.link(n));
        let CodeIndex::Functions(functions) = &index else { panic!("{index:?}") };
        let named =
            functions.names.iter().flat_map(|(offset, names)| names.iter().map(|name| (*offset, name)));
        let kept = named.filter(|(_, name)| keep(name));
        kept.filter_map(|(offset, name)| Some((name.clone(), index.code_of(offset)?))).collect()
    }

    fn rows(&self) -> [u64; 2] {
        let hashes = self.hashes(0, |name| ROWS.contains(&name));
        ROWS.map(|row| hashes[row])
    }
}

#[test]
fn relinks_of_the_same_code_are_other_files_that_do_the_same_and_hash_the_same() {
    let program = built(PROGRAM);
    let [one, other] = [0, 1].map(|n| tool::ask(&mut Command::new(program.link(n))).unwrap());
    assert_eq!((one.as_str(), one.lines().count()), (other.as_str(), 2));
    assert_ne!(fs::read(program.link(0)).unwrap(), fs::read(program.link(1)).unwrap());
    let ours = |name: &str| name.contains("program") || name.starts_with("build_");
    let (hashes, others) = (program.hashes(0, ours), program.hashes(1, ours));
    assert!(ROWS.iter().all(|row| hashes.contains_key(*row)) && hashes.len() >= 5, "{hashes:?}");
    assert_eq!(hashes, others);
}

#[test]
fn functions_start_on_cache_lines() {
    let program = built(PROGRAM);
    let index = CodeIndex::of_link(&program.relinker.inputs(), &program.link(3));
    let CodeIndex::Functions(functions) = index else { panic!("{index:?}") };
    let rows =
        functions.names.iter().filter(|(_, names)| names.iter().any(|name| ROWS.contains(&name.as_str())));
    assert_eq!(rows.map(|(offset, _)| offset % 64).collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn the_same_program_built_again_elsewhere_hashes_the_same() {
    let (one, other) = (built(PROGRAM), built(PROGRAM));
    assert_ne!(one.folder.path(), other.folder.path());
    assert_eq!(one.rows(), other.rows());
}

#[test]
fn a_changed_constant_changes_the_row_that_uses_it_and_no_other() {
    let [multiplies, looks_up] = built(PROGRAM).rows();
    let [other, same] = built(&PROGRAM.replace("rotate_left(7)", "rotate_left(9)")).rows();
    assert_ne!(multiplies, other);
    assert_eq!(looks_up, same);
}

#[test]
fn a_changed_number_in_a_table_changes_the_row_that_reads_it_and_no_other() {
    let [multiplies, looks_up] = built(PROGRAM).rows();
    let [same, other] = built(&PROGRAM.replace("[3, 1, 4, 1, 5]", "[3, 1, 4, 1, 6]")).rows();
    assert_eq!(multiplies, same);
    assert_ne!(looks_up, other);
}

#[test]
fn a_change_in_a_function_that_both_call_changes_both() {
    let [multiplies, looks_up] = built(PROGRAM).rows();
    let [other, another] = built(&PROGRAM.replace("{ 12 }", "{ 13 }")).rows();
    assert!(multiplies != other && looks_up != another);
}

#[test]
fn comments_that_move_lines_change_nothing() {
    let commented = PROGRAM.replace("impl Case", "// A remark.\n\n    /* and */ impl Case");
    assert_eq!(built(PROGRAM).rows(), built(&commented).rows());
}

#[test]
fn the_words_of_a_panic_count() {
    let [_, looks_up] = built(PROGRAM).rows();
    let [_, other] = built(&PROGRAM.replace("lucky", "happy")).rows();
    assert_ne!(looks_up, other);
}

#[test]
fn an_executable_without_its_object_files_is_the_same_only_as_itself() {
    let program = built(PROGRAM);
    let [one, same, other] = [0, 0, 1].map(|n| CodeIndex::of_image(&program.link(n)).code_of(64));
    assert_eq!(one, same);
    assert!(one.is_some() && one != other);
    assert_eq!(CodeIndex::of_image(Path::new("nowhere")).code_of(64), None);
}

#[test]
fn an_input_that_is_no_machine_code_yet_makes_all_code_unknown() {
    let program = built(PROGRAM);
    fs::write(program.relinker.inputs().join("later.o"), b"BC\xc0\xde").unwrap();
    let index = CodeIndex::of_link(&program.relinker.inputs(), &program.link(0));
    assert!(matches!(&index, CodeIndex::Unknown(why) if why.contains("later.o")), "{index:?}");
    assert_eq!(index.code_of(0), None);
}

#[test]
fn another_shared_library_makes_all_code_that_calls_one_another() {
    let program = built(PROGRAM);
    let before = program.rows();
    fs::write(program.relinker.inputs().join("libown.so"), b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0")
        .unwrap();
    let after = program.rows();
    assert!(before[0] != after[0] && before[1] != after[1]);
}
