//! The lock-free parts of the pools: free lists, the depot's exchange, and the way home of loans that ended elsewhere.

use crate::survivors;
use loom::thread;
use perfbench_workloads::object_pool::depot::{Depot, ROUNDS};
use perfbench_workloads::object_pool::indexed_cas::Packed;
use perfbench_workloads::object_pool::mailbox::{Chain, Mailbox};
use perfbench_workloads::object_pool::tagged::{Head, Stack, links};
use perfbench_workloads::object_pool::untagged_cas::Untagged;
use perfbench_workloads::sync::{Arc, AtomicU64, UnsafeCell};
use std::panic::catch_unwind;

/// Places, and an object at each of them that only its holder may touch; loom watches that.
struct Places {
    links: Box<[AtomicU64]>,
    objects: Vec<UnsafeCell<u64>>,
}

impl Places {
    fn new(places: usize) -> Self {
        Self { links: links(places), objects: (0..places).map(|_| UnsafeCell::new(0)).collect() }
    }

    fn touch(&self, place: u32) {
        // SAFETY: loom's pointer is that of a live cell; whether the access is alone is what the model asks.
        self.objects[place as usize].with_mut(|object| unsafe { *object += 1 });
    }
}

/// Two threads pop two places each and push back what they got.
fn lends_each_place_once<H: Head>() {
    loom::model(|| {
        let places = Places::new(2);
        let list = Arc::new((Stack::<H>::full(&places.links), places));
        let other = list.clone();
        let thread = thread::spawn(move || pop_two_and_push_them(&other.0, &other.1));
        pop_two_and_push_them(&list.0, &list.1);
        thread.join().unwrap();
    });
}

fn pop_two_and_push_them<H: Head>(stack: &Stack<H>, places: &Places) {
    let held = [stack.pop(&places.links), stack.pop(&places.links)];
    for place in held.into_iter().flatten() {
        places.touch(place);
        assert!(stack.push(&places.links, place, u32::MAX));
    }
}

#[test]
fn object_pool_a_tagged_list_lends_each_place_once() {
    lends_each_place_once::<Packed>();
}

/// The load of a pop, its exchange where it fails, and the exchange of a push.
#[test]
fn object_pool_a_tagged_list_needs_each_of_its_orderings() {
    let survivors = survivors(lends_each_place_once::<Packed>);
    assert_eq!(survivors.0, 3);
    assert_eq!(survivors.1, Vec::<String>::new());
}

#[test]
fn object_pool_the_printed_list_lends_a_place_twice() {
    assert!(catch_unwind(lends_each_place_once::<Untagged>).is_err());
}

/// Two threads bring slots and take some out; none is lost and none comes twice. The depot has no ordering of its own: its
/// magazines change hands by the list's.
#[test]
fn object_pool_the_depot_loses_no_slot() {
    loom::model(|| {
        let depot = Arc::new(Depot::new(4));
        let other = depot.clone();
        let thread = thread::spawn(move || bring_and_take(&other, [10, 11]));
        let mut slots = bring_and_take(&depot, [20, 21]);
        slots.extend(thread.join().unwrap());
        let mut rest = [0; ROUNDS];
        while depot.get(&mut rest) > 0 {
            slots.extend(rest);
        }
        slots.sort_unstable();
        assert_eq!(slots, [10, 11, 20, 21]);
    });
}

fn bring_and_take(depot: &Depot, slots: [u32; ROUNDS]) -> Vec<u32> {
    assert_eq!(depot.put(&slots), ROUNDS);
    let mut out = [0; ROUNDS];
    let got = depot.get(&mut out);
    out[..got].to_vec()
}

/// Two threads give back what they touched, in chains of two and of one; the owner fetches until all are home.
fn brings_every_slot_home() {
    loom::model(|| {
        let shared = Arc::new((Mailbox::default(), Places::new(3)));
        let givers = [vec![0, 1], vec![2]].map(|slots| {
            let shared = shared.clone();
            thread::spawn(move || give(&shared.0, &shared.1, &slots))
        });
        let (mailbox, places) = &*shared;
        let mut home = Vec::new();
        while home.len() < 3 {
            mailbox.fetch(&places.links, |slot| {
                places.touch(slot);
                home.push(slot);
            });
            thread::yield_now();
        }
        givers.into_iter().for_each(|giver| giver.join().unwrap());
        home.sort_unstable();
        assert_eq!(home, [0, 1, 2]);
    });
}

fn give(mailbox: &Mailbox, places: &Places, slots: &[u32]) {
    let mut chain = Chain::default();
    for slot in slots {
        places.touch(*slot);
        chain.add(&places.links, *slot);
    }
    mailbox.post(&places.links, &mut chain);
}

#[test]
fn object_pool_the_mailbox_brings_every_slot_home() {
    brings_every_slot_home();
}

/// The exchange that posts and the swap that fetches.
#[test]
fn object_pool_the_mailbox_needs_both_of_its_orderings() {
    let survivors = survivors(brings_every_slot_home);
    assert_eq!(survivors.0, 2);
    assert_eq!(survivors.1, Vec::<String>::new());
}
