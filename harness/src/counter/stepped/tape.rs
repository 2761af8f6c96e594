//! What stepping leaves of one thread in one region: the registers before each instruction, and why it ended early if it
//! did. Pure data; who writes it is `trap`, who reads it is `walk`.

/// Instructions of one thread in one region after which stepping ends: about a second where a step traps out of a guest.
pub(super) const STEPS_MOST: usize = 1 << 16;

/// General registers and instruction pointer in the kernel's order of a signal frame.
pub(super) const REGISTERS: usize = 17;

/// Where the instruction pointer stands among them.
pub(super) const RIP: usize = 16;

/// A thread right before an instruction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Position among the steps of all threads.
    pub(super) order: u64,
    /// Registers in the kernel's order.
    pub(super) registers: [u64; REGISTERS],
    /// The mask register that the instruction names, where it names one.
    pub(super) mask: u64,
}

impl Step {
    /// Address of the instruction.
    pub(super) fn rip(&self) -> u64 {
        self.registers[RIP]
    }
}

/// Why stepping ended before the region did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The tape is full.
    Full,
    /// The code is about to block the signal that each step raises, as it does where it starts a thread.
    Blocked,
    /// The code put flags back that were saved before the region.
    Cleared,
}

/// The steps of one thread in one region.
#[derive(Debug)]
pub(super) struct Tape {
    /// The kernel's number of the thread.
    pub(super) thread: libc::pid_t,
    /// In the order in which they were made; has room for all there may be.
    pub(super) steps: Vec<Step>,
    /// Where the thread's segments `fs` and `gs` begin.
    pub(super) segments: [u64; 2],
    /// Why there are no more.
    pub(super) end: Option<End>,
}

impl Default for Tape {
    fn default() -> Self {
        Self { thread: 0, steps: Vec::with_capacity(STEPS_MOST), segments: [0; 2], end: None }
    }
}

impl Tape {
    /// The same tape, empty, for a thread.
    pub(super) fn begun(mut self, thread: libc::pid_t, segments: [u64; 2]) -> Self {
        self.steps.clear();
        Self { thread, segments, end: None, ..self }
    }
}
