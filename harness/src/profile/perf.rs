//! Opens the perf events that make samples, one for each thread, with as much as the kernel grants. How they are
//! switched and their rings emptied is `drain`'s affair.

use super::drain::Perf;
use super::modules::Modules;
use super::ring;
use super::taken::{Sampler, Setting};
use super::threads::{self, Thread};
use crate::counter::perf_event::errno;
use crate::unavailable::{Reason, Unavailable};
use perf_event::events::{Event, Hardware, Software};
use perf_event::{Builder, Clock, Counter, ReadFormat, SampleFlag};
use std::io;

/// What makes the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The hardware's cycles.
    Cycles,
    /// The kernel's CPU clock.
    CpuClock,
}

/// The smallest ring: a page that holds some samples of frame pointers.
const LEAST_RING_BYTES: usize = 4096;

/// What the kernel grants of what a sampler would like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grant {
    kernel: bool,
    lost: bool,
}

/// From the best to the least; `lost` is understood by Linux 6.0 and later.
const GRANTS: [Grant; 4] = [
    Grant { kernel: true, lost: true },
    Grant { kernel: false, lost: true },
    Grant { kernel: true, lost: false },
    Grant { kernel: false, lost: false },
];

/// Opens an event for every thread that exists now.
///
/// # Errors
/// What the kernel refuses, in words.
pub fn open(source: Source, setting: Setting, modules: &Modules) -> Result<Box<dyn Sampler>, Unavailable> {
    below_the_highest_rate(setting.hz, highest_rate())?;
    let threads = threads::all();
    let grant = granted(source, setting, threads[0]).map_err(|error| errno::explain(&error))?;
    let mut events = Vec::new();
    for thread in &threads {
        match ringed(source, setting, grant, *thread) {
            Ok(sampler) => events.push((*thread, sampler)),
            // The thread has ended since it was listed.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) => return Err(refused_ring(&error)),
        }
    }
    let notes = (!threads::tells_children()).then(unlisted_processes).into_iter().collect();
    let perf =
        Perf::start(events, notes, setting, grant.kernel, modules).map_err(|error| errno::explain(&error))?;
    Ok(Box::new(perf))
}

fn unlisted_processes() -> String {
    "the kernel does not tell which processes the case forked (/proc has no children): they are not in the samples".into()
}

/// Samples that the kernel takes in a second at most; none where it does not say.
fn highest_rate() -> Option<f64> {
    std::fs::read_to_string("/proc/sys/kernel/perf_event_max_sample_rate").ok()?.trim().parse().ok()
}

fn below_the_highest_rate(hz: f64, highest: Option<f64>) -> Result<(), Unavailable> {
    match highest {
        Some(highest) if hz > highest => Err(Unavailable::new(
            Reason::Unsupported,
            format!(
                "the kernel takes at most {highest} samples a second; ask for fewer, or as root: sysctl kernel.perf_event_max_sample_rate={hz}"
            ),
        )),
        _ => Ok(()),
    }
}

/// The best grant with which an event of a thread opens.
fn granted(source: Source, setting: Setting, thread: Thread) -> io::Result<Grant> {
    let mut refused = None;
    for grant in GRANTS {
        match build(source, setting, grant, thread) {
            Ok(_) => return Ok(grant),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.expect("there are grants to try"))
}

fn build(source: Source, setting: Setting, grant: Grant, thread: Thread) -> io::Result<Counter> {
    match source {
        Source::Cycles => event(Hardware::CPU_CYCLES, setting, grant, thread),
        Source::CpuClock => event(Software::CPU_CLOCK, setting, grant, thread),
    }
}

fn event(event: impl Event, setting: Setting, grant: Grant, thread: Thread) -> io::Result<Counter> {
    let mut read = ReadFormat::TOTAL_TIME_ENABLED | ReadFormat::TOTAL_TIME_RUNNING;
    read.set(ReadFormat::LOST, grant.lost);
    let mut sample = SampleFlag::IP | SampleFlag::TID | SampleFlag::TIME | SampleFlag::PERIOD;
    sample.set(SampleFlag::CALLCHAIN, setting.pointers);
    sample.set(SampleFlag::REGS_USER | SampleFlag::STACK_USER, setting.stack_bytes > 0);
    let mut builder = Builder::new(event);
    builder
        .observe_pid(thread.id)
        .any_cpu()
        .exclude_kernel(!grant.kernel)
        .exclude_hv(true)
        .exclude_callchain_kernel(true)
        .sample(sample)
        .sample_frequency(setting.hz.round() as u64)
        .clockid(Clock::MONOTONIC)
        .wakeup_watermark(setting.ring_bytes)
        .read_format(read);
    if setting.stack_bytes > 0 {
        builder.sample_regs_user(ring::REGISTERS).sample_stack_user(setting.stack_bytes);
    }
    builder.build()
}

/// An event with the largest ring that the limit of locked memory allows.
fn ringed(source: Source, setting: Setting, grant: Grant, thread: Thread) -> io::Result<perf_event::Sampler> {
    let mut bytes = setting.ring_bytes.next_power_of_two();
    loop {
        match build(source, setting, grant, thread)?.sampled(bytes) {
            Err(_) if bytes > LEAST_RING_BYTES => bytes /= 2,
            mapped => return mapped,
        }
    }
}

fn refused_ring(error: &io::Error) -> Unavailable {
    match error.raw_os_error() {
        Some(libc::EPERM) => Unavailable::new(
            Reason::NoPrivilege,
            "the limit of locked memory leaves no room for a ring of samples; raise ulimit -l, or as root: sysctl \
             kernel.perf_event_mlock_kb=1024",
        ),
        _ => errno::explain(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_samples_than_the_kernel_takes_are_refused_with_its_limit_and_the_remedy() {
        let why = below_the_highest_rate(1e6, Some(100_000.0)).unwrap_err();
        assert!(why.detail.contains("at most 100000") && why.detail.contains("sysctl"), "{why}");
        assert!(
            below_the_highest_rate(1e5, Some(100_000.0)).is_ok() && below_the_highest_rate(1e6, None).is_ok()
        );
    }
}
