//! One side's process and the lines to and from it. Knows nothing of the other side.

use super::arm::{Answer, Command, Order, PROTOCOL};
use super::{Fault, Side};
use crate::launch::{Watchdog, collect, finish, spawn};
use crate::stats::random::Random;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout};
use std::thread::JoinHandle;

/// A process that takes commands.
pub(super) struct Process {
    pub(super) side: Side,
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    complaint: JoinHandle<String>,
    watchdog: Watchdog,
}

impl Process {
    /// Starts a program and gives it its order.
    pub(super) fn start(
        side: Side,
        program: &Path,
        arguments: &[OsString],
        order: &Order,
        random: &mut Random,
    ) -> Result<Self, Fault> {
        let cannot = |error| Fault::Broke(side, format!("cannot start {}: {error}", program.display()));
        let mut child = spawn(program, arguments, random).map_err(cannot)?;
        let mut process = Self {
            side,
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().expect("stdout is piped")),
            complaint: collect(child.stderr.take().expect("stderr is piped")),
            watchdog: Watchdog::over(&child),
            child,
        };
        process.write(&serde_json::to_string(order).expect("an order is plain data"));
        Ok(process)
    }

    /// Gives a command and waits for its answer.
    pub(super) fn ask(&mut self, command: Command) -> Result<Answer, Fault> {
        self.write(&serde_json::to_string(&command).expect("a command is plain data"));
        let mut line = String::new();
        let answer = match self.from.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line),
            _ => return Err(self.broke("the process ended before its contest did")),
        };
        match answer {
            Ok(answer @ (Answer::Ready { protocol: PROTOCOL } | Answer::Timed { .. })) => Ok(answer),
            Ok(other) => Err(self.unexpected(&other)),
            Err(error) => Err(self.broke(&format!("an answer could not be read: {error}"))),
        }
    }

    /// What an answer means that is not the one asked for.
    pub(super) fn unexpected(&self, answer: &Answer) -> Fault {
        match answer {
            Answer::Unavailable(unavailable) => Fault::Unavailable(unavailable.clone()),
            Answer::Broke(message) => self.broke(message),
            Answer::Ready { protocol } => {
                self.broke(&format!("it speaks version {protocol} of the gate's protocol, not {PROTOCOL}"))
            }
            Answer::Timed { .. } => self.broke("it timed what it was not asked to"),
        }
    }

    /// Lets the process end.
    ///
    /// # Errors
    /// [`Fault::Broke`] with what it complained of, where it did not end well.
    pub(super) fn end(mut self) -> Result<(), Fault> {
        drop(self.to.take());
        let ended = self.watchdog.call_off(finish(self.child, self.complaint));
        ended.map_err(|message| match message.contains("unknown variant `duel`") {
            true => {
                Fault::Broke(self.side, "it was built before perfbench had a gate; name a newer base".into())
            }
            false => Fault::Broke(self.side, message),
        })
    }

    /// A process that is gone already shows in what it answers.
    fn write(&mut self, line: &str) {
        if let Some(to) = &mut self.to {
            let _ = to.write_all(format!("{line}\n").as_bytes());
        }
    }

    fn broke(&self, message: &str) -> Fault {
        Fault::Broke(self.side, message.into())
    }
}
