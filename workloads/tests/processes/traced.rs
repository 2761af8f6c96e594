//! A child that goes on an instruction or a system call at a time, to be killed wherever it then stands.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How far a child goes at once.
#[derive(Clone, Copy)]
pub enum Pace {
    /// One instruction.
    Instruction,
    /// To the next entry into or return from the kernel.
    SystemCall,
}

/// A stopped child.
pub struct Traced(Pid);

/// The child's exit status where it may not be traced.
const REFUSED: i32 = 77;

impl Traced {
    /// Forks a child that runs `prepare` at full speed and stops before `act`; none where tracing is refused.
    pub fn start<T>(prepare: impl FnOnce() -> T, act: impl FnOnce(T)) -> Option<Self> {
        // SAFETY: this program has one thread, so the child finds every lock free.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            child(prepare, act);
        }
        let traced = Self(Pid::from_raw(pid).expect("fork returned a child"));
        let stands = traced.wait();
        if !stands {
            println!("skipped: killing at chosen points, because a process may not be traced here");
        }
        stands.then_some(traced)
    }

    /// Lets the child go; whether it stands again, not ended.
    pub fn go(&self, pace: Pace) -> bool {
        let request = match pace {
            Pace::Instruction => libc::PTRACE_SINGLESTEP,
            Pace::SystemCall => libc::PTRACE_SYSCALL,
        };
        let nothing: *const libc::c_void = std::ptr::null();
        // SAFETY: the child is stopped under this tracer; the request takes no memory.
        let answer = unsafe { libc::ptrace(request, self.0.as_raw_nonzero().get(), nothing, nothing) };
        assert_eq!(answer, 0, "a stopped child goes on");
        self.wait()
    }

    fn wait(&self) -> bool {
        let (_, status) = waitpid(Some(self.0), WaitOptions::UNTRACED).expect("a child").expect("an answer");
        assert!(status.stopped() || status.exit_status() == Some(0) || status.exit_status() == Some(REFUSED));
        status.stopped()
    }

    /// Kills it where it stands.
    pub fn kill(self) {
        kill_process(self.0, Signal::KILL).expect("a child can be killed");
        while !waitpid(Some(self.0), WaitOptions::empty()).expect("a child").expect("an answer").1.signaled()
        {
        }
    }
}

fn child<T>(prepare: impl FnOnce() -> T, act: impl FnOnce(T)) -> ! {
    let run = || {
        let prepared = prepare();
        let nothing: *const libc::c_void = std::ptr::null();
        // SAFETY: asks to be traced by the parent; takes no memory.
        if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, nothing, nothing) } != 0 {
            return REFUSED;
        }
        // SAFETY: stops this process until its tracer lets it go.
        unsafe { libc::raise(libc::SIGSTOP) };
        act(prepared);
        0
    };
    let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(101);
    // SAFETY: ends the child without the parent's exit handlers.
    unsafe { libc::_exit(status) }
}

/// How many steps the child takes to its end; none where tracing is refused.
pub fn length<T>(pace: Pace, prepare: impl FnOnce() -> T, act: impl FnOnce(T)) -> Option<usize> {
    let traced = Traced::start(prepare, act)?;
    let mut steps = 1;
    while traced.go(pace) {
        steps += 1;
    }
    Some(steps)
}

/// Where to kill: so many system calls along, each with its entry and its return, and from there so many instructions.
#[derive(Clone, Copy)]
pub struct Point {
    /// Entries and returns.
    pub system_calls: usize,
    /// Instructions.
    pub instructions: usize,
}

/// Kills a child at a point, or lets it end before.
pub fn killed_at<T>(point: Point, prepare: impl FnOnce() -> T, act: impl FnOnce(T)) {
    let traced = Traced::start(prepare, act).expect("tracing was not refused before");
    if (0..point.system_calls).all(|_| traced.go(Pace::SystemCall))
        && (0..point.instructions).all(|_| traced.go(Pace::Instruction))
    {
        traced.kill();
    }
}

/// Points at which to kill: all of them, or `most` evenly apart.
pub fn points(length: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length.div_ceil(most).max(1))
}
