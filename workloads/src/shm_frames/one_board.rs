//! The three roles over one mapping: the newest frame in a sequence lock that holds nobody up, every frame in a stream
//! whose reader must keep up, and counts that each role writes for itself.

use super::{BACKLOG, FRAME_WORDS, Frame, Frames, Look, Roles, Simulate, Take, Told, frame_of, is_whole};
use crate::ring_spsc::memory::{Layout, Line, Memory};
use crate::ring_spsc::waiting::{OnePause, Wait};
use crate::seqlock::cell::Cell;
use crate::shm_ring_buffer::{Read, Stream, Write, announced};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "newest frame in a sequence lock, all in a stream that announces";

/// Counts, each written by one role.
struct Counts {
    written: AtomicU64,
    taken: AtomicU64,
    torn_taken: AtomicU64,
    looks: AtomicU64,
    torn_seen: AtomicU64,
    age_sum: AtomicU64,
    age_max: AtomicU64,
}

impl Counts {
    fn none() -> Line<Self> {
        let zero = || AtomicU64::new(0);
        Line(Self {
            written: zero(),
            taken: zero(),
            torn_taken: zero(),
            looks: zero(),
            torn_seen: zero(),
            age_sum: zero(),
            age_max: zero(),
        })
    }
}

/// What the roles share beside the stream; no slots.
pub struct Board {
    newest: Cell<Frame, FRAME_WORDS>,
    counts: [Line<Counts>; 3],
}

impl Layout<()> for Board {
    fn drop_unread(&mut self, _: &mut [()]) {}
}

type Shared = Memory<Board, ()>;

const SIMULATION: usize = 0;
const ANALYTICS: usize = 1;
const RENDERER: usize = 2;

// Relaxed throughout: each count has one writer, and is read where its value alone counts.
fn add(count: &AtomicU64, more: u64) -> u64 {
    let now = count.load(Ordering::Relaxed).wrapping_add(more);
    count.store(now, Ordering::Relaxed);
    now
}

/// Who writes frames.
pub struct Simulation {
    board: Shared,
    stream: announced::Writer,
    next: u64,
}

/// Who takes every frame.
pub struct Analytics {
    board: Shared,
    stream: announced::Reader,
    due: u64,
}

/// Who looks at the newest frame.
pub struct Renderer(Shared);

/// One board, and one stream, for all three.
pub struct OneBoard;

impl Frames for OneBoard {
    type Renderer = Renderer;
    type Analytics = Analytics;
    type Simulation = Simulation;

    fn roles() -> Result<Roles<Self>, Unavailable> {
        let board = Board {
            newest: Cell::new(AtomicU64::new(0), frame_of(0)),
            counts: [Counts::none(), Counts::none(), Counts::none()],
        };
        let [board, other] = Memory::mapped(board, std::iter::empty())?;
        let (writer, reader) = announced::Announced::mapped(BACKLOG * FRAME_WORDS)?;
        let simulation = Simulation { board: board.clone(), stream: writer, next: 0 };
        Ok((Renderer(other), Analytics { board, stream: reader, due: 0 }, simulation))
    }
}

impl Simulation {
    /// The simulation that follows this one, whose process must be dead: it goes on within the frame where that one was.
    pub fn successor(&self) -> Self {
        let stream = self.stream.successor();
        Self { board: self.board.clone(), next: stream.total_written() / FRAME_WORDS as u64, stream }
    }
}

impl Simulate for Simulation {
    #[inline(always)]
    fn step(&mut self) {
        let frame = frame_of(self.next);
        self.board.header().newest.write(frame);
        let begun = (self.stream.total_written() % FRAME_WORDS as u64) as usize;
        let (mut sent, mut waiting) = (begun + self.stream.push_bulk(&frame[begun..]), OnePause::default());
        while sent < FRAME_WORDS {
            waiting.wait();
            sent += self.stream.push_bulk(&frame[sent..]);
        }
        self.next += 1;
        self.board.header().counts[SIMULATION].0.written.store(self.next, Ordering::Relaxed);
    }

    fn told(&self) -> Told {
        let [simulation, analytics, renderer] = self.board.header().counts.each_ref().map(|line| &line.0);
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Told {
            written: read(&simulation.written),
            taken: read(&analytics.taken),
            torn: read(&analytics.torn_taken) + read(&renderer.torn_seen),
            looks: read(&renderer.looks),
            age_sum: read(&renderer.age_sum),
            age_max: read(&renderer.age_max),
        }
    }
}

impl Analytics {
    /// The analytics that follow these, whose process must be dead. A frame that it had begun to take went with it.
    pub fn successor(&self) -> Self {
        let mut stream = self.stream.successor();
        let begun = (stream.position() % FRAME_WORDS as u64) as usize;
        if begun > 0 {
            take_words(&mut stream, &mut [0; FRAME_WORDS][begun..]);
        }
        Self { board: self.board.clone(), due: stream.position() / FRAME_WORDS as u64, stream }
    }
}

impl Take for Analytics {
    #[inline(always)]
    fn take(&mut self) -> u64 {
        let mut frame = [0; FRAME_WORDS];
        take_words(&mut self.stream, &mut frame);
        let counts = &self.board.header().counts[ANALYTICS].0;
        let right = is_whole(&frame) && frame[0] == self.due;
        add(&counts.torn_taken, u64::from(!right));
        add(&counts.taken, u64::from(right));
        self.due = frame[0] + 1;
        frame[0]
    }
}

/// Takes as many words as `into` has room for.
#[inline(always)]
fn take_words(stream: &mut announced::Reader, into: &mut [u64]) {
    let (mut taken, mut waiting) = (stream.pop_bulk(into), OnePause::default());
    while taken < into.len() {
        waiting.wait();
        taken += stream.pop_bulk(&mut into[taken..]);
    }
}

impl Look for Renderer {
    #[inline(always)]
    fn look(&mut self) -> u64 {
        let board = self.0.header();
        let written = board.counts[SIMULATION].0.written.load(Ordering::Relaxed);
        let frame = board.newest.read();
        let counts = &board.counts[RENDERER].0;
        add(&counts.torn_seen, u64::from(!is_whole(&frame)));
        add(&counts.looks, 1);
        // The count is told after the frame is shown, so a frame that is older than the count says is late by that much.
        let age = written.saturating_sub(frame[0] + 1);
        add(&counts.age_sum, age);
        counts.age_max.store(counts.age_max.load(Ordering::Relaxed).max(age), Ordering::Relaxed);
        0
    }

    fn glance(&self) -> Option<Frame> {
        self.0.header().newest.try_read()
    }
}
