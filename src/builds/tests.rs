//! Bases and candidates of a tiny package in a repository of its own, built for real.

use super::cache::Cache;
use super::*;
use crate::error::USAGE;
use std::fs;
use std::process::Command;

/// A repository with two commits of a program that prints its version, and a cache beside it.
struct Bench {
    folder: tempfile::TempDir,
    options: BuildOptions,
}

const MANIFEST: &str = "[package]\nname = \"tiny\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n";

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("repository");
        fs::create_dir_all(repository.join("src")).unwrap();
        let options = BuildOptions {
            checkout: repository.clone(),
            bin: "tiny".into(),
            links: 2,
            ..BuildOptions::new(&folder.path().join("store"))
        };
        let bench = Self { folder, options };
        bench.git(&["init", "--quiet", "--initial-branch", "main"]);
        fs::write(repository.join("Cargo.toml"), MANIFEST).unwrap();
        fs::write(repository.join(".gitignore"), "target\nCargo.lock\n").unwrap();
        for version in ["one", "two"] {
            bench.write(&format!("fn main() {{ println!(\"{version}\") }}"));
            bench.git(&["add", "--all"]);
            bench.git(&["commit", "--quiet", "--message", version]);
        }
        bench.git(&["tag", "first", "HEAD~1"]);
        bench
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.options.checkout).args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
        ]);
        tool::ask(git.args(["-c", "commit.gpgsign=false"]).args(arguments)).unwrap()
    }

    fn write(&self, source: &str) {
        fs::write(self.options.checkout.join("src/main.rs"), source).unwrap();
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn base(&self, text: &str) -> Result<Side, Failure> {
        match base_in(text, &self.store(), &self.options, &mut |_| {})? {
            Base::Side(side) => Ok(*side),
            Base::Record(record) => panic!("{}", record.header.run),
        }
    }

    fn candidate(&self) -> Side {
        candidate(&self.options, &mut |_| {}).unwrap()
    }
}

/// What the links of a side print.
fn printed(side: &Side) -> Vec<String> {
    side.links.iter().map(|link| tool::ask(&mut Command::new(link)).unwrap()).collect()
}

/// The hash of the C function that starts a program.
fn main_of(side: &Side) -> u64 {
    let names = code::function_names(&side.links[0]).unwrap();
    let (offset, _) = names.iter().find(|(_, names)| names.contains(&"main".into())).unwrap();
    side.code_of(*offset).expect("its object files are at hand")
}

fn help(failure: &Failure) -> String {
    miette::Diagnostic::help(failure).map(|help| help.to_string()).unwrap_or_default()
}

#[test]
fn a_revision_is_built_beside_the_users_tree_in_several_links_and_found_again_without_a_build() {
    let bench = Bench::new();
    let mut side = bench.base("first").unwrap();
    let short = bench.git(&["rev-parse", "--short=7", "first"]);
    assert_eq!((side.name.as_str(), side.note.as_ref()), (format!("first @ {short}").as_str(), None));
    assert_eq!(printed(&side), ["one", "one"]);
    side.relink(4).unwrap();
    assert_eq!((side.relinked, printed(&side).len()), (true, 4));
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    let mut lines = 0;
    let again = base_in("HEAD~1", &bench.store(), &bench.options, &mut |_| lines += 1).unwrap();
    let Base::Side(again) = again else { panic!("a revision is a side") };
    assert_eq!((lines, &again.links[..]), (0, &side.links[..2]));
}

#[test]
fn one_work_tree_serves_one_revision_after_the_other() {
    let bench = Bench::new();
    let [two, one] = ["main", "first"].map(|text| bench.base(text).unwrap());
    assert_eq!((printed(&two)[0].as_str(), printed(&one)[0].as_str()), ("two", "one"));
    fs::remove_dir_all(bench.store()).unwrap();
    assert_eq!(printed(&bench.base("first").unwrap())[0], "one");
}

#[test]
fn the_candidate_is_the_working_tree_as_it_is_now() {
    let bench = Bench::new();
    bench.write("fn main() { println!(\"three\") }");
    let side = bench.candidate();
    assert_eq!(printed(&side), ["three", "three"]);
    assert!(
        side.name.starts_with("working tree @ ") && side.name.ends_with(" with changes"),
        "{}",
        side.name
    );
    bench.write("fn main() { println!(\"fourth\") }");
    assert_eq!(printed(&bench.candidate()), ["fourth", "fourth"]);
}

#[test]
fn the_main_function_of_two_builds_of_one_source_is_recognised_and_that_of_another_source_is_not() {
    let bench = Bench::new();
    let sides = [bench.candidate(), bench.base("main").unwrap(), bench.base("first").unwrap()];
    let hashes = sides.each_ref().map(main_of);
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}

#[test]
fn another_checkout_and_an_executable_are_bases_too() {
    let bench = Bench::new();
    let other = bench.folder.path().join("other");
    bench.git(&["worktree", "add", "--quiet", other.to_str().unwrap(), "first"]);
    let side = bench.base(other.to_str().unwrap()).unwrap();
    assert_eq!((side.relinked, printed(&side)[0].as_str()), (true, "one"));
    let binary = bench.base(side.links[0].to_str().unwrap()).unwrap();
    assert_eq!((binary.relinked, printed(&binary).as_slice()), (false, &["one".to_owned()][..]));
    assert_eq!(binary.note.as_deref(), Some("a given executable has one link only"));
}

#[test]
fn without_relinking_a_side_is_one_executable_and_says_so() {
    let mut bench = Bench::new();
    bench.options.relink = false;
    let sides = [bench.base("first").unwrap(), bench.candidate()];
    for (side, version) in sides.iter().zip(["one", "two"]) {
        assert_eq!((side.relinked, printed(side).as_slice()), (false, &[version.to_owned()][..]));
        assert_eq!(side.note.as_deref(), Some("relinking is switched off"));
    }
}

#[test]
fn code_that_does_not_build_is_an_error_with_the_compilers_words() {
    let bench = Bench::new();
    bench.write("fn main() { missing() }");
    let failure = candidate(&bench.options, &mut |_| {}).unwrap_err();
    assert_eq!(failure.code, USAGE);
    assert!(failure.to_string().contains("cannot find function `missing`"), "{failure}");
    assert!(help(&failure).contains("cargo build --release --bin tiny"), "{}", help(&failure));
}

#[test]
fn a_text_that_names_nothing_says_what_could_be_named() {
    let mut bench = Bench::new();
    let failure = bench.base("nosuch").unwrap_err();
    assert_eq!(failure.code, USAGE);
    assert!(failure.to_string().contains("no stored run and no git revision"), "{failure}");
    assert!(help(&failure).contains("git branch -a"), "{}", help(&failure));
    let script = bench.folder.path().join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let failure = bench.base(script.to_str().unwrap()).unwrap_err();
    assert!(failure.to_string().contains("neither a program nor the record of a run"), "{failure}");
    bench.options.checkout = bench.folder.path().to_owned();
    assert!(help(&bench.base("main").unwrap_err()).contains("not a git repository"));
}

#[test]
fn a_text_that_names_a_run_and_a_revision_is_refused_with_the_words_that_decide() {
    let bench = Bench::new();
    let runs = bench.store().join("runs");
    fs::create_dir_all(&runs).unwrap();
    let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.ndjson");
    fs::copy(record, runs.join("first.ndjson")).unwrap();
    let failure = bench.base("first").unwrap_err();
    assert_eq!(failure.to_string(), "`first` is both a stored run and a git revision");
    assert_eq!(help(&failure), "write `run:first` or `rev:first`");
    let run = base_in("run:first", &bench.store(), &bench.options, &mut |_| {}).unwrap();
    assert!(matches!(run, Base::Record(_)));
    assert_eq!(printed(&bench.base("rev:first").unwrap())[0], "one");
}

#[test]
fn an_executable_that_no_package_has_leaves_the_running_program() {
    let mut bench = Bench::new();
    bench.options.bin = "nosuch".into();
    let side = bench.candidate();
    assert_eq!((side.name.as_str(), side.relinked, side.links.len()), ("the running program", false, 1));
    assert!(side.note.unwrap().contains("has an executable `nosuch`"));
}

#[test]
fn the_cache_throws_out_what_was_used_longest_ago_and_never_what_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let fill = |folder: &Path| fs::write(folder.join("file"), [1; 100_000]).map_err(|_| unreachable!());
    let [old, newer] = ["old", "newer"].map(|key| cache.add(key, fill).unwrap());
    let turn = cache.turn(&mut |_| {}).unwrap();
    assert_eq!(cache.prune(0, &turn), 0);
    drop((newer, old));
    cache.find("old").unwrap();
    assert!(cache.prune(150_000, &turn) >= 100_000);
    assert!(cache.find("newer").unwrap().is_none() && cache.find("old").unwrap().is_some());
}

#[test]
fn a_second_builder_waits_for_the_first_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    let mut first = cache.turn(&mut |_| {}).ok();
    let mut said = Vec::new();
    cache
        .turn(&mut |line| {
            said.push(line.to_owned());
            drop(first.take());
        })
        .unwrap();
    assert_eq!(said, ["waiting for another perfbench that builds"]);
}

#[test]
fn a_build_that_failed_half_way_leaves_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    assert!(cache.add("key", |_| Err(Failure::usage("no"))).is_err());
    assert!(cache.find("key").unwrap().is_none());
    assert!(cache.add("key", |_| Ok(())).is_ok() && cache.find("key").unwrap().is_some());
}
