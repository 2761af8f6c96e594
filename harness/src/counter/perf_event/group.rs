//! Opens a set of perf events for every thread of the process and reads it twice a region. The groups stay enabled:
//! switching one on and off costs several times as much as a read.

use super::reply::{MAX_EVENTS, RAW_BYTES, Reply, tally};
use super::{Kind, Probe, UserOnly, errno};
use crate::counter::{Counter, Reading};
use crate::record::Provenance;
use crate::unavailable::{Reason, Unavailable};
use perf_event::events::Software;
use perf_event::{Builder, ReadFormat};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Whether the kernel's share is counted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    UserAndKernel,
    User,
}

/// Opens the events that can be had; user mode only where this user may not count the kernel.
///
/// # Errors
/// Why none of them can be had.
pub fn open(probes: &'static [Probe]) -> Result<Box<dyn Counter>, Unavailable> {
    if cfg!(miri) {
        return Err(Unavailable::new(
            Reason::Unsupported,
            "the interpreter has no perf events; run it natively",
        ));
    }
    let opened = match open_in(probes, Scope::UserAndKernel) {
        Err(error) if errno::is_privilege(&error) => open_in(probes, Scope::User),
        opened => opened,
    };
    let region = opened.map_err(|error| errno::explain(&error))?;
    match region.refusals.iter().all(Option::is_some) {
        true => Err(region.refusals.into_iter().flatten().next().expect("a source has events")),
        false => Ok(Box::new(region)),
    }
}

fn open_in(probes: &'static [Probe], scope: Scope) -> io::Result<Region> {
    assert!(probes.len() <= MAX_EVENTS, "a group's reply has room for {MAX_EVENTS} events");
    let mut region = Region::new(probes, scope);
    for id in thread_ids()? {
        match region.add(id) {
            // The thread has ended since it was listed.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            added => added?,
        }
    }
    Ok(region)
}

/// Every thread of the process, the calling one first.
fn thread_ids() -> io::Result<Vec<i32>> {
    let here = rustix::thread::gettid().as_raw_nonzero().get();
    let names =
        std::fs::read_dir("/proc/self/task")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let others = names.filter_map(|name| name.parse().ok()).filter(|id| *id != here);
    Ok(std::iter::once(here).chain(others).collect())
}

/// The events of all threads, and what they stood at when the region began.
struct Region {
    probes: &'static [Probe],
    scope: Scope,
    /// Why an event is not counted, in the order of `probes`.
    refusals: Vec<Option<Unavailable>>,
    threads: Vec<Thread>,
    started: io::Result<()>,
}

impl Region {
    fn new(probes: &'static [Probe], scope: Scope) -> Self {
        let refusals = probes.iter().map(|probe| blind(probe, scope)).collect();
        Self { probes, scope, refusals, threads: Vec::new(), started: Ok(()) }
    }

    /// Opens the events for one thread; one that any thread is refused is given up for all.
    fn add(&mut self, id: i32) -> io::Result<()> {
        let mut leader = settings(id, Scope::User).build_group()?;
        let mut members = Vec::new();
        for (probe, refusal) in self.probes.iter().zip(&mut self.refusals) {
            let opens = refusal.is_none() && probe.kind != Kind::Time;
            let wanted = opens.then(|| leader.add(&member(probe, id, self.scope)));
            match wanted.transpose() {
                Ok(counter) => members.push(counter),
                Err(error) if self.scope == Scope::UserAndKernel && errno::is_privilege(&error) => {
                    return Err(error);
                }
                Err(error) => {
                    *refusal = Some(errno::explain(&error));
                    members.push(None);
                }
            }
        }
        leader.enable()?;
        self.threads.push(Thread { leader, members, before: [0; RAW_BYTES], after: [0; RAW_BYTES] });
        Ok(())
    }

    /// What each thread counted since the start; the calling thread is read first, as it was read last before.
    fn counted(&mut self) -> io::Result<Vec<Reply>> {
        self.threads.iter_mut().try_for_each(Thread::end)?;
        std::mem::replace(&mut self.started, Ok(()))?;
        Ok(self.threads.iter().map(|thread| thread.counted(self.probes)).collect())
    }

    fn reading(&self, event: usize, threads: &io::Result<Vec<Reply>>) -> Reading {
        let probe = &self.probes[event];
        let name = name(probe, self.scope);
        let counted = match (&self.refusals[event], threads) {
            (Some(refusal), _) => Err(refusal.clone()),
            (None, Err(error)) => Err(errno::explain(error)),
            (None, Ok(threads)) => tally(threads, event),
        };
        match counted {
            Err(reason) => Reading::absent(name, reason),
            Ok(tally) => Reading::counted(name, tally.value, tally.provenance(provenance(probe))),
        }
    }
}

impl Counter for Region {
    fn start(&mut self) {
        self.started = self.threads.iter_mut().rev().try_for_each(Thread::begin);
    }

    fn stop(&mut self, _ops: u64) -> Vec<Reading> {
        let threads = self.counted();
        (0..self.probes.len()).map(|event| self.reading(event, &threads)).collect()
    }
}

/// One thread's group; a member that was refused is none. Replies are kept as they come, because whatever is done with
/// them inside the region would be counted.
struct Thread {
    leader: perf_event::Group,
    members: Vec<Option<perf_event::Counter>>,
    before: [u8; RAW_BYTES],
    after: [u8; RAW_BYTES],
}

impl Thread {
    fn begin(&mut self) -> io::Result<()> {
        read(&self.leader, &mut self.before)
    }

    fn end(&mut self) -> io::Result<()> {
        read(&self.leader, &mut self.after)
    }

    fn counted(&self, probes: &[Probe]) -> Reply {
        let ids: Vec<_> =
            self.members.iter().map(|member| member.as_ref().map(perf_event::Counter::id)).collect();
        let mut reply = Reply::parse(&self.after, &ids).since(&Reply::parse(&self.before, &ids));
        let times = reply.values.iter_mut().zip(probes).filter(|(_, probe)| probe.kind == Kind::Time);
        times.for_each(|(value, _)| *value = reply.enabled_ns);
        reply
    }
}

fn read(leader: &perf_event::Group, into: &mut [u8; RAW_BYTES]) -> io::Result<()> {
    // SAFETY: the leader owns the descriptor and outlives this borrow of it.
    let descriptor = unsafe { BorrowedFd::borrow_raw(leader.as_counter().as_raw_fd()) };
    match rustix::io::read(descriptor, into)? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the kernel gave up the group")),
        _ => Ok(()),
    }
}

/// What the leader, which counts nothing, and its members have in common. Threads and processes that the observed
/// thread starts later are counted with it.
fn settings(thread: i32, scope: Scope) -> Builder<'static> {
    let mut builder = Builder::new(Software::DUMMY);
    builder.observe_pid(thread).inherit(true).exclude_kernel(scope == Scope::User).read_format(
        ReadFormat::GROUP | ReadFormat::ID | ReadFormat::TOTAL_TIME_ENABLED | ReadFormat::TOTAL_TIME_RUNNING,
    );
    builder
}

fn member(probe: &Probe, thread: i32, scope: Scope) -> Builder<'static> {
    let mut builder = settings(thread, scope);
    builder.attrs_mut().type_ = probe.kind as u32;
    builder.attrs_mut().config = probe.config;
    builder
}

/// An event inside the kernel opens in user scope and stays at zero for ever, so it is not opened.
fn blind(probe: &Probe, scope: Scope) -> Option<Unavailable> {
    let blind = scope == Scope::User && probe.user_only == UserOnly::Blind;
    blind.then(|| {
        let detail = "it happens inside the kernel, where this user's counters see nothing and would say 0; as root: \
                      sysctl kernel.perf_event_paranoid=1, or setcap cap_perfmon=ep on the program";
        Unavailable::new(Reason::NoPrivilege, detail)
    })
}

fn name(probe: &Probe, scope: Scope) -> &'static str {
    match (scope, probe.user_only) {
        (Scope::User, UserOnly::Named(name)) => name,
        _ => probe.event.name,
    }
}

fn provenance(probe: &Probe) -> Provenance {
    match probe.kind {
        Kind::Software | Kind::Time => Provenance::Software,
        Kind::Hardware | Kind::Cache => Provenance::HwGeneric,
    }
}
