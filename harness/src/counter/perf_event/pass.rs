//! The events of one pass, opened as a group for each thread of the process. Each thread reads its own group right before
//! and right after its operations; the groups stay enabled meanwhile, because switching one on and off costs several
//! times as much as a read. Which events make a pass is decided in `plan`, how a thread reads is `slot`'s affair.

use super::kernel::{Kernel, Scope, Spec, Target};
use super::probe::{Kind, Probe};
use super::reply::{MAX_EVENTS, RAW_BYTES, Reply};
use super::slot::Slot;
use super::user_read::{self, UserRead};
use super::{errno, uncore};
use crate::clock::Bracket;
use crate::unavailable::{Reason, Unavailable};
use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A group of events that the kernel has opened: all of them count, or none, at any time.
pub struct Opened<K: Kernel> {
    leader: K::Event,
    /// They count as long as they are held.
    members: Vec<K::Event>,
    ids: Vec<Option<u64>>,
    /// The page of each member, where user mode may read them all.
    pages: Vec<K::Page>,
}

impl<K: Kernel> Opened<K> {
    /// A group for one thread, without a member.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn of_thread(kernel: &K, thread: i32) -> io::Result<Self> {
        let leader = kernel.open(&Spec::leader(Target::Thread(thread)), None)?;
        Ok(Self { leader, members: Vec::new(), ids: Vec::new(), pages: Vec::new() })
    }

    /// One event by itself, which leads no other.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn alone(kernel: &K, spec: &Spec) -> io::Result<Self> {
        let leader = kernel.open(spec, None)?;
        let ids = vec![Some(kernel.id(&leader))];
        Ok(Self { leader, members: Vec::new(), ids, pages: Vec::new() })
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
        self.reply(&bytes[..length_bytes])
    }

    /// What the bytes of a read say.
    ///
    /// # Errors
    /// Where they do not tell of every member.
    pub fn reply(&self, bytes: &[u8]) -> io::Result<Reply> {
        Reply::parse(bytes, &self.ids)
    }

    /// What the registers of all members say: the group is on the counters as a whole, so one member's times are all's.
    pub fn reply_of_registers(&self, reads: &[UserRead]) -> Reply {
        let mut values = reads.iter().map(|read| read.value);
        let mut value = |id: &Option<u64>| id.and_then(|_| values.next()).unwrap_or(0);
        let [UserRead { enabled_ns, running_ns, .. }, ..] = *reads else {
            unreachable!("a group has members")
        };
        Reply { enabled_ns, running_ns, values: self.ids.iter().map(&mut value).collect() }
    }

    /// Maps what the members' own thread needs to read them without the kernel: whether it may.
    pub fn map(&mut self, kernel: &K) -> bool {
        let pages = self.members.iter().map(|member| kernel.page(member).filter(user_read::is_allowed));
        self.pages = pages.collect::<Option<_>>().unwrap_or_default();
        !self.pages.is_empty()
    }

    /// Reads every member by its register, on the members' own thread; not where one is on none just now.
    pub fn read_registers(&self, into: &mut [UserRead; MAX_EVENTS]) -> bool {
        self.pages.iter().zip(into).all(|(page, into)| match user_read::read(page) {
            Some(read) => {
                *into = read;
                true
            }
            None => false,
        })
    }

    /// Reads the whole group by the kernel: how many bytes it has written.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn read(&self, kernel: &K, into: &mut [u8; RAW_BYTES]) -> io::Result<usize> {
        match kernel.read(&self.leader, into)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, errno::GAVE_UP)),
            length_bytes => Ok(length_bytes),
        }
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
        let taken: Vec<_> = self.slots.iter().filter_map(Slot::taken).collect();
        // Relaxed: the threads of the region have handed over to this one.
        if self.missed.swap(false, Ordering::Relaxed) || taken.is_empty() {
            return Err(missed());
        }
        let replies: io::Result<Vec<Reply>> = taken.into_iter().collect();
        Ok(replies.map_err(|error| errno::explain(&error))?.into_iter().map(|r| self.timed(r)).collect())
    }

    /// Reads every thread's group by the kernel from now on.
    pub fn read_by_kernel(&self) {
        self.slots.iter().for_each(Slot::read_by_kernel);
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
