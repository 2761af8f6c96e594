//! Queues that a process started apart finds by a segment's name, and whose other side is killed.

use crate::role::{is_missing, kill, ready, start, wait_until_ready};
use crate::{Role, Scenario};
use perfbench_workloads::ring_spsc::Push;
use perfbench_workloads::shm::{Segment, unique_name};
use perfbench_workloads::shm_queue::mpmc::{Handle, Refusal};
use perfbench_workloads::shm_queue::named::{
    LAYOUT, consumer, join_mpmc, make_mpmc, make_ring, payload_bytes, producer,
};
use std::process::Child;
use std::sync::Arc;

/// What this module shows.
pub const SCENARIOS: &[Scenario] = &[
    ("items reach a process that opened the ring by name", items_reach_a_process_by_name),
    ("a killed consumer is a typed error and is followed by another", a_killed_consumer_is_followed),
    ("a killed producer of many holds up nobody", a_killed_producer_of_many_holds_up_nobody),
];

/// Processes that this module starts.
pub const ROLES: &[Role] = &[("take", take), ("take_on", take_on), ("push_on", push_on)];

const CAPACITY: usize = 16;
const ITEMS: usize = 50_000;

/// Attempts after which a claim of a dead process has long been taken over.
const BOUND: u32 = 100_000;

fn opened(name: &str) -> Arc<Segment> {
    Arc::new(Segment::open(name, LAYOUT).expect("the segment is there"))
}

fn made(name: &str) -> Arc<Segment> {
    Arc::new(Segment::create(name, payload_bytes(CAPACITY), LAYOUT).expect("a segment is made"))
}

fn started(role: &str, name: &str) -> Child {
    let mut child = start(role, name);
    wait_until_ready(&mut child);
    child
}

/// Takes so many items, each the one before and one.
fn taken(name: &str, items: usize) {
    let mut from = consumer(&opened(name)).expect("the side is free");
    ready();
    let first = from.pop().expect("the producer lives");
    (first + 1..).take(items - 1).for_each(|item| assert_eq!(from.pop(), Ok(item)));
}

fn take(name: &str) {
    taken(name, ITEMS);
}

fn take_on(name: &str) {
    taken(name, usize::MAX);
}

fn push_on(name: &str) {
    let mut to = join_mpmc(&opened(name)).expect("there is a seat");
    ready();
    for item in 0.. {
        while to.try_push(item).is_err() {}
    }
}

fn items_reach_a_process_by_name() {
    let name = unique_name("carry");
    let segment = made(&name);
    make_ring(&segment, CAPACITY).unwrap();
    let mut to = producer(&segment).unwrap();
    let mut child = started("take", &name);
    (0..ITEMS as u64).for_each(|item| to.push(item).expect("the consumer lives"));
    assert!(child.wait().unwrap().success());
    drop((to, segment));
    assert!(is_missing(&name, LAYOUT));
}

fn a_killed_consumer_is_followed() {
    let name = unique_name("follow");
    let segment = made(&name);
    make_ring(&segment, CAPACITY).unwrap();
    let (mut to, mut next) = (producer(&segment).unwrap(), 0);
    for round in 0..5 {
        let child = started("take_on", &name);
        let pid = child.id();
        for _ in 0..1_000 * round + 1 {
            to.push(next).expect("the consumer lives");
            next += 1;
        }
        kill(child);
        let gone = loop {
            match to.push(next) {
                Ok(()) => next += 1,
                Err(gone) => break gone,
            }
        };
        assert_eq!(gone.0.pid, pid);
    }
    drop((to, segment));
    assert!(is_missing(&name, LAYOUT));
}

fn a_killed_producer_of_many_holds_up_nobody() {
    let name = unique_name("many");
    let segment = made(&name);
    let mut ours = make_mpmc(&segment, CAPACITY).unwrap();
    for round in 0..5 {
        let child = started("push_on", &name);
        for item in 0..1_000 * round + 1 {
            assert_eq!(popped(&mut ours), item);
        }
        kill(child);
        while ours.pop_within(BOUND).is_ok() {}
        the_whole_capacity_is_of_use(&mut ours);
    }
    drop((ours, segment));
    assert!(is_missing(&name, LAYOUT));
}

fn popped(ours: &mut Handle) -> u64 {
    loop {
        if let Ok(item) = ours.pop_within(BOUND) {
            return item;
        }
    }
}

fn the_whole_capacity_is_of_use(ours: &mut Handle) {
    for item in 0..CAPACITY as u64 {
        assert!((0..BOUND).any(|_| ours.try_push(item).is_ok()), "no room for {item}");
    }
    (0..CAPACITY as u64).for_each(|item| assert_eq!(ours.pop_within(BOUND), Ok(item)));
    assert_eq!(ours.pop_within(1), Err(Refusal::NotReady));
}
