//! What runs when `SIGPROF` comes: it copies the interrupted thread's registers and the top of its stack, and does nothing
//! else, so that it may interrupt anything. Memory is there before the first signal and stays after the last.

use crate::profile::unwind::Registers;
use std::cell::UnsafeCell;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Words of a sample before its stack: time, pc, sp, fp, lr, words of stack.
const HEAD_WORDS: usize = 6;

/// The same in bytes.
pub const HEAD_BYTES: usize = HEAD_WORDS * 8;

/// Where the samples of one thread go. Only its own handler writes, and it is read when no timer rings any more.
pub struct Sink {
    words: UnsafeCell<Vec<u64>>,
    used: AtomicUsize,
    lost: AtomicU64,
    stack_words: usize,
    stack_end: u64,
}

// SAFETY: the words are written by one thread's handler and read by another only below `used`, which is published after
// them.
unsafe impl Sync for Sink {}

impl Sink {
    /// Room of some bytes that is never given back, because a signal may be under way after its timer is gone; at most
    /// `stack_bytes` of each stack that ends at `stack_end` are copied.
    pub fn leaked(bytes: usize, stack_bytes: usize, stack_end: u64) -> &'static Self {
        Box::leak(Box::new(Self {
            words: UnsafeCell::new(vec![0; bytes / 8]),
            used: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            stack_words: stack_bytes / 8,
            stack_end,
        }))
    }

    /// Samples that had no room.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Every sample in order of time: when, registers, and the stack from the stack pointer on.
    pub fn read(&self, mut each: impl FnMut(u64, Registers, &[u8])) {
        // Pairs with the Release store in `keep`.
        let used = self.used.load(Ordering::Acquire);
        // SAFETY: the words below `used` are written once, before it was raised, and the vector never moves.
        let words = unsafe { &*self.words.get() };
        let mut rest = &words[..used];
        while let Some((head, behind)) = rest.split_first_chunk::<HEAD_WORDS>() {
            let [time_ns, pc, sp, fp, lr, length] = *head;
            let (stack, behind) = behind.split_at(length as usize);
            let bytes: Vec<u8> = stack.iter().flat_map(|word| word.to_ne_bytes()).collect();
            each(time_ns, Registers { pc, sp, fp, lr }, &bytes);
            rest = behind;
        }
    }

    /// Called in the handler: no lock, no allocation, no panic.
    fn keep(&self, time_ns: u64, registers: Registers) {
        let Registers { pc, sp, fp, lr } = registers;
        let length = (self.stack_end.saturating_sub(sp) as usize / 8).min(self.stack_words);
        let used = self.used.load(Ordering::Relaxed);
        // SAFETY: nobody else writes, and readers keep below `used`.
        let words = unsafe { &mut *self.words.get() };
        let Some(room) = words.get_mut(used..used + HEAD_WORDS + length) else {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        for (word, value) in room.iter_mut().zip([time_ns, pc, sp, fp, lr, length as u64]) {
            *word = value;
        }
        for (index, word) in room.iter_mut().skip(HEAD_WORDS).enumerate() {
            let address = std::ptr::with_exposed_provenance::<u64>(sp as usize).wrapping_add(index);
            // SAFETY: it lies between the stack pointer and the end of this very thread's stack, which is mapped.
            *word = unsafe { address.read_volatile() };
        }
        // Publishes the words; pairs with the Acquire load in `read`.
        self.used.store(used + HEAD_WORDS + length, Ordering::Release);
    }
}

/// Makes this process keep samples when `SIGPROF` comes. It stays so: a late signal would end the process otherwise.
///
/// # Errors
/// What the kernel refuses.
pub fn install() -> io::Result<()> {
    // SAFETY: all bytes zero are a valid `sigaction`: default handling, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_signal as extern "C" fn(_, _, _) as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: the action is a valid one, its handler does only what a handler may, and the old one is not asked for.
    match unsafe { libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

extern "C" fn on_signal(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands a handler with SA_SIGINFO a valid one.
    let info = unsafe { &*info };
    if info.si_code != libc::SI_TIMER {
        return;
    }
    // SAFETY: a signal of a timer carries the value that the timer was made with.
    let value = unsafe { info.si_value() };
    // SAFETY: every timer that sends this signal was made with a sink, and sinks are never given back.
    let sink = unsafe { &*value.sival_ptr.cast::<Sink>() };
    // SAFETY: the kernel hands the handler the context that it interrupted.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    sink.keep(now_ns(), registers(context));
}

fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(target_arch = "x86_64")]
fn registers(context: &libc::ucontext_t) -> Registers {
    let register = |index: libc::c_int| context.uc_mcontext.gregs[index as usize].cast_unsigned();
    Registers { pc: register(libc::REG_RIP), sp: register(libc::REG_RSP), fp: register(libc::REG_RBP), lr: 0 }
}

#[cfg(target_arch = "aarch64")]
fn registers(context: &libc::ucontext_t) -> Registers {
    let machine = &context.uc_mcontext;
    Registers { pc: machine.pc, sp: machine.sp, fp: machine.regs[29], lr: machine.regs[30] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_as_they_were_kept_until_there_is_no_room() {
        let stack: Vec<u64> = (0..8).collect();
        let start = stack.as_ptr().expose_provenance() as u64;
        let sink = Sink::leaked(2 * (HEAD_BYTES + 32), 32, start + 64);
        for (time_ns, offset) in [(7, 0), (8, 48), (9, 0)] {
            sink.keep(time_ns, Registers { pc: 1, sp: start + offset, fp: 3, lr: 4 });
        }
        let mut seen = Vec::new();
        sink.read(|time_ns, registers, stack| seen.push((time_ns, registers.pc, stack.len())));
        assert_eq!(seen, [(7, 1, 32), (8, 1, 16)]);
        assert_eq!(sink.lost(), 1);
    }

    #[test]
    fn a_signal_that_no_timer_sent_is_nobodys_sample() {
        install().unwrap();
        // SAFETY: sends a signal to this thread, for which a handler stands.
        assert_eq!(unsafe { libc::raise(libc::SIGPROF) }, 0);
    }
}
