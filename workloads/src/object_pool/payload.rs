//! What is pooled: byte buffers, strings, maps and parsed messages, and what a pool asks of them. The pools are elsewhere.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{Ordering, compiler_fence};

/// An object that can be lent again and again.
pub trait Payload: Send + Sync + Sized + 'static {
    /// A fresh one without a pool, as a user would hold it.
    type Fresh: DerefMut<Target = Self>;

    /// Bytes of those that are timed.
    const BYTES: usize;

    /// An empty one with room for `bytes`.
    fn make(bytes: usize) -> Self;

    /// As `make`, to be held without a pool.
    fn fresh(bytes: usize) -> Self::Fresh;

    /// Forgets the contents and keeps the memory.
    fn clear(&mut self);

    /// Forgets the contents and overwrites what held them with zeros.
    fn wipe(&mut self);

    /// Whether it has the room that [`Payload::make`] gives for `bytes`, so that it is worth keeping.
    fn has_room_for(&self, bytes: usize) -> bool;

    /// Whether nothing of a holder before is to be seen.
    fn is_empty(&self) -> bool;

    /// The smallest use: writes a little and says what it reads back.
    fn touch(&mut self, value: u64) -> u64;

    /// Fills an empty object with a stamp.
    fn fill(&mut self, stamp: u8);

    /// Whether all of it still is what [`Payload::fill`] wrote.
    fn holds(&self, stamp: u8) -> bool;
}

/// An object that owns heap memory and is held by value.
pub struct Bare<T>(T);

impl<T> Deref for Bare<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Bare<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl Payload for Vec<u8> {
    type Fresh = Bare<Self>;
    const BYTES: usize = 1024;

    #[inline]
    fn fresh(bytes: usize) -> Bare<Self> {
        Bare(Self::make(bytes))
    }

    fn make(bytes: usize) -> Self {
        Vec::with_capacity(bytes)
    }

    #[inline]
    fn clear(&mut self) {
        self.clear();
    }

    fn wipe(&mut self) {
        self.clear();
        wipe(self);
    }

    #[inline]
    fn has_room_for(&self, bytes: usize) -> bool {
        self.capacity() == bytes
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn touch(&mut self, value: u64) -> u64 {
        self.push(value as u8);
        u64::from(self[0])
    }

    fn fill(&mut self, stamp: u8) {
        self.resize(self.capacity(), stamp);
    }

    fn holds(&self, stamp: u8) -> bool {
        self.iter().all(|byte| *byte == stamp)
    }
}

impl Payload for String {
    type Fresh = Bare<Self>;
    const BYTES: usize = 256;

    #[inline]
    fn fresh(bytes: usize) -> Bare<Self> {
        Bare(Self::make(bytes))
    }

    fn make(bytes: usize) -> Self {
        String::with_capacity(bytes)
    }

    #[inline]
    fn clear(&mut self) {
        self.clear();
    }

    fn wipe(&mut self) {
        let mut bytes = std::mem::take(self).into_bytes();
        Payload::wipe(&mut bytes);
        *self = String::from_utf8(bytes).expect("an empty string is UTF-8");
    }

    #[inline]
    fn has_room_for(&self, bytes: usize) -> bool {
        self.capacity() == bytes
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn touch(&mut self, value: u64) -> u64 {
        self.push(char::from(value as u8 & 0x7f));
        u64::from(self.as_bytes()[0])
    }

    fn fill(&mut self, stamp: u8) {
        let letter = char::from(stamp & 0x7f);
        self.extend(std::iter::repeat_n(letter, self.capacity()));
    }

    fn holds(&self, stamp: u8) -> bool {
        self.bytes().all(|byte| byte == stamp & 0x7f)
    }
}

/// Bytes of a key and its value.
const ENTRY_BYTES: usize = 16;

/// Keys are not taken for secret: `wipe` overwrites the values and forgets the keys.
impl Payload for HashMap<u64, u64> {
    type Fresh = Bare<Self>;
    const BYTES: usize = 16 * ENTRY_BYTES;

    #[inline]
    fn fresh(bytes: usize) -> Bare<Self> {
        Bare(Self::make(bytes))
    }

    fn make(bytes: usize) -> Self {
        HashMap::with_capacity(bytes / ENTRY_BYTES)
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn wipe(&mut self) {
        for value in self.values_mut() {
            // SAFETY: an exclusive reference is valid for a write of its own type.
            unsafe { std::ptr::write_volatile(value, 0) };
        }
        compiler_fence(Ordering::SeqCst);
        self.clear();
    }

    /// A map has up to twice the room that was asked for; one that has grown has more.
    fn has_room_for(&self, bytes: usize) -> bool {
        (1..=2).contains(&(self.capacity() / (bytes / ENTRY_BYTES)))
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn touch(&mut self, value: u64) -> u64 {
        self.insert(value, value);
        self.len() as u64
    }

    fn fill(&mut self, stamp: u8) {
        self.extend((0..16).map(|key| (key, u64::from(stamp))));
    }

    fn holds(&self, stamp: u8) -> bool {
        self.len() == 16 && self.values().all(|value| *value == u64::from(stamp))
    }
}

/// A market message as the parser of document 002 leaves it: one cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(64))]
pub struct Message {
    /// How many of the words below were parsed; none in an empty message, whatever lies in them.
    pub parsed: u64,
    /// Sequence, time, price, quantity and the like.
    pub words: [u64; 7],
}

const _: () = assert!(size_of::<Message>() == 64 && align_of::<Message>() == 64);

impl Payload for Message {
    type Fresh = Box<Self>;
    const BYTES: usize = size_of::<Message>();

    #[inline]
    fn fresh(bytes: usize) -> Box<Self> {
        Box::new(Self::make(bytes))
    }

    fn make(_: usize) -> Self {
        Self::default()
    }

    #[inline]
    fn clear(&mut self) {
        self.parsed = 0;
    }

    fn wipe(&mut self) {
        // SAFETY: an exclusive reference is valid for a write of its own type.
        unsafe { std::ptr::write_volatile(self, Self::default()) };
        compiler_fence(Ordering::SeqCst);
    }

    #[inline]
    fn has_room_for(&self, _: usize) -> bool {
        true
    }

    fn is_empty(&self) -> bool {
        self.parsed == 0
    }

    #[inline]
    fn touch(&mut self, value: u64) -> u64 {
        self.parsed += 1;
        self.words[0] = value;
        value
    }

    fn fill(&mut self, stamp: u8) {
        *self = Self { parsed: 7, words: [u64::from(stamp); 7] };
    }

    fn holds(&self, stamp: u8) -> bool {
        self.parsed == 7 && self.words == [u64::from(stamp); 7]
    }
}

/// Overwrites the whole allocation of an empty buffer with zeros, in a way that the optimiser must keep even where the
/// memory is freed next.
pub fn wipe(bytes: &mut Vec<u8>) {
    for byte in bytes.spare_capacity_mut() {
        // SAFETY: an exclusive reference is valid for a write of its own type.
        unsafe { std::ptr::write_volatile(byte, MaybeUninit::new(0)) };
    }
    compiler_fence(Ordering::SeqCst);
}
