//! The check of the scenario: analytics take every frame once and whole, and the renderer sees whole frames that never go back.

use super::{Frames, Look, Simulate, Take, is_whole};
use perfbench_harness::{Broken, Setup, Unavailable, ensure};
use std::thread;

/// Frames of the check.
const FRAMES: u64 = 20_000;

/// The whole check, with threads for processes.
///
/// # Errors
/// The first broken promise.
pub fn check<F: Frames>(_: &Setup<'_>) -> Result<(), Broken> {
    let refused = |refusal: Unavailable| Broken(refusal.to_string());
    let (renderer, mut analytics, mut simulation) = F::roles().map_err(refused)?;
    thread::scope(|scope| {
        let taking = scope.spawn(move || (0..FRAMES).map(|_| analytics.take()).eq(0..FRAMES));
        let rendering = scope.spawn(move || sees_whole_frames(&renderer));
        (0..FRAMES).for_each(|_| simulation.step());
        ensure!(taking.join().expect("analytics only take"), "analytics took frames out of order");
        rendering.join().expect("a renderer only compares")
    })?;
    let told = simulation.told();
    ensure!((told.written, told.taken, told.torn) == (FRAMES, FRAMES, 0), "{told:?}");
    Ok(())
}

fn sees_whole_frames(renderer: &impl Look) -> Result<(), Broken> {
    let mut last = 0;
    while last + 1 < FRAMES {
        let Some(frame) = renderer.glance() else { continue };
        ensure!(is_whole(&frame), "a mixture of frames: {frame:?}");
        ensure!(frame[0] >= last, "frame {} after frame {last}", frame[0]);
        last = frame[0];
        thread::yield_now();
    }
    Ok(())
}
