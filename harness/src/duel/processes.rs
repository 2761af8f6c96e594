//! Both sides of a contest as processes: started fresh for every launch, alternated on the same CPUs in random ABBA and
//! BAAB order, never running at once. What a side does on command is `arm`.

use super::arm::{Answer, Command, Order, PROTOCOL, Slot};
use super::record::PairLaunch;
use super::{Fault, Pairs, Side};
use crate::case::Bounce;
use crate::launch::{Watchdog, collect, finish, spawn};
use crate::stats::quantile;
use crate::stats::random::Random;
use crate::worker::Task;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout};
use std::thread::JoinHandle;

/// How both sides are timed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Operations in a batch, the same on both sides.
    pub ops: u64,
    /// Batches run untimed at the start of a slot: the other side has just had the core.
    pub warm: u32,
    /// Batches timed in a slot.
    pub samples: u32,
    /// Whether the case is built again for every block, elsewhere in the heap.
    pub rebuild: bool,
}

/// Executables of both sides and the row that they are to time.
#[derive(Debug)]
pub struct Processes {
    /// Links of the base, taken in turn.
    pub base: Vec<PathBuf>,
    /// Links of the candidate, taken in turn.
    pub candidate: Vec<PathBuf>,
    /// Arguments that make an executable take an order.
    pub arguments: Vec<OsString>,
    /// The row, its inputs and the clock.
    pub order: Order,
    /// Multiplications added to every batch of the candidate, in a self-test.
    pub spins: u64,
    /// How both sides are timed.
    pub timing: Timing,
    /// Orders, stack depths and heap places are drawn from it.
    pub random: Random,
}

/// The time of a slot is the quantile of its batches that the first quarter lie below: what disturbs a batch only ever
/// makes it longer, but the minimum alone picks a lucky one.
const QUANTILE: f64 = 0.25;

/// Stack depths are drawn below this many steps, a page's worth.
const DEPTHS: u64 = 24;

/// Heap displacement is drawn below this.
const DISPLACE_BYTES: u64 = 64 << 10;

/// Blocks in which the cores changed places are repeated, up to so many times a launch.
const REPEATS: u32 = 6;

impl Pairs for Processes {
    fn launch(&mut self, launch: u32, blocks: u32) -> Result<PairLaunch, Fault> {
        let mut sides = self.start(launch)?;
        let mut ran = PairLaunch { link: launch, base_ns: Vec::new(), candidate_ns: Vec::new(), dropped: 0 };
        while ran.base_ns.len() < blocks as usize && ran.dropped <= REPEATS {
            if self.timing.rebuild && !ran.base_ns.is_empty() {
                self.build(&mut sides)?;
            }
            match self.block(&mut sides)? {
                Some([base_ns, candidate_ns]) => {
                    ran.base_ns.push(base_ns);
                    ran.candidate_ns.push(candidate_ns);
                }
                None => ran.dropped += 1,
            }
        }
        sides.into_iter().try_for_each(Process::end)?;
        Ok(ran)
    }
}

impl Processes {
    /// Fresh processes of both sides, started in alternating order, each with its case built.
    fn start(&mut self, launch: u32) -> Result<[Process; 2], Fault> {
        let first = if launch.is_multiple_of(2) { Side::Base } else { Side::Candidate };
        let second = if first == Side::Base { Side::Candidate } else { Side::Base };
        let (first, second) = (self.process(first, launch)?, self.process(second, launch)?);
        let mut sides = if first.side == Side::Base { [first, second] } else { [second, first] };
        self.build(&mut sides)?;
        Ok(sides)
    }

    fn process(&mut self, side: Side, launch: u32) -> Result<Process, Fault> {
        let (links, spins) = match side {
            Side::Base => (&self.base, 0),
            Side::Candidate => (&self.candidate, self.spins),
        };
        let program = &links[launch as usize % links.len()];
        let order = Order { task: Task::Duel { spins }, ..self.order.clone() };
        let child = spawn(program, &self.arguments, &mut self.random);
        let child = child
            .map_err(|error| Fault::Broke(side, format!("cannot start {}: {error}", program.display())))?;
        Process::new(side, child).order(&order)
    }

    fn build(&mut self, sides: &mut [Process; 2]) -> Result<(), Fault> {
        for side in sides {
            let displace_bytes = 16 + self.random.below(DISPLACE_BYTES);
            match side.ask(Command::Build { displace_bytes })? {
                Answer::Ready { protocol: PROTOCOL } => {}
                other => return Err(side.unexpected(&other)),
            }
        }
        Ok(())
    }

    /// ABBA or BAAB: the mean log time of each side, or nothing where the two cores changed places meanwhile.
    fn block(&mut self, sides: &mut [Process; 2]) -> Result<Option<[f64; 2]>, Fault> {
        let outer = self.random.below(2) as usize;
        let Timing { ops, warm, samples, .. } = self.timing;
        let mut logs = [0.0; 2];
        let mut bounces = Vec::new();
        for side in [outer, 1 - outer, 1 - outer, outer] {
            let depth = self.random.below(DEPTHS) as u32;
            match sides[side].ask(Command::Slot(Slot { ops, warm, samples, depth }))? {
                Answer::Timed { samples_ns, bounces: around } => {
                    logs[side] += quantile(&samples_ns, QUANTILE).ln() / 2.0;
                    bounces.extend(around);
                }
                other => return Err(sides[side].unexpected(&other)),
            }
        }
        Ok(same_place(&bounces).then(|| logs.map(f64::exp)))
    }
}

/// Whether the two cores of all batches were equally far apart.
fn same_place(bounces: &[Bounce]) -> bool {
    bounces.windows(2).all(|pair| pair[0].class() == pair[1].class())
}

/// A side's process and the lines to it.
struct Process {
    side: Side,
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    complaint: JoinHandle<String>,
    watchdog: Watchdog,
}

impl Process {
    fn new(side: Side, mut child: Child) -> Self {
        Self {
            side,
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().expect("stdout is piped")),
            complaint: collect(child.stderr.take().expect("stderr is piped")),
            watchdog: Watchdog::over(&child),
            child,
        }
    }

    fn order(mut self, order: &Order) -> Result<Self, Fault> {
        let line = serde_json::to_string(order).expect("an order is plain data");
        self.write(&line);
        Ok(self)
    }

    /// A process that is gone already shows in what it answers.
    fn write(&mut self, line: &str) {
        if let Some(to) = &mut self.to {
            let _ = to.write_all(line.as_bytes()).and_then(|()| to.write_all(b"\n"));
        }
    }

    fn ask(&mut self, command: Command) -> Result<Answer, Fault> {
        self.write(&serde_json::to_string(&command).expect("a command is plain data"));
        let mut line = String::new();
        match self.from.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line)
                .map_err(|error| self.broke(format!("an answer could not be read: {error}"))),
            _ => Err(self.broke("the process ended before its contest did".into())),
        }
    }

    fn broke(&self, message: String) -> Fault {
        Fault::Broke(self.side, message)
    }

    fn unexpected(&self, answer: &Answer) -> Fault {
        match answer {
            Answer::Unavailable(unavailable) => Fault::Unavailable(unavailable.clone()),
            Answer::Broke(message) => self.broke(message.clone()),
            Answer::Ready { protocol } => {
                self.broke(format!("it speaks version {protocol} of the gate's protocol, not {PROTOCOL}"))
            }
            Answer::Timed { .. } => self.broke("it timed what it was not asked to".into()),
        }
    }

    fn end(mut self) -> Result<(), Fault> {
        drop(self.to.take());
        let ended = self.watchdog.call_off(finish(self.child, self.complaint));
        ended.map_err(|message| Fault::Broke(self.side, message))
    }
}
