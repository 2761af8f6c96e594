//! Pools, streams and arrays that a process started apart finds by a segment's name, and whose other side is killed.

use crate::role::{is_missing, kill, ready, start, wait_until_ready};
use crate::{Role, Scenario};
use perfbench_workloads::ring_spsc::memory::placed::LeadError;
use perfbench_workloads::seqlock::state_of;
use perfbench_workloads::shm::{Segment, unique_name};
use perfbench_workloads::shm_object_pool::magazine::Magazine;
use perfbench_workloads::shm_object_pool::tagged::Tagged;
use perfbench_workloads::shm_object_pool::{Pool, named as pool};
use perfbench_workloads::shm_queue::named::QueueError;
use perfbench_workloads::shm_ring_buffer::{Read as _, Write as _, named as stream};
use perfbench_workloads::shm_versioned_array::{Read as _, Write as _, named as array};
use std::process::Child;
use std::sync::Arc;

/// What this module shows.
pub const SCENARIOS: &[Scenario] = &[
    ("what a killed process had of a tagged pool comes back", of_a_tagged_pool),
    ("what a killed process had of a pool of magazines comes back", of_a_pool_of_magazines),
    ("a stream goes on when its reader is killed", a_killed_reader_is_followed),
    ("an array is read whole whenever its writer is killed", a_killed_writer_is_followed),
    ("a segment is taken for what it holds and for nothing else", a_segment_is_what_it_holds),
];

/// Processes that this module starts.
pub const ROLES: &[Role] = &[
    ("borrow_tagged", borrow::<Tagged>),
    ("borrow_magazine", borrow::<Magazine>),
    ("read_on", read_on),
    ("write_on", write_on),
];

const CAPACITY: usize = 64;
const LAPS: u64 = 1_000;

fn made(name: &str, payload_bytes: u64, layout: u64) -> Arc<Segment> {
    Arc::new(Segment::create(name, payload_bytes, layout).expect("a segment is made"))
}

fn opened(name: &str, layout: u64) -> Arc<Segment> {
    Arc::new(Segment::open(name, layout).expect("the segment is there"))
}

fn started(role: &str, name: &str) -> Child {
    let mut child = start(role, name);
    wait_until_ready(&mut child);
    child
}

/// Holds ten objects and lends others again and again.
fn borrow<P: Pool>(name: &str) {
    let mut pool: P = pool::join(&opened(name, pool::LAYOUT)).expect("it holds such a pool");
    let held: Vec<u32> = (0..10).map(|_| pool.take().expect("an object is free")).collect();
    held.iter().for_each(|number| pool.object(*number).write(0, u64::from(*number)));
    ready();
    loop {
        let number = pool.take().expect("an object is free");
        pool.give(number).expect("it was lent just now");
    }
}

fn of_a_tagged_pool() {
    a_killed_borrowers_objects_come_back::<Tagged>("borrow_tagged");
}

fn of_a_pool_of_magazines() {
    a_killed_borrowers_objects_come_back::<Magazine>("borrow_magazine");
}

fn a_killed_borrowers_objects_come_back<P: Pool>(role: &str) {
    let name = unique_name("pool");
    let segment = made(&name, pool::payload_bytes(CAPACITY), pool::LAYOUT);
    let mut ours: P = pool::make(&segment, CAPACITY).unwrap();
    for _ in 0..5 {
        let child = started(role, &name);
        let number = ours.take().expect("most objects are free");
        kill(child);
        assert!(ours.recover() >= 10, "what the dead had comes back");
        ours.give(number).expect("it is ours");
        let mut all: Vec<u32> = std::iter::from_fn(|| ours.take()).collect();
        // One object may have been between the list and its signature (`tagged`).
        assert!(all.len() >= CAPACITY - 5, "{} objects are left", all.len());
        all.iter().for_each(|number| ours.give(*number).expect("it is ours"));
        all.sort_unstable();
        all.dedup();
        assert!(all.len() >= CAPACITY - 5, "an object was lent twice");
    }
    drop((ours, segment));
    assert!(is_missing(&name, pool::LAYOUT));
}

/// Reads words, each of which is the one before and one.
fn read_on(name: &str) {
    let mut from = stream::reader(&opened(name, stream::LAYOUT)).expect("the side is free").side;
    ready();
    let (mut words, mut due) = ([0; 8], None);
    loop {
        let count = from.pop_bulk(&mut words);
        for word in &words[..count] {
            assert!(due.is_none_or(|due| due == *word), "{word} and not {due:?}");
            due = Some(word + 1);
        }
    }
}

fn a_killed_reader_is_followed() {
    let name = unique_name("stream");
    let segment = made(&name, stream::payload_bytes(CAPACITY), stream::LAYOUT);
    stream::make(&segment, CAPACITY).unwrap();
    let mut to = stream::writer(&segment).unwrap();
    let mut next = 0;
    for _ in 0..5 {
        let child = started("read_on", &name);
        let pid = child.id();
        assert!(matches!(stream::reader(&segment).err(), Some(QueueError::Taken(who)) if who.pid == pid));
        let end = next + LAPS * CAPACITY as u64;
        while next < end {
            next += to.side.push_bulk(&[next]) as u64;
        }
        assert_eq!(to.lifeline.lost_peer(), None);
        kill(child);
        assert_eq!(to.lifeline.lost_peer().map(|who| who.pid), Some(pid));
    }
    let mut from = stream::reader(&segment).unwrap().side;
    let mut rest = [0; CAPACITY];
    let count = from.pop_bulk(&mut rest);
    assert!(rest[..count].iter().copied().eq(next - count as u64..next), "the rest is what was written last");
    drop((to, from, segment));
    assert!(is_missing(&name, stream::LAYOUT));
}

/// Writes every element again and again.
fn write_on(name: &str) {
    let (mut to, _lifeline) = array::writer(&opened(name, array::LAYOUT)).expect("the side is free");
    ready();
    for lap in 1.. {
        (0..CAPACITY).for_each(|index| to.write(index, state_of(lap)));
    }
}

fn a_killed_writer_is_followed() {
    let name = unique_name("array");
    let segment = made(&name, array::payload_bytes(CAPACITY), array::LAYOUT);
    array::make(&segment, CAPACITY).unwrap();
    let from = array::reader(&segment).unwrap();
    for _ in 0..5 {
        let child = started("write_on", &name);
        let (mut whole, mut index) = (0, 0);
        while whole < LAPS {
            if let Some(state) = from.try_read(index) {
                assert!(state == [0; _] || state == state_of(state[0]), "a mixture: {state:?}");
                whole += 1;
            }
            index = (index + 1) % CAPACITY;
        }
        let pid = child.id();
        assert!(matches!(array::writer(&segment).err(), Some(QueueError::Taken(who)) if who.pid == pid));
        kill(child);
    }
    let (mut to, lifeline) = array::writer(&segment).unwrap();
    (0..CAPACITY).for_each(|index| to.write(index, state_of(7)));
    assert!(
        (0..CAPACITY).all(|index| from.try_read(index) == Some(state_of(7))),
        "the last writer heals all"
    );
    drop((from, to, lifeline, segment));
    assert!(is_missing(&name, array::LAYOUT));
}

fn a_segment_is_what_it_holds() {
    let name = unique_name("kind");
    let segment = made(&name, pool::payload_bytes(CAPACITY), pool::LAYOUT);
    assert_eq!(pool::join::<Tagged>(&segment).err(), Some(LeadError::Unready));
    let _tagged: Tagged = pool::make(&segment, CAPACITY).unwrap();
    assert!(matches!(pool::join::<Magazine>(&segment).err(), Some(LeadError::Foreign { .. })));
    assert_eq!(pool::make::<Tagged>(&segment, CAPACITY).err(), Some(LeadError::Occupied));
    assert!(stream::reader(&segment).is_err() && array::reader(&segment).is_err());
}
