//! The standard library's map behind a mutex: what one process would use, and what no other process can reach.

use super::{Full, Map};
use perfbench_harness::Unavailable;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroU64;
use std::sync::Mutex;

/// What it is, for the table.
pub const ABOUT: &str = "std HashMap behind a mutex, in one process";

/// The map and its room.
pub struct LockedHashMap {
    map: Mutex<HashMap<NonZeroU64, NonZeroU64>>,
    room: usize,
}

impl Map for LockedHashMap {
    fn with_room_for(keys: usize) -> Result<Self, Unavailable> {
        Ok(Self { map: Mutex::new(HashMap::with_capacity(keys)), room: keys })
    }

    fn insert(&self, key: NonZeroU64, value: NonZeroU64) -> Result<Option<NonZeroU64>, Full> {
        let mut map = self.map.lock().expect("no holder panics");
        let full = map.len() == self.room;
        match map.entry(key) {
            Entry::Occupied(entry) => Ok(Some(*entry.get())),
            Entry::Vacant(_) if full => Err(Full),
            Entry::Vacant(entry) => {
                entry.insert(value);
                Ok(None)
            }
        }
    }

    fn get(&self, key: NonZeroU64) -> Option<NonZeroU64> {
        self.map.lock().expect("no holder panics").get(&key).copied()
    }

    fn clear(&mut self) {
        self.map.get_mut().expect("no holder panics").clear();
    }
}
