//! The floor: an array of boxes that one thread owns, the last one in the first one out, without limits, statistics or a way
//! home from elsewhere. What a pool costs beyond this is the price of what it promises.

use super::SourceKind;
use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Source;
use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// What the table says of it.
pub const ABOUT: &str = "the floor: an array of boxes owned by each thread, without limits and statistics";

/// The array.
pub struct Owned<T> {
    idle: Box<[Cell<Option<Box<T>>>]>,
    fill: Cell<usize>,
    object_bytes: usize,
}

/// One of its objects.
pub struct Lent<'a, T: Payload> {
    /// Some until dropped.
    object: Option<Box<T>>,
    home: &'a Owned<T>,
}

impl<T: Payload> Source for Owned<T> {
    type Object = T;
    type Loan<'a> = Lent<'a, T>;

    fn crew(limits: Limits, members: usize) -> Vec<Self> {
        let idle = || (0..limits.kept).map(|_| Cell::new(None)).collect();
        let object_bytes = limits.object_bytes;
        (0..members).map(|_| Self { idle: idle(), fill: Cell::new(0), object_bytes }).collect()
    }

    #[inline]
    fn take(&self) -> Result<Lent<'_, T>, ResourceExhausted> {
        let object = match self.fill.get() {
            0 => None,
            fill => {
                self.fill.set(fill - 1);
                self.idle[fill - 1].take()
            }
        };
        let object = object.unwrap_or_else(|| Box::new(T::make(self.object_bytes)));
        Ok(Lent { object: Some(object), home: self })
    }
}

impl<T: Payload> Deref for Lent<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.object.as_ref().expect("a loan has its object until it is dropped")
    }
}

impl<T: Payload> DerefMut for Lent<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.object.as_mut().expect("a loan has its object until it is dropped")
    }
}

impl<T: Payload> Drop for Lent<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let (Some(mut object), fill) = (self.object.take(), self.home.fill.get()) else { return };
        object.clear();
        if fill < self.home.idle.len() && object.has_room_for(self.home.object_bytes) {
            self.home.idle[fill].set(Some(object));
            self.home.fill.set(fill + 1);
        }
    }
}

/// For the table.
pub enum Kind {}

impl SourceKind for Kind {
    type Of<T: Payload> = Owned<T>;
}
