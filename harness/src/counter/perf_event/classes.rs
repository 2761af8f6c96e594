//! Which kinds of perf events the kernel grants this user: each is opened once, first with the kernel's share and then
//! without, and closed again. For `doctor`; what a run counts is the sources' affair.

use super::errno;
use crate::unavailable::{Reason, Unavailable};
use perf_event::events::{Breakpoint, Software, Tracepoint};
use perf_event::{Builder, SampleFlag};
use serde::Serialize;
use std::io;
use std::path::Path;

/// One kind of event or of counting, and what the kernel says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventClass {
    /// Name: `software: page-faults`, `sampling: call chains`.
    pub name: &'static str,
    /// What it would be good for.
    pub about: &'static str,
    /// What it sees, where it opens.
    pub sight: Option<Sight>,
    /// Why it does not open, with the remedy.
    pub unavailable: Option<Unavailable>,
}

/// What an event that opened can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// User mode and the kernel.
    All,
    /// User mode only.
    User,
    /// It happens inside the kernel, of which this user sees nothing: it opens and stays at 0 for ever.
    Blind,
}

/// A kind of event: how its builder is set up.
struct Class {
    name: &'static str,
    about: &'static str,
    /// Whether what it counts happens inside the kernel only.
    in_kernel: bool,
    open: fn(user_only: bool) -> io::Result<()>,
}

const fn class(name: &'static str, about: &'static str, open: fn(bool) -> io::Result<()>) -> Class {
    Class { name, about, in_kernel: false, open }
}

const fn in_kernel(name: &'static str, about: &'static str, open: fn(bool) -> io::Result<()>) -> Class {
    Class { name, about, in_kernel: true, open }
}

/// The `type` numbers of the kernel's `perf_event_attr`.
const HARDWARE: u32 = 0;
const SOFTWARE: u32 = 1;
const CACHE: u32 = 3;
const RAW: u32 = 4;

/// Every kind, one line each.
static CLASSES: &[Class] = &[
    class("hardware: cycles", "the core's clock", |user| plain(HARDWARE, 0, user)),
    class("hardware: instructions", "instructions retired", |user| plain(HARDWARE, 1, user)),
    class("hardware: caches", "the kernel's generic cache events", |user| plain(CACHE, 0x1_0000, user)),
    class("hardware: raw events", "events by this CPU's own numbers", |user| {
        plain(RAW, RAW_INSTRUCTIONS, user)
    }),
    class("hardware: precise sampling", "samples that name the very instruction", |user| {
        with(HARDWARE, 0, user, |builder| {
            builder.sample_period(1_000_003).sample(SampleFlag::IP).attrs_mut().set_precise_ip(2);
        })
    }),
    class("software: cpu-clock", "wall time of a CPU, also for sampling", |user| plain(SOFTWARE, 0, user)),
    class("software: task-clock", "time of a thread on a CPU", |user| plain(SOFTWARE, 1, user)),
    class("software: page-faults", "page faults", |user| plain(SOFTWARE, 2, user)),
    in_kernel("software: context-switches", "times a thread left its CPU", |user| plain(SOFTWARE, 3, user)),
    in_kernel("software: cpu-migrations", "times a thread changed its CPU", |user| plain(SOFTWARE, 4, user)),
    class("software: minor-faults", "page faults without a disk", |user| plain(SOFTWARE, 5, user)),
    class("software: major-faults", "page faults that read a disk", |user| plain(SOFTWARE, 6, user)),
    class("software: alignment-faults", "accesses the kernel had to mend", |user| plain(SOFTWARE, 7, user)),
    class("software: emulation-faults", "instructions the kernel emulated", |user| plain(SOFTWARE, 8, user)),
    in_kernel("tracepoint: system calls", "every call of the kernel", tracepoint),
    class("msr: tsc", "the time stamp counter as an event", |user| dynamic("msr", "tsc", user)),
    class("msr: aperf", "cycles actually run, to tell the frequency", |user| dynamic("msr", "aperf", user)),
    class("power: package energy", "energy by the processor's own account", |user| {
        dynamic("power", "energy-pkg", user)
    }),
    class("breakpoint: writes", "counts every write to an address", breakpoint),
    class("threads: inherited", "counts threads that are started later", |user| {
        with(SOFTWARE, 1, user, |builder| _ = builder.inherit(true))
    }),
    class("threads: pinned events", "an event that is never multiplexed", |user| {
        with(SOFTWARE, 1, user, |builder| _ = builder.pinned(true))
    }),
    class("machine: all of one CPU", "whatever runs there, whose-ever it is", |user| {
        with(SOFTWARE, 0, user, |builder| _ = builder.any_pid().one_cpu(first_cpu()))
    }),
    class("sampling: call chains", "stacks by frame pointers", |user| {
        sampling(user, SampleFlag::IP | SampleFlag::TID | SampleFlag::TIME | SampleFlag::CALLCHAIN, |_| ())
    }),
    class("sampling: copies of the stack", "stacks by call frame information", |user| {
        sampling(user, SampleFlag::IP | SampleFlag::REGS_USER | SampleFlag::STACK_USER, |builder| {
            builder.sample_regs_user(1).sample_stack_user(8192);
        })
    }),
    class("sampling: physical addresses", "where in memory a sample's data lies", |user| {
        sampling(user, SampleFlag::IP | SampleFlag::ADDR | SampleFlag::PHYS_ADDR, |_| ())
    }),
    class("sampling: branch records", "the last branches before a sample", |user| {
        sampling(user, SampleFlag::IP | SampleFlag::BRANCH_STACK, |builder| {
            const ANY_BRANCH_OF_USER: u64 = 1 | 1 << 3;
            builder.attrs_mut().branch_sample_type = ANY_BRANCH_OF_USER;
        })
    }),
];

/// Instructions retired, by the CPU's own number.
const RAW_INSTRUCTIONS: u64 = if cfg!(target_arch = "aarch64") { 0x08 } else { 0xc0 };

/// Opens every kind once.
pub fn classes() -> Vec<EventClass> {
    CLASSES.iter().map(examine).collect()
}

fn examine(class: &Class) -> EventClass {
    let (sight, unavailable) = match opened(class) {
        Ok(sight) => (Some(sight), None),
        Err(error) => (None, Some(explain(&error))),
    };
    EventClass { name: class.name, about: class.about, sight, unavailable }
}

fn opened(class: &Class) -> io::Result<Sight> {
    let user_only = if class.in_kernel { Sight::Blind } else { Sight::User };
    match (class.open)(false) {
        // A refusal for want of privilege hides every other: what the user may not see may also not exist.
        Err(error) if errno::is_privilege(&error) => (class.open)(true).map(|()| user_only),
        opened => opened.map(|()| Sight::All),
    }
}

/// The refusal in words; one that no error number stands for says what is missing by itself.
fn explain(error: &io::Error) -> Unavailable {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Missing>()) {
        Some(Missing(what)) => Unavailable::new(Reason::Unsupported, what.clone()),
        None => errno::explain(error),
    }
}

/// An event source that the kernel does not list.
#[derive(Debug)]
struct Missing(String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

fn missing(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, Missing(what))
}

fn plain(kind: u32, config: u64, user_only: bool) -> io::Result<()> {
    with(kind, config, user_only, |_| ())
}

fn with(kind: u32, config: u64, user_only: bool, set: impl FnOnce(&mut Builder<'_>)) -> io::Result<()> {
    let mut builder = Builder::new(Software::DUMMY);
    builder.exclude_kernel(user_only).exclude_hv(user_only);
    builder.attrs_mut().type_ = kind;
    builder.attrs_mut().config = config;
    set(&mut builder);
    builder.build().map(drop)
}

fn sampling(user_only: bool, what: SampleFlag, set: impl FnOnce(&mut Builder<'_>)) -> io::Result<()> {
    const CPU_CLOCK: u64 = 0;
    with(SOFTWARE, CPU_CLOCK, user_only, |builder| {
        builder.sample_frequency(1000).sample(what);
        set(builder);
    })
}

/// The number of a tracepoint stands in a file that often only root may read; the event opens by a guessed one as well,
/// which proves nothing.
fn tracepoint(user_only: bool) -> io::Result<()> {
    const FILES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let read =
        |root: &&str| std::fs::read_to_string(Path::new(root).join("events/raw_syscalls/sys_enter/id")).ok();
    let id = FILES.iter().find_map(read).and_then(|text| text.trim().parse().ok());
    let id = id.ok_or_else(|| {
        missing(
            "tracepoint numbers cannot be read by this user; as root: mount -t tracefs -o mode=755 tracefs \
             /sys/kernel/tracing"
                .into(),
        )
    })?;
    let mut builder = Builder::new(Tracepoint::with_id(id));
    builder.exclude_kernel(user_only).exclude_hv(user_only);
    builder.build().map(drop)
}

fn breakpoint(user_only: bool) -> io::Result<()> {
    let watched = 0u64;
    let mut builder = Builder::new(Breakpoint::write((&raw const watched).addr() as u64, 8));
    builder.exclude_kernel(user_only).exclude_hv(user_only);
    builder.build().map(drop)
}

/// An event of a source that the kernel lists by name, with its number there.
fn dynamic(source: &str, event: &str, user_only: bool) -> io::Result<()> {
    let folder = Path::new("/sys/bus/event_source/devices").join(source);
    let text = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
    let number = |text: String| text.trim().rsplit('=').next()?.trim_start_matches("0x").to_owned().into();
    let kind = text("type").and_then(|text| text.trim().parse().ok());
    let config: Option<String> = text(&format!("events/{event}")).and_then(number);
    let config = config.and_then(|digits| u64::from_str_radix(&digits, 16).ok());
    match (kind, config) {
        (Some(kind), Some(config)) if source == "power" => {
            with(kind, config, user_only, |builder| _ = builder.any_pid().one_cpu(first_cpu()))
        }
        (Some(kind), Some(config)) => plain(kind, config, user_only),
        _ => Err(missing(format!(
            "the kernel lists no event {source}/{event}; a virtual machine or another maker's CPU has none: measure on the \
             host"
        ))),
    }
}

fn first_cpu() -> usize {
    rustix::thread::sched_getcpu()
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_opens_or_says_why_not_and_what_mends_it() {
        for class in classes() {
            assert_ne!(class.sight.is_some(), class.unavailable.is_some(), "{class:?}");
            assert!(class.unavailable.as_ref().is_none_or(|why| why.detail.contains("; ")), "{class:?}");
        }
    }

    #[test]
    fn no_two_kinds_share_a_name() {
        let names: BTreeSet<&str> = CLASSES.iter().map(|class| class.name).collect();
        assert_eq!(names.len(), CLASSES.len());
    }

    #[test]
    fn an_event_inside_the_kernel_is_blind_where_only_user_mode_is_granted() {
        let only_user = |user: bool| match user {
            true => Ok(()),
            false => Err(io::Error::from_raw_os_error(libc::EACCES)),
        };
        assert_eq!(opened(&in_kernel("a", "b", only_user)).unwrap(), Sight::Blind);
        assert_eq!(opened(&class("a", "b", only_user)).unwrap(), Sight::User);
        assert_eq!(opened(&class("a", "b", |_| Ok(()))).unwrap(), Sight::All);
    }

    #[test]
    fn a_missing_event_is_told_after_the_privilege_has_been_given_up() {
        let nowhere = |user: bool| match user {
            true => Err(io::Error::from_raw_os_error(libc::ENOENT)),
            false => Err(io::Error::from_raw_os_error(libc::EACCES)),
        };
        assert_eq!(examine(&class("a", "b", nowhere)).unavailable.unwrap().reason, Reason::NoPmu);
    }
}
