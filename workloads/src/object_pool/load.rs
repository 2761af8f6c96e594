//! The load test of document 000: 10,000 tasks of an async runtime take 1,000 times each and hold for a timer's shortest
//! sleep. The pool that is under load is the variant's.

use super::cases::limits;
use super::limits::ResourceExhausted;
use super::pool::{Shared, SharedPool};
use super::slots::{Home, SlotLoan};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::clock::{Clock, ClockChoice, Source as _};
use perfbench_harness::{Reason, Setup, Unavailable, on_clock};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// A pool from which tasks take.
pub trait Tasks: SharedPool<Object = Vec<u8>> {
    /// A loan that a task may hold while it waits.
    type Held<'a>: Send;

    /// As its `take`.
    fn take_in_task(&self) -> impl Future<Output = Result<Self::Held<'_>, ResourceExhausted>> + Send;
}

/// Those that never wait are taken from at once.
impl<P: SharedPool<Object = Vec<u8>> + Home<Object = Vec<u8>>> Tasks for P
where
    P: for<'a> Shared<Loan<'a> = SlotLoan<'a, P>>,
{
    type Held<'a> = SlotLoan<'a, P>;

    async fn take_in_task(&self) -> Result<SlotLoan<'_, P>, ResourceExhausted> {
        Shared::take(self)
    }
}

/// How many tasks take how often.
#[derive(Debug, Clone, Copy)]
struct Size {
    tasks: u64,
    takes: u64,
}

/// What is timed, an operation of the row.
const SCALED: Size = Size { tasks: 100, takes: 2 };

/// What the document says, told as facts.
const DOCUMENTED: Size =
    if cfg!(debug_assertions) { Size { tasks: 100, takes: 4 } } else { Size { tasks: 10_000, takes: 1_000 } };

/// Of so many tasks one measures its takes.
const MEASURED: u64 = 20;

const WORKERS: usize = 2;

/// A runtime with a thread on each CPU of the pair, over a pool of 1,000 of which half exist.
pub fn case<P: Tasks>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_time();
    pin_workers(&mut builder, setup.cpu_pair()?);
    let runtime = builder
        .build()
        .map_err(|error| Unavailable::new(Reason::Unsupported, format!("no runtime: {error}")))?;
    Ok(solo(Load { pool: warm::<P>(), runtime }))
}

#[cfg(not(loom))]
fn pin_workers(builder: &mut Builder, cpus: [usize; WORKERS]) {
    use rustix::thread::{CpuSet, sched_setaffinity};
    use std::sync::atomic::{AtomicUsize, Ordering};

    let next = AtomicUsize::new(0);
    builder.on_thread_start(move || {
        let mut set = CpuSet::new();
        // Relaxed: only that each number comes once matters.
        set.set(cpus[next.fetch_add(1, Ordering::Relaxed) % WORKERS]);
        // Where it is refused, the kernel places the thread.
        let _ = sched_setaffinity(None, &set);
    });
}

/// The runtime that is built for loom has no such hook, and no model runs it.
#[cfg(loom)]
fn pin_workers(_: &mut Builder, _: [usize; WORKERS]) {}

fn warm<P: Tasks>() -> Arc<P> {
    let pool = P::new(limits::<Vec<u8>>(1000));
    pool.warm_up(50).expect("the warm-up is far below the limits");
    Arc::new(pool)
}

struct Load<P> {
    pool: Arc<P>,
    runtime: Runtime,
}

impl<P: Tasks> Body for Load<P> {
    fn op(&mut self, _: u64) -> u64 {
        self.runtime.block_on(run(&self.pool, SCALED, None))
    }

    fn facts(&mut self) -> Vec<Fact> {
        let (pool, clock) = (warm::<P>(), Clock::open(ClockChoice::Best));
        let noted = Arc::new(Noted { clock, took_ns: Mutex::default(), slept_ns: Mutex::default() });
        let elapsed_ns = on_clock!(noted.clock, time => {
            let start = time.start();
            self.runtime.block_on(run(&pool, DOCUMENTED, Some(&noted)));
            noted.clock.region_ns(start, time.stop(0))
        });
        let statistics = pool.statistics();
        let hit_rate = statistics.hit_rate_percent();
        let facts = [
            Some(Fact::new("hits", "hits", statistics.hits as f64)),
            hit_rate.map(|percent| Fact::new("hit_rate_percent", "%", percent)),
            Some(Fact::new(
                "refused",
                "takes",
                (statistics.takes - statistics.hits - statistics.misses) as f64,
            )),
            Some(Fact::new("elapsed_s", "s", elapsed_ns / 1e9)),
        ];
        facts.into_iter().flatten().chain(noted.facts(DOCUMENTED.takes)).collect()
    }
}

/// Latencies of the tasks that measure.
struct Noted {
    clock: Clock,
    took_ns: Mutex<Vec<f64>>,
    slept_ns: Mutex<Vec<f64>>,
}

impl Noted {
    fn facts(&self, takes: u64) -> Vec<Fact> {
        let [mut took, slept] = [&self.took_ns, &self.slept_ns]
            .map(|noted| noted.lock().unwrap_or_else(PoisonError::into_inner).clone());
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied();
        let sleep_ns = slept.iter().sum::<f64>() / slept.len().max(1) as f64;
        let percentiles = [("p50_ns", 0.5), ("p99_ns", 0.99)];
        let percentiles = percentiles.map(|(name, share)| at(share).map(|ns| Fact::new(name, "ns", ns)));
        let slept = [
            Fact::new("sleep_ms", "ms", sleep_ns / 1e6),
            Fact::new("slept_s", "s", sleep_ns * takes as f64 / 1e9),
        ];
        percentiles.into_iter().flatten().chain(slept).collect()
    }

    fn add(&self, took: Vec<f64>, slept: Vec<f64>) {
        self.took_ns.lock().unwrap_or_else(PoisonError::into_inner).extend(took);
        self.slept_ns.lock().unwrap_or_else(PoisonError::into_inner).extend(slept);
    }

    fn now(&self) -> u64 {
        on_clock!(self.clock, time => time.stop(0))
    }
}

/// Runs all tasks to their end: how many takes were granted.
async fn run<P: Tasks>(pool: &Arc<P>, size: Size, noted: Option<&Arc<Noted>>) -> u64 {
    let mut tasks = JoinSet::new();
    for number in 0..size.tasks {
        let noted = noted.filter(|_| number % MEASURED == 0);
        tasks.spawn(task(pool.clone(), size.takes, noted.cloned()));
    }
    tasks.join_all().await.into_iter().sum()
}

async fn task<P: Tasks>(pool: Arc<P>, takes: u64, noted: Option<Arc<Noted>>) -> u64 {
    let mut granted = 0;
    let (mut took, mut slept) = (Vec::new(), Vec::new());
    for _ in 0..takes {
        let times = noted.as_ref().map(|noted| noted.now());
        let object = pool.take_in_task().await;
        let taken = noted.as_ref().map(|noted| noted.now());
        tokio::time::sleep(Duration::from_nanos(100)).await;
        granted += u64::from(object.is_ok());
        if let (Some(noted), Some(start), Some(taken)) = (&noted, times, taken) {
            took.push(noted.clock.region_ns(start, taken));
            slept.push(noted.clock.region_ns(taken, noted.now()));
        }
    }
    if let Some(noted) = noted {
        noted.add(took, slept);
    }
    granted
}
