//! What the pools behind a lock share: the idle objects in a queue, and a loan that carries the object itself. Which lock
//! it is, is the variant's choice.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::statistics::Statistics;
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// The idle objects of a pool, oldest first out, and how many are alive in all.
#[derive(Debug)]
pub struct Shelf<T> {
    limits: Limits,
    idle: VecDeque<T>,
    alive: usize,
}

impl<T: Payload> Shelf<T> {
    /// An empty shelf.
    pub fn new(limits: Limits) -> Self {
        Self { idle: VecDeque::with_capacity(limits.kept), limits, alive: 0 }
    }

    /// The object that has been idle longest, else a new one; counted in `statistics`.
    pub fn take(&mut self, statistics: &mut Statistics) -> Result<T, ResourceExhausted> {
        statistics.takes += 1;
        if let Some(object) = self.idle.pop_front() {
            statistics.hits += 1;
            return Ok(object);
        }
        let made = self.make()?;
        statistics.misses += 1;
        statistics.resized(self.alive);
        Ok(made)
    }

    /// Clears an object and keeps it, or frees it where enough are kept or where its holder changed its size.
    pub fn give_back(&mut self, mut object: T) {
        if self.limits.sensitive {
            object.wipe();
        } else {
            object.clear();
        }
        if self.idle.len() < self.limits.kept && object.has_room_for(self.limits.object_bytes) {
            self.idle.push_back(object);
        } else {
            self.forget(1);
        }
    }

    /// Makes objects until `percent` of the kept ones are idle.
    pub fn warm_up(&mut self, percent: usize, statistics: &mut Statistics) -> Result<(), ResourceExhausted> {
        while self.idle.len() < self.limits.kept * percent / 100 {
            let made = self.make()?;
            self.idle.push_back(made);
            statistics.resized(self.alive);
        }
        Ok(())
    }

    /// Objects alive, idle and on loan.
    pub fn alive(&self) -> usize {
        self.alive
    }

    /// The factory.
    fn make(&mut self) -> Result<T, ResourceExhausted> {
        let objects_max = self.limits.objects_max;
        if self.alive == objects_max {
            return Err(ResourceExhausted::Objects { objects_max });
        }
        self.limits.budget.reserve(self.limits.object_bytes as u64)?;
        self.alive += 1;
        Ok(T::make(self.limits.object_bytes))
    }
}

impl<T> Shelf<T> {
    fn forget(&mut self, objects: usize) {
        self.alive -= objects;
        self.limits.budget.release((objects * self.limits.object_bytes) as u64);
    }
}

impl<T> Drop for Shelf<T> {
    fn drop(&mut self) {
        self.forget(self.alive);
    }
}

/// Who takes a carried object back.
pub trait Keeper {
    /// What is kept.
    type Object;

    /// Takes back an object whose holder is done with it.
    fn give_back(&self, object: Self::Object);
}

/// A loan that carries the object itself.
pub struct Carried<'a, K: Keeper> {
    object: ManuallyDrop<K::Object>,
    home: &'a K,
}

impl<'a, K: Keeper> Carried<'a, K> {
    /// Lends an object that `home` has handed out.
    #[inline]
    pub fn new(object: K::Object, home: &'a K) -> Self {
        Self { object: ManuallyDrop::new(object), home }
    }
}

impl<K: Keeper> Deref for Carried<'_, K> {
    type Target = K::Object;
    #[inline]
    fn deref(&self) -> &K::Object {
        &self.object
    }
}

impl<K: Keeper> DerefMut for Carried<'_, K> {
    #[inline]
    fn deref_mut(&mut self) -> &mut K::Object {
        &mut self.object
    }
}

impl<K: Keeper> Drop for Carried<'_, K> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the loan is being dropped, so nobody reads the field again.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        self.home.give_back(object);
    }
}
