//! The seam to the kernel: opening one event, and reading the group that it leads. The real kernel stands behind
//! perf-event2; a fake one that replays recorded replies stands in tests.

use super::registers::Mapped;
use super::user_read::Page;
use crate::machine::files::Roots;
use perf_event::events::Software;
use perf_event::{Builder, Counter, ReadFormat};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::LazyLock;

/// Whether the kernel's share is counted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// User mode and the kernel.
    UserAndKernel,
    /// User mode only.
    User,
}

/// Whose events are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Those of one thread, wherever it runs.
    Thread(i32),
    /// Those of one CPU, whoever runs there.
    Cpu(usize),
}

/// One event as the kernel is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// `type` of the kernel's `perf_event_attr`.
    pub kind: u32,
    /// `config`.
    pub config: u64,
    /// `config1`.
    pub config1: u64,
    /// Whose.
    pub target: Target,
    /// In which mode.
    pub scope: Scope,
}

impl Spec {
    /// A leader that counts nothing: it opens wherever perf events are, so that any member may be refused by itself.
    pub fn leader(target: Target) -> Self {
        Self { kind: 1, config: Software::DUMMY.into(), config1: 0, target, scope: Scope::User }
    }
}

/// Opens and reads perf events.
pub trait Kernel: Send + Sync {
    /// An opened event; it closes when it is dropped.
    type Event: Send + Sync;

    /// What the kernel tells user mode of an opened event.
    type Page: Page + Send + Sync;

    /// Opens an event, alone or as a member of a group. A leader is switched off; a member is on and counts when its leader
    /// does, because the kernel judges a group's size by the members that are on.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn open(&self, spec: &Spec, leader: Option<&mut Self::Event>) -> io::Result<Self::Event>;

    /// The number by which a group's reply names the event.
    fn id(&self, event: &Self::Event) -> u64;

    /// Starts the whole group that this event leads.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn enable(&self, leader: &mut Self::Event) -> io::Result<()>;

    /// Reads the whole group that this event leads: how many bytes came.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn read(&self, leader: &Self::Event, into: &mut [u8]) -> io::Result<usize>;

    /// What the kernel tells user mode of the event; none where it tells nothing.
    fn page(&self, event: &Self::Event) -> Option<Self::Page>;

    /// Every thread of the process, the calling one first.
    ///
    /// # Errors
    /// Where there is no list of them.
    fn threads(&self) -> io::Result<Vec<i32>>;
}

/// The kernel that runs this program.
#[derive(Debug, Clone, Copy)]
pub struct Linux;

impl Kernel for Linux {
    type Event = Counter;
    type Page = Mapped;

    fn open(&self, spec: &Spec, mut leader: Option<&mut Counter>) -> io::Result<Counter> {
        if cfg!(miri) {
            return Err(io::Error::from_raw_os_error(libc::ENOSYS));
        }
        let access = user_access(spec);
        match request(spec, access, leader.as_deref_mut()) {
            // Counters of 32 bits cannot be read by user mode as counters of 64.
            Err(error) if access != 0 && error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                request(spec, 0, leader)
            }
            opened => opened,
        }
    }

    fn id(&self, event: &Counter) -> u64 {
        event.id()
    }

    fn enable(&self, leader: &mut Counter) -> io::Result<()> {
        leader.enable_group()
    }

    fn read(&self, leader: &Counter, into: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the leader owns the descriptor and outlives this borrow of it.
        let descriptor = unsafe { BorrowedFd::borrow_raw(leader.as_raw_fd()) };
        Ok(rustix::io::read(descriptor, into)?)
    }

    fn page(&self, event: &Counter) -> Option<Mapped> {
        Mapped::of(event).ok()
    }

    fn threads(&self) -> io::Result<Vec<i32>> {
        let here = rustix::thread::gettid().as_raw_nonzero().get();
        let names = std::fs::read_dir("/proc/self/task")?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let others = names.filter_map(|name| name.parse().ok()).filter(|id| *id != here);
        Ok(std::iter::once(here).chain(others).collect())
    }
}

fn request(spec: &Spec, access: u64, leader: Option<&mut Counter>) -> io::Result<Counter> {
    let mut builder = builder(spec, access);
    match leader {
        Some(leader) => builder.enabled(true).build_with_group(leader),
        None => builder.build(),
    }
}

fn builder(spec: &Spec, access: u64) -> Builder<'static> {
    let mut builder = Builder::new(Software::DUMMY);
    match spec.target {
        Target::Thread(thread) => builder.observe_pid(thread),
        Target::Cpu(cpu) => builder.any_pid().one_cpu(cpu).exclude_hv(false),
    };
    builder.exclude_kernel(spec.scope == Scope::User).read_format(
        ReadFormat::GROUP | ReadFormat::ID | ReadFormat::TOTAL_TIME_ENABLED | ReadFormat::TOTAL_TIME_RUNNING,
    );
    let attributes = builder.attrs_mut();
    (attributes.type_, attributes.config) = (spec.kind, spec.config);
    attributes.config1 = spec.config1 | access;
    builder
}

/// On Arm an event must be asked for as one that user mode reads, in 64 bits.
fn user_access(spec: &Spec) -> u64 {
    const LONG_AND_USER: u64 = 3;
    let counted_by_core = [0, 3, 4].contains(&spec.kind) && matches!(spec.target, Target::Thread(_));
    if cfg!(target_arch = "aarch64") && counted_by_core && *USER_ACCESS { LONG_AND_USER } else { 0 }
}

/// Whether the kernel hands Arm's counters to user mode.
static USER_ACCESS: LazyLock<bool> =
    LazyLock::new(|| Roots::real().proc("sys/kernel/perf_user_access").is_some_and(|value| value == "1"));
