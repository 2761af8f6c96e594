//! Buffers that other threads give back through a mailbox: what a returner wrote is seen by the owner who takes the buffer.

use crate::survivors;
use perfbench_workloads::buffer_pool::mailbox::{Chain, Mailbox};
use perfbench_workloads::sync::{Arc, UnsafeCell};

/// Buffers, each returned by a thread of its own.
const BUFFERS: usize = 2;

struct Shared {
    mailbox: Mailbox,
    buffers: [UnsafeCell<u32>; BUFFERS],
}

// SAFETY: a buffer is touched by whoever has its index only, which is what the model watches.
unsafe impl Sync for Shared {}

impl Shared {
    fn write(&self, index: u32, value: u32) {
        // SAFETY: the caller has the index.
        self.buffers[index as usize].with_mut(|place| unsafe { *place = value });
    }

    fn read(&self, index: u32) -> u32 {
        // SAFETY: the caller has the index.
        self.buffers[index as usize].with(|place| unsafe { *place })
    }

    fn post(&self, indices: impl Iterator<Item = u32>) {
        let mut chain = Chain::default();
        for index in indices {
            self.write(index, 10 + index);
            chain.add(&self.mailbox, index);
        }
        self.mailbox.post(&mut chain);
    }
}

/// Two threads post a buffer each while the owner takes whatever has come; each comes home once, with what was written.
fn brings_every_buffer_home() {
    loom::model(|| {
        let shared =
            Arc::new(Shared { mailbox: Mailbox::new(BUFFERS), buffers: [0, 0].map(UnsafeCell::new) });
        let posting: Vec<_> = (0..BUFFERS as u32)
            .map(|index| {
                let shared = shared.clone();
                loom::thread::spawn(move || shared.post(std::iter::once(index)))
            })
            .collect();
        let mut home = [0; BUFFERS];
        while home.iter().sum::<u32>() < BUFFERS as u32 {
            for index in shared.mailbox.take_all() {
                assert_eq!(shared.read(index), 10 + index);
                shared.write(index, 0);
                home[index as usize] += 1;
            }
            loom::thread::yield_now();
        }
        posting.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(home, [1; BUFFERS]);
        assert_eq!(shared.mailbox.take_all().count(), 0);
    });
}

/// A chain of two goes home at once and again: an index that comes back finds its old links harmless.
fn brings_a_chain_home_again() {
    loom::model(|| {
        let shared =
            Arc::new(Shared { mailbox: Mailbox::new(BUFFERS), buffers: [0, 0].map(UnsafeCell::new) });
        shared.post(0..BUFFERS as u32);
        let other = shared.clone();
        let posting = loom::thread::spawn(move || {
            let taken: Vec<u32> = other.mailbox.take_all().collect();
            other.post(taken.into_iter());
        });
        posting.join().unwrap();
        let home: Vec<u32> = shared.mailbox.take_all().collect();
        assert_eq!(home, [0, 1]);
        assert_eq!(home.iter().map(|index| shared.read(*index)).collect::<Vec<_>>(), [10, 11]);
    });
}

#[test]
fn buffer_pool_brings_every_buffer_home_once() {
    brings_every_buffer_home();
    brings_a_chain_home_again();
}

/// A post is handed over by its exchange and taken by the owner's, so two places must order memory.
#[test]
fn buffer_pool_needs_each_of_its_orderings() {
    let survivors = survivors(brings_every_buffer_home);
    assert_eq!(survivors.0, 2);
    assert_eq!(survivors.1, Vec::<String>::new());
}
