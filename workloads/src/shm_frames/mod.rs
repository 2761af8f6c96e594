//! One scenario over structures in shared memory (document 003): a simulation writes frames, a renderer reads the newest,
//! analytics take every one, each a process of its own. Contract of the roles, table and what is timed.

pub mod check;
pub mod one_board;

use perfbench_harness::case::{Body, Case, Fact, crew};
use perfbench_harness::{Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// Words of a frame: 512 bytes.
pub const FRAME_WORDS: usize = 64;

/// Frames that analytics may be behind before the simulation waits.
pub const BACKLOG: usize = 64;

/// A frame: a picture of one step of the simulation.
pub type Frame = [u64; FRAME_WORDS];

/// The frame of a step: every word follows from its number, so a mixture is seen.
#[inline(always)]
pub fn frame_of(number: u64) -> Frame {
    std::array::from_fn(|word| number.wrapping_add(word as u64))
}

/// Whether all words of a frame are of one step.
#[inline(always)]
pub fn is_whole(frame: &Frame) -> bool {
    *frame == frame_of(frame[0])
}

/// Memory over which the three roles work.
pub trait Frames: 'static {
    /// Looks at the newest frame.
    type Renderer: Look + Send + 'static;
    /// Takes every frame.
    type Analytics: Take + Send + 'static;
    /// Writes frames.
    type Simulation: Simulate + 'static;

    /// The three roles over fresh memory.
    ///
    /// # Errors
    /// What the kernel refused.
    fn roles() -> Result<Roles<Self>, Unavailable>;
}

/// One of each role.
pub type Roles<F> = (<F as Frames>::Renderer, <F as Frames>::Analytics, <F as Frames>::Simulation);

/// Who writes frames.
pub trait Simulate {
    /// Writes the next frame: shows it, and hands it to analytics as soon as these have room.
    fn step(&mut self);

    /// What all have told so far.
    fn told(&self) -> Told;
}

/// Who takes every frame.
pub trait Take {
    /// Takes the next frame as soon as it is there; its number.
    fn take(&mut self) -> u64;
}

/// Who looks at the newest frame.
pub trait Look {
    /// Looks at the newest frame once it is whole; always zero, because which one it is depends on the machine.
    fn look(&mut self) -> u64;

    /// Looks without waiting; none where the simulation was at it, or has died at it.
    fn glance(&self) -> Option<Frame>;
}

/// What the roles have told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Frames that the simulation has written.
    pub written: u64,
    /// Frames that analytics have taken, each the one after the last.
    pub taken: u64,
    /// Frames that were a mixture, wherever they were read, or out of order in analytics.
    pub torn: u64,
    /// Looks of the renderer.
    pub looks: u64,
    /// Sum over the looks of how many frames the one seen was behind the newest.
    pub age_sum: u64,
    /// The largest of these.
    pub age_max: u64,
}

/// Frames with a simulation in the measuring process and two others in forked ones.
pub static WORKLOAD: Workload = Workload {
    name: "shm_frames",
    about: "Do three processes on one memory keep up: one that writes frames, one that shows the newest, one that takes all?",
    source: "003",
    points: &[Point {
        name: "three_processes",
        about: "one frame of 512 bytes written, taken by analytics, and the newest looked at once by a renderer",
        unit_of_work: "frame",
        size: FRAME_WORDS as u64 * 8,
        cpus: 2,
        bound: Err("two of the three processes share a CPU"),
        latency: false,
        suite: Suite::Full,
    }],
    variants: &[
        // One layout so far.
        variant::<one_board::OneBoard>("one_board", one_board::ABOUT, Role::Optimised),
    ],
};

/// A table line.
const fn variant<F: Frames>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let (build, check) = (build::<F>, check::check::<F>);
    Variant { name, about, role, suite: Suite::Full, needs: Isa::NONE, build, check }
}

fn build<F: Frames>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (mut renderer, mut analytics, simulation) = F::roles()?;
    let followers: Vec<Box<dyn FnMut(u64) -> u64>> =
        vec![Box::new(move |_| analytics.take()), Box::new(move |_| renderer.look())];
    crew(setup.cpu_pair()?, 1.0, Simulating(simulation), followers)
}

/// The simulation, and what all three have told in the shared counts.
struct Simulating<S>(S);

impl<S: Simulate> Body for Simulating<S> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        self.0.step();
        i
    }

    fn facts(&mut self) -> Vec<Fact> {
        let told = self.0.told();
        let looks = told.looks.max(1) as f64;
        vec![
            Fact::new("frames_written", "frames", told.written as f64),
            Fact::new("frames_lost", "frames", (told.written - told.taken) as f64),
            Fact::new("frames_torn", "frames", told.torn as f64),
            Fact::new("newest_age_frames", "frames", told.age_sum as f64 / looks),
            Fact::new("newest_age_frames_max", "frames", told.age_max as f64),
        ]
    }
}

#[cfg(test)]
mod tests;
