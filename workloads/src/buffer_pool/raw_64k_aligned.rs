//! The same stack over messages whose first lines lie a power of two apart, so that all of them fall to the same few sets of
//! every cache: what the 64 bytes of header between dense messages save.

use super::message::DATA_BYTES;
use super::raw_64k_lifo::Stack;
use super::raw_pool::RawPool;

/// What it is, for the table.
pub const ABOUT: &str = "the stack over messages 128 KiB apart, whose first lines share cache sets";

/// The pool.
pub type Raw64kAligned = RawPool<Stack, { 2 * DATA_BYTES }>;
