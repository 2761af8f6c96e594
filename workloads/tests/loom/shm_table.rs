//! Adders of names at once, and a lock whose holder dies.

use crate::survivors;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use perfbench_workloads::shm::robust_lock::{RobustLock, Signer};
use perfbench_workloads::shm_table::robust::Robust;
use perfbench_workloads::shm_table::{Shape, Table, TableError};
use perfbench_workloads::sync::UnsafeCell;

/// What a lock guards; loom itself watches that nobody else touches it meanwhile.
struct Guarded {
    lock: RobustLock,
    count: UnsafeCell<u64>,
    /// The kernel's notice of the first signer's death, which orders all that it wrote before.
    dead: AtomicBool,
}

// SAFETY: the count is touched under the lock only, which the models watch.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

fn signer(word: u64, guarded: &Arc<Guarded>) -> Signer {
    let guarded = guarded.clone();
    Signer::new(word, move |asked| asked != 1 || !guarded.dead.load(Ordering::Acquire))
}

/// Adds one under the lock; the first signer may die over it.
fn add_one(guarded: &Guarded, signer: &Signer, dies: bool) {
    let locked = guarded.lock.lock(signer).unwrap();
    // SAFETY: the lock is held.
    guarded.count.with_mut(|count| unsafe { *count += 1 });
    if dies {
        std::mem::forget(locked);
        guarded.dead.store(true, Ordering::Release);
    }
}

fn two_signers_add(dies: bool) {
    loom::model(move || {
        let (lock, count) = (RobustLock::default(), UnsafeCell::new(0));
        let guarded = Arc::new(Guarded { lock, count, dead: AtomicBool::new(false) });
        let first = guarded.clone();
        let adding = loom::thread::spawn(move || add_one(&first, &signer(1, &first), dies));
        let second = signer(2, &guarded);
        add_one(&guarded, &second, false);
        adding.join().unwrap();
        add_one(&guarded, &second, false);
        // SAFETY: the other thread has ended.
        assert_eq!(guarded.count.with(|count| unsafe { *count }), 3);
    });
}

const WORD: Shape = Shape { element_bytes: 8, count: 1, layout: 5 };

fn tables() -> [Robust<2>; 2] {
    let tables = Robust::on_heap([1, 2].map(|word| Signer::new(word, |_| true)), 256);
    tables.try_into().unwrap_or_else(|_| panic!("two signers, two holds"))
}

/// One adds a name while another looks for it and adds a second.
fn two_names_are_added_at_once() {
    loom::model(|| {
        let [one, other] = tables();
        let finding = loom::thread::spawn(move || {
            match other.find("a") {
                Ok(entry) => assert_eq!((entry.shape, entry.offset_bytes % 64), (WORD, 0)),
                Err(error) => assert_eq!(error, TableError::Missing),
            }
            other.add("b", WORD).unwrap()
        });
        let ours = one.add("a", WORD).unwrap();
        let theirs = finding.join().unwrap();
        assert_ne!(ours.offset_bytes, theirs.offset_bytes);
        assert_eq!((one.find("a"), one.find("b")), (Ok(ours), Ok(theirs)));
    });
}

fn one_name_is_added_once() {
    loom::model(|| {
        let [one, other] = tables();
        let adding = loom::thread::spawn(move || one.add("a", WORD));
        let theirs = other.add("a", WORD);
        let ours = adding.join().unwrap();
        assert!([ours, theirs].contains(&Err(TableError::Taken)));
        assert_eq!(other.find("a"), ours.or(theirs));
    });
}

#[test]
fn shm_table_a_lock_excludes_and_is_taken_over_from_the_dead() {
    two_signers_add(false);
    two_signers_add(true);
}

#[test]
fn shm_table_the_lock_needs_both_of_its_orderings() {
    assert_eq!(survivors(|| two_signers_add(false)), (2, vec![]));
}

#[test]
fn shm_table_names_added_at_once_are_all_found() {
    two_names_are_added_at_once();
    one_name_is_added_once();
}

/// Of the lock two, of a key two.
#[test]
fn shm_table_adding_needs_each_of_its_four_orderings() {
    assert_eq!(survivors(two_names_are_added_at_once), (4, vec![]));
}
