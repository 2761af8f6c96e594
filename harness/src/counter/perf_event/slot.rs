//! The group of one thread or CPU, and what it saw between the two ends of each region: read by the registers, so that a
//! region costs no system call, or by the kernel. Both ends of a region are read in the same way.

use super::errno;
use super::kernel::{Kernel, Target};
use super::pass::Opened;
use super::reply::{MAX_EVENTS, RAW_BYTES, Reply};
use super::user_read::UserRead;
use std::io;
use std::sync::{Mutex, MutexGuard};

/// One opened group that counts.
pub struct Slot<K: Kernel> {
    /// Whose it is.
    pub target: Target,
    group: Opened<K>,
    seen: Mutex<Seen>,
}

/// How a group is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Registers,
    /// The registers failed in the middle of a try. Regions of one try are compared, so none is read in another way.
    Lost,
    Kernel,
}

/// Replies are kept as they come, because whatever is done with them inside the region would be counted.
struct Seen {
    way: Way,
    before: End,
    after: End,
    begun: io::Result<()>,
    /// What was counted since the last look; none where the thread had no operation.
    counted: Option<io::Result<Reply>>,
}

/// One end of a region, as one of the two ways has filled it.
struct End {
    bytes: [u8; RAW_BYTES],
    length_bytes: usize,
    registers: [UserRead; MAX_EVENTS],
}

impl End {
    fn new() -> Self {
        Self { bytes: [0; RAW_BYTES], length_bytes: 0, registers: [UserRead::default(); MAX_EVENTS] }
    }
}

impl<K: Kernel> Slot<K> {
    /// Starts a group. The registers are only a thread's own to read.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn new(kernel: &K, target: Target, mut group: Opened<K>) -> io::Result<Self> {
        let is_thread = matches!(target, Target::Thread(_));
        let way = if is_thread && group.map(kernel) { Way::Registers } else { Way::Kernel };
        group.enable(kernel)?;
        let seen = Seen { way, before: End::new(), after: End::new(), begun: Ok(()), counted: None };
        Ok(Self { target, group, seen: Mutex::new(seen) })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics between the two reads of a region")
    }

    /// What was counted since the last look.
    pub fn taken(&self) -> Option<io::Result<Reply>> {
        self.seen().counted.take()
    }

    /// Reads by the kernel from now on.
    pub fn read_by_kernel(&self) {
        self.seen().way = Way::Kernel;
    }

    /// Reads one end of a region.
    pub fn begin(&self, kernel: &K) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        seen.begun = self.read(kernel, &mut seen.way, &mut seen.before);
    }

    /// Reads the other end.
    pub fn end(&self, kernel: &K) {
        let mut seen = self.seen();
        let seen = &mut *seen;
        let ended = self.read(kernel, &mut seen.way, &mut seen.after);
        let begun = std::mem::replace(&mut seen.begun, Ok(()));
        let counted = begun.and(ended).and_then(|()| self.between(seen));
        seen.counted = Some(match (seen.counted.take(), counted) {
            (Some(Ok(earlier)), Ok(now)) => Ok(earlier.and(&now)),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(now)) => Ok(now),
        });
    }

    fn read(&self, kernel: &K, way: &mut Way, into: &mut End) -> io::Result<()> {
        if *way == Way::Kernel {
            into.length_bytes = self.group.read(kernel, &mut into.bytes)?;
            return Ok(());
        }
        if *way == Way::Registers && self.group.read_registers(&mut into.registers) {
            return Ok(());
        }
        *way = Way::Lost;
        Err(io::Error::new(io::ErrorKind::ResourceBusy, errno::TAKEN))
    }

    fn between(&self, seen: &Seen) -> io::Result<Reply> {
        let [before, after] = [&seen.before, &seen.after];
        if seen.way == Way::Kernel {
            let reply = |end: &End| self.group.reply(&end.bytes[..end.length_bytes]);
            return Ok(reply(after)?.since(&reply(before)?));
        }
        let reply = |end: &End| self.group.reply_of_registers(&end.registers);
        let mut between = reply(after).since(&reply(before));
        if between.enabled_ns == 0 {
            // A thread that reads runs: such a region is shorter than a tick of the clock.
            (between.enabled_ns, between.running_ns) = (1, 1);
        }
        Ok(between)
    }
}
