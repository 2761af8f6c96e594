//! The events of one pass, opened as a group for each thread of the process. Each thread reads its own group right before
//! and right after its operations; the groups stay enabled meanwhile, because switching one on and off costs several
//! times as much as a read. Which events make a pass is decided in `plan`.

use super::kernel::{Kernel, Scope, Spec, Target};
use super::probe::{Kind, Probe};
use super::reply::{RAW_BYTES, Reply};
use super::{errno, uncore};
use crate::clock::Bracket;
use crate::unavailable::{Reason, Unavailable};
use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// A group of events that the kernel has opened: all of them count, or none, at any time.
pub struct Opened<K: Kernel> {
    leader: K::Event,
    /// They count as long as they are held.
    members: Vec<K::Event>,
    ids: Vec<Option<u64>>,
}

impl<K: Kernel> Opened<K> {
    /// A group for one thread, without a member.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn of_thread(kernel: &K, thread: i32) -> io::Result<Self> {
        let leader = kernel.open(&Spec::leader(Target::Thread(thread)), None)?;
        Ok(Self { leader, members: Vec::new(), ids: Vec::new() })
    }

    /// One event by itself, which leads no other.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn alone(kernel: &K, spec: &Spec) -> io::Result<Self> {
        let leader = kernel.open(spec, None)?;
        let ids = vec![Some(kernel.id(&leader))];
        Ok(Self { leader, members: Vec::new(), ids })
    }

    /// Adds a member; one that no reply has a value for takes its place in the order only.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn add(&mut self, kernel: &K, probe: &Probe, target: Target, scope: Scope) -> io::Result<()> {
        if !probe.is_opened() {
            self.ids.push(None);
            return Ok(());
        }
        let member = kernel.open(&probe.spec(target, scope), Some(&mut self.leader))?;
        self.ids.push(Some(kernel.id(&member)));
        self.members.push(member);
        Ok(())
    }

    /// Starts counting.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn enable(&mut self, kernel: &K) -> io::Result<()> {
        kernel.enable(&mut self.leader)
    }

    /// What the group stands at.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn now(&self, kernel: &K) -> io::Result<Reply> {
        let mut bytes = [0; RAW_BYTES];
        let length_bytes = self.read(kernel, &mut bytes)?;
        Reply::parse(&bytes[..length_bytes], &self.ids)
    }

    /// How many bytes the kernel has written.
    fn read(&self, kernel: &K, into: &mut [u8; RAW_BYTES]) -> io::Result<usize> {
        match kernel.read(&self.leader, into)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, errno::GAVE_UP)),
            length_bytes => Ok(length_bytes),
        }
    }
}

/// The group of one thread or CPU, and what it saw. Replies are kept as they come, because whatever is done with them
/// inside the region would be counted.
struct Slot<K: Kernel> {
    target: Target,
    group: Opened<K>,
    seen: Mutex<Seen>,
}

struct Seen {
    before: [u8; RAW_BYTES],
    after: [u8; RAW_BYTES],
    /// How many bytes of `before` the kernel has written.
    begun: io::Result<usize>,
    /// What was counted since the last look; none where the thread had no operation.
    counted: Option<io::Result<Reply>>,
}

impl<K: Kernel> Slot<K> {
    fn new(kernel: &K, target: Target, mut group: Opened<K>) -> io::Result<Self> {
        group.enable(kernel)?;
        let (before, after) = ([0; RAW_BYTES], [0; RAW_BYTES]);
        Ok(Self { target, group, seen: Mutex::new(Seen { before, after, begun: Ok(0), counted: None }) })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics between the two reads of a region")
    }

    fn begin(&self, kernel: &K) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        seen.begun = self.group.read(kernel, &mut seen.before);
    }

    fn end(&self, kernel: &K) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        let ended = self.group.read(kernel, &mut seen.after);
        let begun = std::mem::replace(&mut seen.begun, Ok(0));
        let parse =
            |bytes: &[u8; RAW_BYTES], length_bytes| Reply::parse(&bytes[..length_bytes], &self.group.ids);
        let before = begun.and_then(|length_bytes| parse(&seen.before, length_bytes));
        let after = ended.and_then(|length_bytes| parse(&seen.after, length_bytes));
        let counted = before.and_then(|before| Ok(after?.since(&before)));
        seen.counted = Some(match (seen.counted.take(), counted) {
            (Some(Ok(earlier)), Ok(now)) => Ok(earlier.and(&now)),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(now)) => Ok(now),
        });
    }
}

/// Tells the passes of a process apart, so that a thread finds its group without asking the kernel who it is.
static PASSES: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// The pass that this thread took part in last, and which of its groups is this thread's.
    static MINE: Cell<(u64, Option<usize>)> = const { Cell::new((0, None)) };
}

/// One pass, opened and counting.
pub struct Pass<K: Kernel> {
    kernel: K,
    members: Vec<Probe>,
    slots: Vec<Slot<K>>,
    number: u64,
    /// Whether a thread took part that has no group.
    missed: AtomicBool,
}

impl<K: Kernel + Clone> Pass<K> {
    /// Opens the members for every thread of the process, or for the whole machine where they are counted so.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn open(kernel: &K, members: &[Probe], scope: Scope) -> io::Result<Self> {
        let slots = match members {
            [probe] if probe.is_wide() => wide(kernel, probe)?,
            _ => each_thread(kernel, members, scope)?,
        };
        // Relaxed: only that no two are alike matters.
        let number = PASSES.fetch_add(1, Ordering::Relaxed);
        let (kernel, members) = (kernel.clone(), members.to_vec());
        Ok(Self { kernel, members, slots, number, missed: AtomicBool::new(false) })
    }

    /// Begins the region for what is counted without threads.
    pub fn begin(&self) {
        self.wide_slots().for_each(|slot| slot.begin(&self.kernel));
    }

    /// What every thread that took part counted, in the order of the threads, the calling one first.
    ///
    /// # Errors
    /// Why a thread's count is unknown, or that none took part.
    pub fn end(&self) -> Result<Vec<Reply>, Unavailable> {
        self.wide_slots().for_each(|slot| slot.end(&self.kernel));
        let taken: Vec<_> = self.slots.iter().filter_map(|slot| slot.seen().counted.take()).collect();
        // Relaxed: the threads of the region have handed over to this one.
        if self.missed.swap(false, Ordering::Relaxed) || taken.is_empty() {
            return Err(missed());
        }
        let replies: io::Result<Vec<Reply>> = taken.into_iter().collect();
        Ok(replies.map_err(|error| errno::explain(&error))?.into_iter().map(|r| self.timed(r)).collect())
    }

    fn wide_slots(&self) -> impl Iterator<Item = &Slot<K>> {
        self.slots.iter().filter(|slot| matches!(slot.target, Target::Cpu(_)))
    }

    fn timed(&self, mut reply: Reply) -> Reply {
        let times = reply.values.iter_mut().zip(&self.members).filter(|(_, probe)| probe.kind == Kind::Time);
        times.for_each(|(value, _)| *value = reply.enabled_ns);
        reply
    }

    /// The calling thread's group. Asked before a region it costs the kernel's answer once a pass and thread, and inside of
    /// one nothing but a look.
    fn mine(&self) -> Option<&Slot<K>> {
        let (pass, mut index) = MINE.get();
        if pass != self.number {
            let here = Target::Thread(rustix::thread::gettid().as_raw_nonzero().get());
            index = self.slots.iter().position(|slot| slot.target == here);
            MINE.set((self.number, index));
        }
        index.map(|index| &self.slots[index])
    }
}

impl<K: Kernel + Clone> Bracket for Pass<K> {
    fn enter(&self) {
        if let Some(slot) = self.mine() {
            slot.begin(&self.kernel);
        }
    }

    fn leave(&self) {
        match self.mine() {
            Some(slot) => slot.end(&self.kernel),
            // Relaxed: `end` looks after the threads have handed over to its own.
            None if self.wide_slots().next().is_none() => self.missed.store(true, Ordering::Relaxed),
            None => {}
        }
    }
}

fn each_thread<K: Kernel>(kernel: &K, members: &[Probe], scope: Scope) -> io::Result<Vec<Slot<K>>> {
    let mut slots = Vec::new();
    for thread in kernel.threads()? {
        match of_thread(kernel, members, thread, scope) {
            // The thread has ended since it was listed.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            slot => slots.push(slot?),
        }
    }
    Ok(slots)
}

fn of_thread<K: Kernel>(kernel: &K, members: &[Probe], thread: i32, scope: Scope) -> io::Result<Slot<K>> {
    let target = Target::Thread(thread);
    let mut group = Opened::of_thread(kernel, thread)?;
    members.iter().try_for_each(|probe| group.add(kernel, probe, target, scope))?;
    Slot::new(kernel, target, group)
}

/// Every unit of the name counts for the whole machine, on the CPU that the kernel names for it.
fn wide<K: Kernel>(kernel: &K, probe: &Probe) -> io::Result<Vec<Slot<K>>> {
    let open = |spec: Spec| Slot::new(kernel, spec.target, Opened::alone(kernel, &spec)?);
    uncore::specs(probe).into_iter().map(open).collect()
}

fn missed() -> Unavailable {
    let detail = "not counted: a thread took part that started after the counters were opened; start threads when the case \
                  is built";
    Unavailable::new(Reason::Unsupported, detail)
}
