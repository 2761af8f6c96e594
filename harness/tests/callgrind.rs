//! Callgrind, run for real: it agrees with the model on ten patterns, counts every thread's operations and nothing else, and
//! is known to whoever runs under it. Calls itself as the program under valgrind, so it has a `main` of its own.

use perfbench_harness::case::{Case, opaque, pair, solo};
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::callgrind::{Callgrind, under_valgrind};
use perfbench_harness::counter::{self, Counter, Selection, Source};
use perfbench_harness::isa::Isa;
use perfbench_harness::simulate::geometry::{Geometry, Holds, Level};
use perfbench_harness::simulate::patterns::{PATTERNS, Walk, aligned, reserve};
use perfbench_harness::simulate::{Model, Untraced};
use perfbench_harness::unavailable::Unavailable;
use std::process::Command;

/// Argument of the program under valgrind.
const UNDER: &str = "under-valgrind";

/// The caches that the patterns' misses are worked out for.
const CACHES: [&str; 2] = ["--D1=49152,12,64", "--LL=33554432,16,64"];

fn main() {
    if std::env::args().nth(1).as_deref() == Some(UNDER) {
        return tell();
    }
    assert!(!under_valgrind());
    match Callgrind.under(Isa::NONE) {
        Err(why) => println!("callgrind: skipped, {why}"),
        Ok(command) => {
            let told = ask(command);
            callgrind_misses_what_the_model_does(&told);
            counts_are_of_the_operations_alone(&told);
            println!("callgrind: all checks passed");
        }
    }
    Callgrind.ended();
    outside_of_valgrind_it_refuses();
}

/// What the program under valgrind tells, in words.
fn ask(mut command: Vec<String>) -> Vec<Vec<String>> {
    command.extend(CACHES.map(str::to_owned));
    let own = std::env::current_exe().expect("a test knows where it is");
    let answer = Command::new(&command[0]).args(&command[1..]).arg(own).arg(UNDER).output();
    let answer = answer.expect("valgrind starts");
    let (told, complaint) =
        (String::from_utf8(answer.stdout).unwrap(), String::from_utf8_lossy(&answer.stderr));
    assert!(answer.status.success(), "{}: {told} {complaint}", answer.status);
    told.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

fn callgrind_misses_what_the_model_does(told: &[Vec<String>]) {
    let level = |size_bytes, ways| Level { size_bytes, ways, holds: Holds::Misses };
    let geometry = Geometry::callgrind(level(48 << 10, 12), level(32 << 20, 16), 64);
    let mut memory = reserve();
    for (pattern, told) in PATTERNS.iter().zip(told) {
        let memory = aligned(&mut memory, pattern.walk.bytes());
        pattern.walk.prepare(memory);
        let mut model = Model::new(&geometry, 1);
        pattern.walk.run(memory, &mut model);
        let modelled = [model.counts().l1d_misses.reads, model.counts().l3_misses.reads];
        let callgrinds = [1, 2].map(|word| told[word].parse::<u64>().unwrap());
        println!("{:<22} model {modelled:?} callgrind {callgrinds:?}", pattern.name);
        assert_eq!(told[0], pattern.name);
        // What keeps the loop's own words is code around it, a few lines of which miss as well.
        assert!(modelled.iter().zip(callgrinds).all(|(ours, theirs)| ours.abs_diff(theirs) <= 4));
    }
}

fn counts_are_of_the_operations_alone(told: &[Vec<String>]) {
    let number = |name: &str| -> f64 {
        let line = told.iter().find(|line| line[0] == name).expect("it is told");
        line[1].parse().unwrap()
    };
    assert_eq!(number("running"), 1.0);
    // A region with operations enters its loop, which an empty one does not: a few instructions in a thousand operations.
    let same = |a: f64, b: f64| assert!((a - b).abs() < 0.01, "{a} {b}");
    same(number("instructions_of_1000"), number("instructions_of_5000"));
    same(number("reads_of_one_thread") * 2.0, number("reads_of_two_threads"));
}

fn outside_of_valgrind_it_refuses() {
    let selection = "sim:callgrind".parse::<Selection>().unwrap();
    assert!(
        Callgrind.open(&selection).is_err_and(|why| why.detail.contains("only in a process that it runs"))
    );
    assert!(Callgrind.under(Isa::AVX512F).is_err_and(|why| why.detail.contains("avx512f")));
}

/// Under valgrind: what it counts.
fn tell() {
    let mut counter = Callgrind.open(&Selection::none()).expect("it runs under callgrind");
    let mut memory = reserve();
    for pattern in PATTERNS {
        let [d1, ll] = misses(counter.as_mut(), &pattern.walk, &mut memory);
        println!("{} {d1} {ll}", pattern.name);
    }
    println!("running {}", u8::from(under_valgrind()));
    for ops in [1000, 5000] {
        println!("instructions_of_{ops} {}", per_op(solo(multiply), ops, "callgrind_instructions"));
    }
    let words = vec![1u64; 64];
    let summing = |words: Vec<u64>| move |_: u64| words.iter().map(|word| opaque(*word)).sum::<u64>();
    let one = per_op(solo(summing(words.clone())), 1000, "callgrind_reads");
    let two = per_op(pair([0, 0], 1.0, summing(words.clone()), summing(words)), 1000, "callgrind_reads");
    println!("reads_of_one_thread {one}\nreads_of_two_threads {two}");
}

fn multiply(i: u64) -> u64 {
    i.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn per_op(mut case: Box<dyn Case>, ops: u64, event: &str) -> f64 {
    let (selection, clock) =
        ("sim:callgrind".parse::<Selection>().unwrap(), Clock::open(ClockChoice::Monotonic));
    let counts = counter::count(&selection, ops, &mut |pass| {
        case.batch(pass.ops, &pass.clock(&clock));
    });
    let count = counts.into_iter().find(|count| count.name == event).expect("it is an event");
    count.per_op.expect("it is counted")
}

/// Read misses of both levels of a walk that finds nothing of its own in them.
fn misses(counter: &mut dyn Counter, walk: &Walk, memory: &mut [u64]) -> [f64; 2] {
    let everything = Walk::Scan { bytes: 64 << 20, stride_bytes: 64, laps: 1 };
    walk.prepare(aligned(memory, walk.bytes()));
    everything.run(aligned(memory, everything.bytes()), &mut Untraced);
    let memory = aligned(memory, walk.bytes());
    let bracket = counter.bracket().expect("callgrind counts between brackets");
    counter.start();
    bracket.enter();
    walk.run(memory, &mut Untraced);
    bracket.leave();
    let readings = counter.stop(1);
    let value = |name: &str| -> Result<f64, Unavailable> {
        readings.iter().find(|reading| reading.name == name).expect("it is an event").value.clone()
    };
    ["callgrind_d1_read_misses", "callgrind_ll_read_misses"].map(|name| value(name).expect("it is counted"))
}
