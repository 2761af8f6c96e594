//! Fresh processes for jobs: the launch is the unit of noise, so every launch is a process of its own with a seeded
//! amount of environment before its stack. Tests run jobs in their own process instead.

use crate::stats::random::Random;
use crate::worker::{self, Job, Reply, Task, work};
use crate::workload::Registry;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Something that does jobs.
pub trait Launcher {
    /// Does one job and hands over its replies.
    ///
    /// # Errors
    /// [`Died`] where the process ended before its job did.
    fn launch(&mut self, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), Died>;
}

/// A process that ended before its job did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Died(pub String);

impl fmt::Display for Died {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Does jobs in this very process: for scripted runs and tests.
#[derive(Debug)]
pub struct InProcess(pub Registry);

impl Launcher for InProcess {
    fn launch(&mut self, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), Died> {
        work(self.0, job, reply).map_err(Died)
    }
}

/// Does every job in a fresh process of a program that calls [`serve`].
#[derive(Debug)]
pub struct Fresh {
    program: PathBuf,
    arguments: Vec<OsString>,
    random: Random,
}

/// Bytes of environment added at most: a page, so that the stack starts at any offset within one.
const PADDING_BYTES: u64 = 4096;

/// The variable that carries them.
const PADDING: &str = "PERFBENCH_PADDING";

impl Fresh {
    /// Processes of `program` called with `arguments`.
    pub fn new(program: PathBuf, arguments: &[&str], seed: u64) -> Self {
        Self { program, arguments: arguments.iter().map(OsString::from).collect(), random: Random::new(seed) }
    }

    fn spawn(&mut self, under: &[String]) -> io::Result<Child> {
        let Some((wrapper, options)) = under.split_first() else {
            return spawn(&self.program, &self.arguments, &mut self.random);
        };
        let options = options.iter().map(OsString::from);
        // The link names this very program only to this very process: another that opens it finds itself.
        let program = std::fs::canonicalize(&self.program)?.into();
        let arguments: Vec<_> = options.chain([program]).chain(self.arguments.iter().cloned()).collect();
        spawn(Path::new(wrapper), &arguments, &mut self.random)
    }
}

/// Starts a program with a random amount of environment before its stack.
pub(crate) fn spawn(program: &Path, arguments: &[OsString], random: &mut Random) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .env(PADDING, "x".repeat(random.below(PADDING_BYTES) as usize))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

impl Launcher for Fresh {
    fn launch(&mut self, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), Died> {
        let cannot = |error: io::Error| Died(format!("cannot start a fresh process: {error}"));
        let mut child = self.spawn(&job.under).map_err(cannot)?;
        let order = serde_json::to_vec(job).expect("a job is plain data");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A process that is gone already shows in its exit status below.
        let _ = stdin.write_all(&order);
        drop(stdin);
        let stdout = child.stdout.take().expect("stdout is piped");
        let complaint = collect(child.stderr.take().expect("stderr is piped"));
        let watchdog = Watchdog::over(&child);
        let mut unreadable = None;
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(told) => reply(told),
                Err(error) => unreadable = Some(format!("a reply could not be read: {error}")),
            }
        }
        let ended = finish(child, complaint);
        watchdog.call_off(ended).and(unreadable.map_or(Ok(()), Err)).map_err(Died)
    }
}

/// Reads what a process complains of beside its replies: a full pipe would stop it.
pub(crate) fn collect(mut stderr: ChildStderr) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut complaint = Vec::new();
        // What cannot be read of a complaint is not worth another.
        let _ = stderr.read_to_end(&mut complaint);
        String::from_utf8_lossy(&complaint).into_owned()
    })
}

/// Kills a process that takes longer than any job may, so that a variant that hangs costs its row and not the run.
pub(crate) struct Watchdog {
    off: Sender<()>,
    killed: JoinHandle<bool>,
}

/// Longest that one job may take.
const LAUNCH_LIMIT: Duration = Duration::from_secs(300);

impl Watchdog {
    pub(crate) fn over(child: &Child) -> Self {
        let (off, called_off) = channel();
        let child = Pid::from_child(child);
        let killed = std::thread::spawn(move || {
            let late = called_off.recv_timeout(LAUNCH_LIMIT) == Err(RecvTimeoutError::Timeout);
            late && kill_process(child, Signal::KILL).is_ok()
        });
        Self { off, killed }
    }

    pub(crate) fn call_off(self, ended: Result<(), String>) -> Result<(), String> {
        drop(self.off);
        match self.killed.join() {
            Ok(true) => Err(format!("it did not end within {} s and was killed", LAUNCH_LIMIT.as_secs())),
            _ => ended,
        }
    }
}

pub(crate) fn finish(mut child: Child, complaint: JoinHandle<String>) -> Result<(), String> {
    let complaint = complaint.join().unwrap_or_default();
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    let complaint = complaint.trim().lines().last().unwrap_or_default().to_owned();
    Err(if complaint.is_empty() { ended(status) } else { format!("{}: {complaint}", ended(status)) })
}

fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => format!("the process was killed by signal {signal}{}", signal_name(signal)),
        None => format!("the process ended with {status}"),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGSEGV => " (segmentation fault)",
        libc::SIGILL => " (illegal instruction)",
        libc::SIGABRT => " (abort)",
        libc::SIGBUS => " (bus error)",
        libc::SIGKILL => " (killed, perhaps for memory)",
        libc::SIGINT => " (interrupted)",
        _ => "",
    }
}

/// The other side of [`Fresh`]: reads a job from stdin, does it, writes a reply a line on stdout.
///
/// # Errors
/// A job that cannot be read or names what the registry does not hold.
pub fn serve(registry: Registry) -> Result<(), String> {
    // Panics of variants travel in replies; the default hook would print them as well.
    std::panic::set_hook(Box::new(|_| {}));
    let mut lines = io::stdin().lock().lines().map_while(Result::ok);
    let order = lines.next().unwrap_or_default();
    let job: Job = serde_json::from_str(&order).map_err(|error| format!("not a job: {error}"))?;
    if matches!(job.task, Task::Duel { .. }) {
        let mut commands = lines.map_while(|line| serde_json::from_str(&line).ok());
        return worker::duel(registry, &job, &mut commands, &mut |answer| tell(&answer));
    }
    work(registry, &job, &mut |reply| tell(&reply))
}

fn tell(reply: &impl Serialize) {
    let line = serde_json::to_string(reply).expect("a reply is plain data");
    let mut stdout = io::stdout().lock();
    // A parent that is gone wants no replies.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
