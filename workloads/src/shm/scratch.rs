//! Segments under names that nobody else has, for what is timed, checked or tested.

use super::{Segment, SegmentError};
use perfbench_harness::{Reason, Unavailable};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A name that nothing else has on this machine while this process lives, and that tells what it was for.
pub fn unique_name(stem: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: only the number's being another each time matters.
    format!("pb-{stem}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A new segment under such a name.
///
/// # Errors
/// As [`Segment::create`].
pub fn scratch(stem: &str, payload_bytes: u64, layout: u64) -> Result<Arc<Segment>, SegmentError> {
    Segment::create(&unique_name(stem), payload_bytes, layout).map(Arc::new)
}

/// What a table says of a segment that could not be had.
impl From<SegmentError> for Unavailable {
    fn from(error: SegmentError) -> Self {
        Unavailable::new(Reason::Unsupported, error.to_string())
    }
}
