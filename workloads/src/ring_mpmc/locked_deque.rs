//! The mutex and deque of `ring_spsc`, which serve as many on each side as like.

pub use crate::ring_spsc::locked_deque::{ABOUT, LockedDeque};
