//! Both sides of a contest as processes: started fresh for every launch, alternated on the same CPUs in random ABBA and
//! BAAB order, never running at once. What a side does on command is `arm`; one process is `process`.

use super::arm::{Answer, Command, Order, Slot};
use super::process::Process;
use super::record::PairLaunch;
use super::{Fault, Pairs, Side};
use crate::case::Bounce;
use crate::stats::interval::{median, quantile};
use crate::stats::random::Random;
use crate::worker::Task;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

/// Executables of both sides and the row that they are to time.
#[derive(Debug)]
pub struct Processes {
    /// Links of the base; each launch draws one.
    pub base: Vec<PathBuf>,
    /// Links of the candidate; each launch draws one.
    pub candidate: Vec<PathBuf>,
    /// Arguments that make an executable take an order.
    pub arguments: Vec<OsString>,
    /// The row, its inputs and the clock.
    pub order: Order,
    /// Multiplications added to every batch of the candidate, in a self-test.
    pub spins: u64,
    /// Operations in a batch, the same on both sides; a multiple of the row's cycle.
    pub ops: u64,
    /// Orders, stack depths and heap places are drawn from it.
    pub random: Random,
    /// Blocks a launch.
    pub blocks: u32,
    /// When the contest began.
    pub started: Instant,
}

/// A batch is about this long, ns: ten thousand grains of the clock, and short against a scheduler's tick.
pub const BATCH_NS: f64 = 100_000.0;

/// Batches run untimed at the start of a slot: the other side has just had the core and its caches.
const WARM: u32 = 2;

/// Batches timed in a slot.
const SAMPLES: u32 = 5;

/// The time of a slot is the quantile that a quarter of its batches lie below: what disturbs a batch only ever makes it
/// longer, but the minimum alone picks a lucky one.
const QUANTILE: f64 = 0.25;

/// Stack depths are drawn below this many steps, a page's worth.
const DEPTHS: u64 = 24;

/// Heap displacement is drawn below this.
const DISPLACE_BYTES: u64 = 64 << 10;

/// Blocks in which the cores changed places are repeated, up to so many times a launch.
const REPEATS: u32 = 6;

/// Where starting and building takes long, a launch makes more blocks, up to so many.
const MOST_BLOCKS: f64 = 8.0;

/// Two cores that are nearer than this factor between two slots have not changed places: places differ by four and more.
const SAME_PLACE: f64 = 2.0;

impl Pairs for Processes {
    fn launch(&mut self, launch: u32) -> Result<PairLaunch, Fault> {
        let before = Instant::now();
        let links = [self.draw(self.base.len()), self.draw(self.candidate.len())];
        let mut sides = self.start(launch, links)?;
        let start_s = before.elapsed().as_secs_f64();
        let ran = self.blocks(&mut sides, links);
        let [base, candidate] = sides.map(Process::end);
        let ran = base.and(candidate).and(ran)?;
        let made = (ran.base_ns.len() as u32 + ran.dropped).max(1);
        self.adapt(start_s, (before.elapsed().as_secs_f64() - start_s) / f64::from(made));
        Ok(ran)
    }

    fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

impl Processes {
    /// Finds how many operations make a batch: the cheapest of a few tries in a fresh process of the base, doubled until
    /// long enough. `cycle_ops` is after how many operations the work repeats itself.
    ///
    /// # Errors
    /// [`Fault`] where the base yields nothing.
    pub fn calibrate(&mut self, cycle_ops: u64) -> Result<(), Fault> {
        let mut process = self.process(Side::Base, [0, 0])?;
        let found =
            self.build(std::slice::from_mut(&mut process)).and_then(|()| batch_ops(&mut process, cycle_ops));
        self.ops = process.end().and(found)?;
        Ok(())
    }

    /// Fresh processes of both sides, started in alternating order, each with its case built.
    fn start(&mut self, launch: u32, links: [u32; 2]) -> Result<[Process; 2], Fault> {
        let (first, second) = match launch % 2 {
            0 => (Side::Base, Side::Candidate),
            _ => (Side::Candidate, Side::Base),
        };
        let (first, second) = (self.process(first, links)?, self.process(second, links)?);
        Ok(if first.side == Side::Base { [first, second] } else { [second, first] })
    }

    /// Links are drawn for each side by itself: like numbers are shuffled by like seeds, and would pair like layouts.
    fn draw(&mut self, links: usize) -> u32 {
        self.random.below(links as u64) as u32
    }

    fn process(&mut self, side: Side, [base, candidate]: [u32; 2]) -> Result<Process, Fault> {
        let (program, spins) = match side {
            Side::Base => (&self.base[base as usize], 0),
            Side::Candidate => (&self.candidate[candidate as usize], self.spins),
        };
        let order = Order { task: Task::Duel { spins }, ..self.order.clone() };
        Process::start(side, program, &self.arguments, &order, &mut self.random)
    }

    fn build(&mut self, sides: &mut [Process]) -> Result<(), Fault> {
        sides.iter_mut().try_for_each(|side| {
            let displace_bytes = 16 + self.random.below(DISPLACE_BYTES);
            side.ask(Command::Build { displace_bytes }).map(drop)
        })
    }

    fn blocks(
        &mut self,
        sides: &mut [Process; 2],
        [link, candidate_link]: [u32; 2],
    ) -> Result<PairLaunch, Fault> {
        self.build(sides)?;
        let mut ran =
            PairLaunch { link, candidate_link, base_ns: Vec::new(), candidate_ns: Vec::new(), dropped: 0 };
        while ran.base_ns.len() < self.blocks as usize && ran.dropped <= REPEATS {
            match self.block(sides)? {
                Some([base_ns, candidate_ns]) => {
                    ran.base_ns.push(base_ns);
                    ran.candidate_ns.push(candidate_ns);
                }
                None => ran.dropped += 1,
            }
        }
        Ok(ran)
    }

    /// ABBA or BAAB: the mean log time of each side, or nothing where the two cores changed places meanwhile.
    fn block(&mut self, sides: &mut [Process; 2]) -> Result<Option<[f64; 2]>, Fault> {
        let outer = self.random.below(2) as usize;
        let (mut logs, mut places) = ([0.0; 2], Vec::new());
        for side in [outer, 1 - outer, 1 - outer, outer] {
            let depth = self.random.below(DEPTHS) as u32;
            let slot = Slot { ops: self.ops, warm: WARM, samples: SAMPLES, depth };
            let (samples_ns, bounces) = timed(&mut sides[side], slot)?;
            logs[side] += quantile(&samples_ns, QUANTILE).ln() / 2.0;
            places.extend(place_ns(&bounces));
        }
        Ok(same_place(&places).then(|| logs.map(f64::exp)))
    }

    /// Starting a process and building its case should not take most of a launch.
    fn adapt(&mut self, start_s: f64, block_s: f64) {
        self.blocks = (start_s / (4.0 * block_s)).clamp(1.0, MOST_BLOCKS) as u32;
    }
}

/// Operations of a batch of about [`BATCH_NS`].
fn batch_ops(process: &mut Process, cycle_ops: u64) -> Result<u64, Fault> {
    let mut ops = cycle_ops;
    loop {
        let (samples_ns, _) = timed(process, Slot { ops, warm: 1, samples: 3, depth: 0 })?;
        let batch_ns = quantile(&samples_ns, 0.0) * ops as f64;
        if batch_ns >= BATCH_NS / 2.0 || ops >= 1 << 32 {
            let wanted = ops as f64 * BATCH_NS / batch_ns.max(1.0);
            return Ok((wanted.max(1.0) as u64).next_multiple_of(cycle_ops));
        }
        ops *= 2;
    }
}

fn timed(process: &mut Process, slot: Slot) -> Result<(Vec<f64>, Vec<Bounce>), Fault> {
    match process.ask(Command::Slot(slot))? {
        Answer::Timed { samples_ns, bounces } => Ok((samples_ns, bounces)),
        other => Err(process.unexpected(&other)),
    }
}

/// How far apart the two cores were in a slot; none for solo cases.
fn place_ns(bounces: &[Bounce]) -> Option<f64> {
    let around: Vec<f64> = bounces.iter().map(|bounce| (bounce.before_ns + bounce.after_ns) / 2.0).collect();
    (!around.is_empty()).then(|| median(&around))
}

/// Whether the two cores were equally far apart in all slots.
fn same_place(places_ns: &[f64]) -> bool {
    let (least, most) = (quantile(places_ns, 0.0), quantile(places_ns, 1.0));
    places_ns.is_empty() || most < SAME_PLACE * least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_counts_only_where_the_cores_stayed_as_far_apart() {
        assert!(same_place(&[]));
        assert!(same_place(&[40.0, 55.0, 38.0, 60.0]));
        assert!(!same_place(&[40.0, 40.0, 230.0, 40.0]));
    }

    #[test]
    fn the_place_of_a_slot_is_the_median_of_its_bounces() {
        let bounce = |ns: f64| Bounce { before_ns: ns, after_ns: ns };
        assert_eq!(place_ns(&[bounce(40.0), bounce(900.0), bounce(50.0)]), Some(50.0));
        assert_eq!(place_ns(&[]), None);
    }
}
