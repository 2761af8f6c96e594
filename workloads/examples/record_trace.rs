//! Records the trace that the arena workload plays back by default: an index of the words of this crate's own sources.
//! Prints it on standard output; `scripts/record-trace` puts it in its place. For a trace of your own Rust program, make
//! [`Recorder`] its global allocator in the same way and wrap what is of interest in [`record`].

use perfbench_workloads::arena::record::{Recorder, record};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

#[global_allocator]
static ALLOCATOR: Recorder = Recorder;

/// Line numbers by word.
type Index = HashMap<String, Vec<usize>>;

fn main() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/arena");
    let trace = record(|| job(&sources));
    println!("# allocation trace v1: an index of the words of perfbench's own arena sources");
    println!("# recorded by workloads/examples/record_trace.rs");
    print!("{trace}");
}

fn job(sources: &Path) {
    let mut reports = Vec::new();
    let mut whole = Index::new();
    for file in ["check.rs", "mod.rs", "region.rs", "heap.rs", "first_fit_list.rs", "cases.rs"] {
        let text = std::fs::read_to_string(sources.join(file)).expect("the sources are in their place");
        let index = index(&text);
        reports.push(report(&index));
        for (word, mut lines) in index {
            whole.entry(word).or_default().append(&mut lines);
        }
    }
    reports.push(report(&whole));
    assert!(reports.iter().all(|report| !report.is_empty()));
}

fn index(text: &str) -> Index {
    let mut index = Index::new();
    for (number, line) in text.lines().enumerate() {
        let words: Vec<String> = line.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            index.entry(word).or_default().push(number);
        }
    }
    index
}

/// The words by how often they occur, the most frequent first, one line each.
fn report(index: &Index) -> String {
    let mut by_count: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (word, lines) in index {
        by_count.entry(lines.len()).or_default().push(word);
    }
    let lines = by_count.iter().rev().map(|(count, words)| format!("{count}: {}", words.join(" ")));
    lines.collect::<Vec<_>>().join("\n")
}
