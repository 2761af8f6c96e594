//! Prints what a message takes from core to core by how it is written down: on one line both ways, on a line each way, and
//! on a fresh line each time, beside the pauses between two looks. It shows what bounds a hop over two rings. Argument:
//! seconds (5).

use perfbench_harness::case::pair;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::stats;
use perfbench_workloads::ring_spsc::memory::Line;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lines of a side: a power of two.
const LINES: usize = 1024;
const OPS: u64 = 5_000;
const WAYS: [&str; 3] = ["one line both ways", "a line each way", "a fresh line each time"];
const PAUSES: [u32; 4] = [0, 1, 2, 4];

type Lines = Arc<[Line<AtomicU64>]>;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5.0);
    let (begin, clock) = (Instant::now(), Clock::open(ClockChoice::Best));
    let mut samples = vec![Vec::new(); WAYS.len() * PAUSES.len()];
    while begin.elapsed() < Duration::from_secs_f64(seconds) {
        for (cell, into) in samples.iter_mut().enumerate() {
            into.push(one_way_ns(cell / PAUSES.len(), PAUSES[cell % PAUSES.len()], &clock));
        }
    }
    println!("{:<24} pauses: {}", "one way, median ns", PAUSES.map(|pauses| format!("{pauses:6}")).join(""));
    for (way, row) in WAYS.iter().zip(samples.chunks(PAUSES.len())) {
        let cells: Vec<String> = row.iter().map(|times| format!("{:6.1}", stats::median(times))).collect();
        println!("{way:<24}         {}", cells.join(""));
    }
}

fn lines() -> Lines {
    (0..LINES).map(|_| Line(AtomicU64::new(0))).collect()
}

/// A batch of messages and answers, after one that warms up.
fn one_way_ns(way: usize, pauses: u32, clock: &Clock) -> f64 {
    let there = lines();
    let back = if way == 0 { there.clone() } else { lines() };
    let at = move |message: u64| if way == 2 { message as usize % LINES } else { 0 };
    let (sent, due) = ((there.clone(), back.clone()), (there, back));
    let (mut message, mut expected) = (0, 0);
    // A message is twice its number, its answer one more, so that both may lie on one line.
    let send = move |_| {
        message += 1;
        sent.0[at(message)].0.store(2 * message, Ordering::Release);
        wait(&sent.1[at(message)].0, 2 * message + 1, pauses);
        message
    };
    let answer = move |_| {
        expected += 1;
        wait(&due.0[at(expected)].0, 2 * expected, pauses);
        due.1[at(expected)].0.store(2 * expected + 1, Ordering::Release);
        expected
    };
    let mut case = pair([0, 1], 2.0, send, answer);
    case.batch(OPS / 10, clock);
    case.batch(OPS, clock).elapsed_ns / (OPS as f64 * case.units_per_op())
}

// Acquire pairs with the Release of the store: the number is the message.
fn wait(word: &AtomicU64, value: u64, pauses: u32) {
    let mut looks = 0u32;
    while word.load(Ordering::Acquire) != value {
        (0..pauses).for_each(|_| std::hint::spin_loop());
        looks += 1;
        if looks.is_multiple_of(10_000) {
            std::thread::yield_now();
        }
    }
}
