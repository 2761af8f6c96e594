//! Perf events at work: each thread switches its own on and off around its operations, and a thread apart from the
//! measured CPUs empties the rings. How the records read is `ring`'s affair.

use super::modules::Modules;
use super::ring::{self, Layout};
use super::taken::{Collector, Sampler, Setting, Taken};
use super::threads::{self, Thread};
use crate::clock::Bracket;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Requests of `ioctl` that switch an event on and off.
const ENABLE: libc::c_ulong = 0x2400;
const DISABLE: libc::c_ulong = 0x2401;

/// Bytes of a sample beside its stack, roughly: numbers, registers and a chain of some length.
const SAMPLE_BYTES: f64 = 256.0;

/// Events of all threads and the thread that empties their rings.
pub struct Perf {
    switches: Arc<Switches>,
    stop: Sender<()>,
    drain: JoinHandle<Taken>,
}

impl Perf {
    /// Takes over events with their rings, all of them off, and what there is to note of those that are not there.
    ///
    /// # Errors
    /// No file descriptors left.
    pub fn start(
        events: Vec<(Thread, perf_event::Sampler)>,
        notes: Vec<String>,
        setting: Setting,
        with_kernel: bool,
        modules: &Modules,
    ) -> io::Result<Self> {
        let switches =
            events.iter().map(|(thread, event)| Switch::of(*thread, event)).collect::<io::Result<_>>()?;
        let threads: Vec<Thread> = events.iter().map(|(thread, _)| *thread).collect();
        let drain = Drain {
            rings: events.into_iter().map(|(_, event)| Ring { event, samples: 0, period: 0 }).collect(),
            layout: Layout { chain: setting.pointers, stack: setting.stack_bytes > 0 },
            collector: Collector::new(modules),
            pause: pause(setting),
            with_kernel,
            notes,
        };
        let (stop, stopped) = channel();
        let drain = std::thread::spawn(move || {
            threads::keep_away_from(&threads);
            drain.until(&stopped)
        });
        Ok(Self { switches: Arc::new(Switches { leader: threads::here(), switches }), stop, drain })
    }
}

impl Sampler for Perf {
    fn bracket(&self) -> Arc<dyn Bracket> {
        self.switches.clone()
    }

    fn take(self: Box<Self>) -> Taken {
        // A drain that has panicked hears nothing, and says so at the join.
        let _ = self.stop.send(());
        self.drain.join().expect("the drain ends by itself")
    }
}

/// How long a ring is left alone: until it may be a quarter full.
fn pause(setting: Setting) -> Duration {
    let bytes_per_s = setting.hz * (SAMPLE_BYTES + f64::from(setting.stack_bytes));
    Duration::from_secs_f64((setting.ring_bytes as f64 / bytes_per_s / 4.0).clamp(0.001, 0.5))
}

/// The switches of all events.
struct Switches {
    leader: i32,
    switches: Vec<Switch>,
}

struct Switch {
    thread: Thread,
    event: OwnedFd,
}

impl Switch {
    fn of(thread: Thread, event: &perf_event::Sampler) -> io::Result<Self> {
        // SAFETY: the event is open as long as it is borrowed, which outlasts this call.
        let event = unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) };
        Ok(Self { thread, event: event.try_clone_to_owned()? })
    }

    fn turn(&self, request: libc::c_ulong) {
        // SAFETY: the descriptor is an open perf event, and these requests take no pointer.
        let status = unsafe { libc::ioctl(self.event.as_raw_fd(), request as _, 0) };
        debug_assert_eq!(status, 0, "an open event can be switched: {}", io::Error::last_os_error());
    }
}

impl Switches {
    /// A thread switches its own event; a forked process is not bracketed, and its leader does it.
    fn turn(&self, request: libc::c_ulong) {
        let here = threads::here();
        let mine = |thread: Thread| thread.id == here || thread.forked && here == self.leader;
        self.switches.iter().filter(|switch| mine(switch.thread)).for_each(|switch| switch.turn(request));
    }
}

impl Bracket for Switches {
    fn enter(&self) {
        self.turn(ENABLE);
    }

    fn leave(&self) {
        self.turn(DISABLE);
    }
}

/// What the draining thread has.
struct Drain {
    rings: Vec<Ring>,
    layout: Layout,
    collector: Collector,
    pause: Duration,
    with_kernel: bool,
    notes: Vec<String>,
}

struct Ring {
    event: perf_event::Sampler,
    samples: u64,
    /// Events that its samples stand for.
    period: u64,
}

impl Drain {
    fn until(mut self, stopped: &Receiver<()>) -> Taken {
        while stopped.recv_timeout(self.pause) == Err(RecvTimeoutError::Timeout) {
            self.empty();
        }
        self.empty();
        self.finish()
    }

    fn empty(&mut self) {
        for ring in &mut self.rings {
            while let Some(record) = ring.event.next_record() {
                let body = record.to_contiguous();
                if let Some(sample) = ring::sample(record.ty(), record.misc(), &body, self.layout) {
                    ring.samples += 1;
                    ring.period += sample.period;
                    self.collector.add(&sample);
                }
            }
        }
    }

    fn finish(self) -> Taken {
        let Self { with_kernel, notes, .. } = self;
        let mut taken = Taken { with_kernel, notes, lost: Some(0), ..Taken::default() };
        let (mut stands_for, mut counted, mut running_ns) = (0.0, 0.0, 0.0);
        for mut ring in self.rings {
            let end = match ring.event.read_full() {
                Ok(end) => end,
                Err(error) => {
                    taken.lost = None;
                    taken.notes.push(unread(&error));
                    continue;
                }
            };
            let ns = |time: Option<Duration>| time.map_or(0.0, |time| time.as_nanos() as f64);
            taken.task_clock_ns += ns(end.time_enabled());
            running_ns += ns(end.time_running());
            taken.lost = taken.lost.zip(end.lost()).map(|(sum, lost)| sum + lost);
            let all = ring.samples + end.lost().unwrap_or(0);
            stands_for += ring.period as f64 * all as f64 / ring.samples.max(1) as f64;
            counted += end.count() as f64;
        }
        taken.covered = stands_for / counted;
        taken.notes.extend(multiplexed(taken.task_clock_ns, running_ns));
        taken.stacks = self.collector.finish();
        taken
    }
}

fn unread(error: &io::Error) -> String {
    format!("the event of a thread cannot be read ({error}): its time and what it lost are not known")
}

/// What there is to say where others counted with the same counter.
fn multiplexed(enabled_ns: f64, running_ns: f64) -> Option<String> {
    let percent = 100.0 * running_ns / enabled_ns;
    (percent < 99.0).then(|| {
        format!("others used the counter too: samples were taken in {percent:.1} % of the time on a CPU (multiplexed)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_others_used_too_is_told_and_one_of_our_own_is_not() {
        assert!(multiplexed(2e9, 1e9).is_some_and(|note| note.contains("50.0 %")));
        assert_eq!((multiplexed(2e9, 2e9), multiplexed(0.0, 0.0)), (None, None));
    }
}
