//! Holds a layout to the place that it states for its counters, and to exact totals under two writers.

use super::{LINE_BYTES, Layout, Owner};
use perfbench_harness::case::Body;
use perfbench_harness::{Broken, ensure};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const UPDATES: u64 = if cfg!(miri) { 50 } else { 20_000 };

/// The one check of this workload.
pub fn check<L: Layout>() -> Result<(), Broken> {
    let layout = Arc::new(L::default());
    lies_as_stated(&*layout)?;
    counts_exactly(&layout)
}

fn lies_as_stated<L: Layout>(layout: &L) -> Result<(), Broken> {
    let [first, second] = layout.counters().map(|counter| std::ptr::from_ref(counter).addr());
    let distance_bytes = first.abs_diff(second);
    ensure!(
        distance_bytes == L::DISTANCE_BYTES,
        "the counters lie {distance_bytes} bytes apart, stated are {}",
        L::DISTANCE_BYTES
    );
    let shared = first / LINE_BYTES == second / LINE_BYTES;
    let stated = L::DISTANCE_BYTES < LINE_BYTES;
    ensure!(shared == stated, "the counters share a line: {shared}, stated: {stated}");
    Ok(())
}

fn counts_exactly<L: Layout>(layout: &Arc<L>) -> Result<(), Broken> {
    let owners = [0, 1].map(|side| Owner { layout: layout.clone(), side });
    std::thread::scope(|scope| {
        for mut owner in owners {
            scope.spawn(move || (0..UPDATES).fold(0, |sum, i| sum ^ owner.op(i)));
        }
    });
    let totals = layout.counters().map(|counter| counter.load(Ordering::Relaxed));
    ensure!(totals == [UPDATES; 2], "two owners of {UPDATES} updates each counted {totals:?}");
    Ok(())
}
