//! Who a process is, so that one that was killed is told from one that lives and from a later one with the same number.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read};
use rustix::process::{Pid, test_kill_process};
use std::io::Write;

/// A process: its number and when it started. Both fit in one word, so that a process signs by one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Process number; the kernel gives at most 22 bits.
    pub pid: u32,
    /// Clock ticks from the start of the machine to the start of the process.
    pub start_ticks: u64,
}

const START_BITS: u32 = 42;
const START_MASK: u64 = (1 << START_BITS) - 1;

impl Identity {
    /// A process of this number that started at this tick.
    pub const fn of(pid: u32, start_ticks: u64) -> Self {
        Self { pid, start_ticks }
    }

    /// The calling process. Allocates nothing, so a forked child may ask.
    ///
    /// # Panics
    /// Where `/proc` is not mounted: then nobody can be told from anybody.
    pub fn own() -> Self {
        let pid = std::process::id();
        let stat = Stat::of(pid).expect("/proc shows a process to itself");
        Self { pid, start_ticks: stat.start_ticks }
    }

    /// As one word, never zero.
    pub fn word(self) -> u64 {
        u64::from(self.pid) << START_BITS | self.start_ticks & START_MASK
    }

    /// Who signed with `word`; nobody signs with zero.
    pub fn of_word(word: u64) -> Option<Self> {
        let pid = (word >> START_BITS) as u32;
        (pid != 0).then_some(Self { pid, start_ticks: word & START_MASK })
    }

    /// Whether the process still runs. One that was killed does not, even while its parent has not yet taken notice; one
    /// that may not be looked at is taken for living.
    pub fn is_alive(self) -> bool {
        match Stat::of(self.pid) {
            Some(stat) => stat.runs && stat.start_ticks & START_MASK == self.start_ticks & START_MASK,
            None => exists(self.pid),
        }
    }
}

/// Asks without `/proc`, which may hide the processes of other users.
fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

struct Stat {
    runs: bool,
    start_ticks: u64,
}

impl Stat {
    /// By buffers of fixed length: allocates nothing.
    fn of(pid: u32) -> Option<Self> {
        let mut path = [0; 32];
        let mut rest = &mut path[..];
        write!(rest, "/proc/{pid}/stat").ok()?;
        let unused = rest.len();
        let file =
            open(&path[..path.len() - unused], OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = [0; 1024];
        let length = read(&file, &mut text).ok()?;
        Self::parse(&text[..length])
    }

    /// Reads the fields behind the program's name, which may itself hold any byte, brackets among them.
    fn parse(stat: &[u8]) -> Option<Self> {
        let close = stat.iter().rposition(|byte| *byte == b')')?;
        let mut fields = std::str::from_utf8(&stat[close + 1..]).ok()?.split_ascii_whitespace();
        let state = fields.next()?;
        let threads: u32 = fields.nth(16)?.parse().ok()?;
        let start_ticks = fields.nth(1)?.parse().ok()?;
        let ended = ["Z", "X", "x"].contains(&state) && threads <= 1;
        Some(Self { runs: !ended, start_ticks })
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn this_process_lives_and_its_word_names_it() {
        let own = Identity::own();
        assert!(own.is_alive());
        assert_eq!(Identity::of_word(own.word()), Some(own));
        assert_eq!(Identity::of_word(0), None);
    }

    #[test]
    fn a_later_process_with_the_same_number_is_somebody_else() {
        let own = Identity::own();
        assert!(!Identity { start_ticks: own.start_ticks + 1, ..own }.is_alive());
    }

    #[test]
    fn a_killed_process_is_dead_before_and_after_its_parent_takes_notice() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let stat = Stat::of(child.id()).unwrap();
        let identity = Identity { pid: child.id(), start_ticks: stat.start_ticks };
        assert!(identity.is_alive());
        child.kill().unwrap();
        while Stat::of(child.id()).is_some_and(|stat| stat.runs) {
            std::thread::yield_now();
        }
        assert!(!identity.is_alive());
        child.wait().unwrap();
        assert!(!identity.is_alive());
    }

    #[test]
    fn a_name_with_brackets_and_any_bytes_hides_no_field() {
        let parsed = |state: &str, threads: &str| {
            let fields = format!(" {state} 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 4242 0\n");
            Stat::parse(&[b"7 (a) b (\xff R 1)", fields.as_bytes()].concat()).unwrap()
        };
        assert_eq!((parsed("S", "3").runs, parsed("S", "3").start_ticks), (true, 4242));
        assert!(!parsed("Z", "1").runs);
        assert!(parsed("Z", "3").runs, "other threads of it go on");
        assert!(Stat::parse(b"").is_none() && Stat::parse(b"7 (short) S 1 2").is_none());
    }
}
