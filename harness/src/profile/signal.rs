//! Samples by `SIGPROF`, for where the kernel refuses perf events: a timer for each thread, whose handler copies registers
//! and the top of the stack into memory that stands ready. Unwinding comes afterwards.

mod handler;

use super::modules::Modules;
use super::ring::Sample;
use super::taken::{Collector, Sampler, Setting, Taken};
use super::threads;
use crate::clock::Bracket;
use crate::unavailable::{Reason, Unavailable};
use handler::Sink;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Most bytes that the samples of one thread may take.
const MOST_SINK_BYTES: f64 = 256e6;

/// The timers of all threads that came into the bracket.
struct Signals {
    watches: Arc<Watches>,
    collector: Collector,
}

struct Watches {
    setting: Setting,
    length_s: f64,
    watches: Mutex<Vec<Watch>>,
    /// Threads without a timer, and why.
    unwatched: Mutex<BTreeMap<i32, String>>,
}

/// One thread's timer and what its handler fills.
struct Watch {
    thread: i32,
    timer: Timer,
    sink: &'static Sink,
    /// Until the next sample is due, once the thread goes on.
    remaining: Duration,
    entered_ns: f64,
    ran_ns: f64,
}

/// Makes ready to sample the threads that come into the bracket, each for `length_s` at most.
///
/// # Errors
/// What the kernel refuses.
pub fn open(setting: Setting, length_s: f64, modules: &Modules) -> Result<Box<dyn Sampler>, Unavailable> {
    handler::install().map_err(|error| refused("sigaction", &error))?;
    // The kernel may allow a user no timers at all, which is better heard of before anything runs.
    Timer::of_this_thread(Sink::leaked(1, 0, 0)).map_err(|error| refused("timer_create", &error))?;
    let watches =
        Arc::new(Watches { setting, length_s, watches: Mutex::default(), unwatched: Mutex::default() });
    Ok(Box::new(Signals { watches, collector: Collector::new(modules) }))
}

fn refused(what: &str, error: &io::Error) -> Unavailable {
    Unavailable::new(Reason::Unsupported, format!("{what} fails: {error}; no samples can be had by signals"))
}

impl Sampler for Signals {
    fn bracket(&self) -> Arc<dyn Bracket> {
        self.watches.clone()
    }

    fn take(self: Box<Self>) -> Taken {
        let Signals { watches, mut collector } = *self;
        let period_ns = 1e9 / watches.setting.hz;
        let mut taken = Taken { lost: Some(0), with_kernel: false, ..Taken::default() };
        taken.notes =
            unsampled(&watches.failures(), threads::all().iter().filter(|thread| thread.forked).count());
        let mut samples = 0;
        for watch in watches.held().drain(..) {
            drop(watch.timer);
            watch.sink.read(|time_ns, registers, stack| {
                samples += 1;
                let sample = Sample {
                    thread: watch.thread.cast_unsigned(),
                    time_ns,
                    registers: Some(registers),
                    stack,
                    ..Sample::default()
                };
                collector.add_following_pointers(sample);
            });
            taken.lost = taken.lost.map(|lost| lost + watch.sink.lost());
            taken.task_clock_ns += watch.ran_ns;
        }
        let all = samples + taken.lost.unwrap_or(0);
        taken.covered = all as f64 * period_ns / taken.task_clock_ns;
        taken.stacks = collector.finish();
        taken
    }
}

impl Watches {
    fn held(&self) -> MutexGuard<'_, Vec<Watch>> {
        self.watches.lock().expect("nobody panics with it")
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<i32, String>> {
        self.unwatched.lock().expect("nobody panics with it")
    }

    fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.setting.hz)
    }

    /// A timer for the calling thread and room for its samples.
    fn watch(&self, thread: i32) -> io::Result<Watch> {
        let bytes = f64::from(self.setting.stack_bytes) + handler::HEAD_BYTES as f64;
        let room = (self.setting.hz * self.length_s * bytes * 1.5).min(MOST_SINK_BYTES) as usize;
        let sink = Sink::leaked(room, self.setting.stack_bytes as usize, stack_end()?);
        let timer = Timer::of_this_thread(sink)?;
        Ok(Watch { thread, timer, sink, remaining: self.period(), entered_ns: 0.0, ran_ns: 0.0 })
    }
}

impl Bracket for Watches {
    fn enter(&self) {
        let (mut watches, here) = (self.held(), threads::here());
        if !watches.iter().any(|watch| watch.thread == here) && !self.failures().contains_key(&here) {
            match self.watch(here) {
                Ok(watch) => watches.push(watch),
                Err(error) => _ = self.failures().insert(here, error.to_string()),
            }
        }
        if let Some(watch) = watches.iter_mut().find(|watch| watch.thread == here) {
            watch.entered_ns = cpu_time_ns();
            watch.timer.set(watch.remaining, self.period());
        }
    }

    fn leave(&self) {
        let (mut watches, here) = (self.held(), threads::here());
        if let Some(watch) = watches.iter_mut().find(|watch| watch.thread == here) {
            watch.remaining = watch.timer.set(Duration::ZERO, Duration::ZERO).max(Duration::from_nanos(1));
            watch.ran_ns += cpu_time_ns() - watch.entered_ns;
        }
    }
}

fn cpu_time_ns() -> f64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    tv_sec as f64 * 1e9 + tv_nsec as f64
}

/// What signals leave out, in sentences: threads for which there was no timer, and the processes that a case forked.
fn unsampled(unwatched: &BTreeMap<i32, String>, forked: usize) -> Vec<String> {
    let threads = unwatched.values().next().map(|why| {
        format!("{} thread(s) got no timer ({why}): they are not in the samples", unwatched.len())
    });
    let processes = (forked > 0).then(|| {
        format!(
            "{forked} thread(s) of forked processes are not in the samples: timers reach this process alone"
        )
    });
    threads.into_iter().chain(processes).collect()
}

/// Where the calling thread's stack ends, its outermost byte excluded.
fn stack_end() -> io::Result<u64> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: takes nothing and cannot fail.
    let here = unsafe { libc::pthread_self() };
    // SAFETY: the thread is the calling one, and the attributes are a local that the call fills.
    answered(unsafe { libc::pthread_getattr_np(here, attributes.as_mut_ptr()) })?;
    let (mut start, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes were filled above, and both results are locals.
    let status = unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut bytes) };
    // SAFETY: the attributes were filled above and are destroyed once.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    answered(status).map(|()| (start.addr() + bytes) as u64)
}

/// What a function of POSIX threads returns is its error.
fn answered(status: libc::c_int) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(status)) }
}

/// A timer that sends `SIGPROF` to one thread.
struct Timer(libc::timer_t);

// SAFETY: a timer is a number of the process, which any of its threads may set and delete.
unsafe impl Send for Timer {}

impl Timer {
    fn of_this_thread(sink: &'static Sink) -> io::Result<Self> {
        // SAFETY: all bytes zero are a valid `sigevent`: it holds numbers and a pointer that is not followed.
        let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_notify_thread_id = threads::here();
        event.sigev_value.sival_ptr = (&raw const *sink).cast_mut().cast();
        let mut timer = std::ptr::null_mut();
        // SAFETY: both pointers are to locals of the types that the call reads and writes.
        match unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) } {
            0 => Ok(Self(timer)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Lets it ring after `first` and then each `period`, or stops it at zero; how long it had still to go.
    fn set(&self, first: Duration, period: Duration) -> Duration {
        let new = libc::itimerspec { it_interval: timespec(period), it_value: timespec(first) };
        let mut old =
            libc::itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(Duration::ZERO) };
        // SAFETY: the timer exists until this is dropped, and both pointers are to locals.
        let status = unsafe { libc::timer_settime(self.0, 0, &new, &mut old) };
        debug_assert_eq!(status, 0, "an existing timer can be set: {}", io::Error::last_os_error());
        Duration::new(old.it_value.tv_sec as u64, old.it_value.tv_nsec as u32)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer was created and is deleted once.
        unsafe { libc::timer_delete(self.0) };
    }
}

fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec { tv_sec: duration.as_secs() as _, tv_nsec: duration.subsec_nanos() as _ }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_of_a_thread_ends_above_its_locals_in_a_mapping_that_holds_both() {
        let check = || {
            let local = 0u8;
            let (here, end) = ((&raw const local).addr() as u64, stack_end().unwrap());
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let mapped = |address: u64| {
                maps.lines().any(|line| {
                    let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
                    let number = |text| u64::from_str_radix(text, 16).unwrap();
                    (number(start)..number(end)).contains(&address)
                })
            };
            assert!(here < end && mapped(end - 8), "{here:x} {end:x}");
        };
        check();
        std::thread::spawn(check).join().unwrap();
    }

    #[test]
    fn threads_without_a_timer_and_forked_processes_are_told() {
        assert_eq!(unsampled(&BTreeMap::new(), 0), [""; 0]);
        let notes = unsampled(&BTreeMap::from([(7, "no room".into()), (8, "no room".into())]), 1);
        assert!(notes[0].starts_with("2 thread(s) got no timer (no room)"), "{notes:?}");
        assert!(notes[1].contains("forked processes"), "{notes:?}");
    }
}
