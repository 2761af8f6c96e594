//! A table of its own through the whole command line, with variants that break in every way a variant can. The test
//! binary calls itself as the perfbench under test.

use perfbench_harness::case::{Case, solo};
use perfbench_harness::record::{Outcome, RunRecord, read};
use perfbench_harness::{Broken, Isa, Point, Registry, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::process::{Command, ExitCode, Output};

fn good(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(|i: u64| i.wrapping_mul(3)))
}

fn panics(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(|i: u64| if i > 10 { panic!("eleventh operation") } else { i }))
}

fn dies(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(|_: u64| std::process::abort()))
}

fn pass(_: &Setup<'_>) -> Result<(), Broken> {
    Ok(())
}

fn fail(_: &Setup<'_>) -> Result<(), Broken> {
    Err(Broken("took 3 out, put 2 in".into()))
}

type Build = fn(&Setup<'_>) -> Result<Box<dyn Case>, Unavailable>;

const fn variant(name: &'static str, build: Build, check: fn(&Setup<'_>) -> Result<(), Broken>) -> Variant {
    Variant {
        name,
        about: "part of a test",
        role: Role::Baseline,
        suite: Suite::Default,
        needs: Isa::NONE,
        build,
        check,
    }
}

static POINTS: [Point; 1] = [Point {
    name: "only",
    about: "a point",
    unit_of_work: "op",
    size: 0,
    cpus: 1,
    bound: Err("a test has no limit"),
    latency: false,
    suite: Suite::Default,
}];
static VARIANTS: [Variant; 4] = [
    variant("good", good, pass),
    variant("panics", panics, pass),
    variant("dies", dies, pass),
    variant("wrong", good, fail),
];
static TABLE: Workload =
    Workload { name: "table", about: "a test", source: "000", points: &POINTS, variants: &VARIANTS };
static REGISTRY: &[&Workload] = &[&TABLE];

fn main() -> ExitCode {
    let registry: &'static Registry = &REGISTRY;
    if std::env::var_os("PERFBENCH_UNDER_TEST").is_some() {
        return perfbench::main(registry, Vec::new);
    }
    a_broken_variant_costs_its_own_row_and_exit_30_and_nothing_else();
    the_check_alone_finds_the_wrong_variant();
    println!("broken_table: 2 tests passed");
    ExitCode::SUCCESS
}

fn perfbench(arguments: &[&str]) -> Output {
    let program = std::env::current_exe().unwrap();
    Command::new(program)
        .args(arguments)
        .env("PERFBENCH_UNDER_TEST", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn a_broken_variant_costs_its_own_row_and_exit_30_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().to_str().unwrap();
    let output = perfbench(&["run", "-t", "15s", "--launches", "2", "--store", store, "--progress", "none"]);
    assert_eq!(output.status.code(), Some(30), "{output:?}");
    let record = newest(folder.path());
    let outcome = |name: &str| &record.row(&format!("table/only/{name}")).unwrap().outcome;
    let message = |name: &str| match outcome(name) {
        Outcome::Broke { message } => message.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert!(matches!(outcome("good"), Outcome::Measured(m) if m.launches.len() >= 2));
    assert!(message("panics").contains("eleventh operation"));
    assert!(message("dies").contains("signal 6"), "{}", message("dies"));
    assert!(message("wrong").contains("took 3 out, put 2 in"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("eleventh operation") && text.contains("3 broke"), "{text}");
    assert!(folder.path().join("latest.html").is_file());
}

fn the_check_alone_finds_the_wrong_variant() {
    let output = perfbench(&["run", "--test"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(30), "{text}");
    assert!(text.lines().any(|line| line.starts_with("table/wrong") && line.contains("BROKE")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("table/good") && line.ends_with("ok")), "{text}");
}

fn newest(store: &std::path::Path) -> RunRecord {
    let mut runs = std::fs::read_dir(store.join("runs")).unwrap();
    read(&runs.next().unwrap().unwrap().path()).unwrap()
}
