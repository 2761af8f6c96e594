//! What system calls one thread made, by number: written by whoever sees a call, a signal handler among them, so it is
//! atomics and nothing else.

use super::names;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Numbers that are told apart; no kernel has as many calls.
const NUMBERS: usize = 512;

/// How many of the most frequent calls are named.
const NAMED: usize = 4;

// Relaxed throughout: a thread reads its own counts, or another's after both have met at the end of a batch, which
// orders them.
/// The calls of one thread. It lives for ever (2 KiB-sized pages of a process that ends soon), because the kernel may
/// interrupt a thread to write it at any time.
#[derive(Debug)]
pub struct Calls {
    by_number: [AtomicU64; NUMBERS],
    nameless: AtomicU64,
    /// Yields that were taken back.
    forgiven: AtomicU64,
    incomplete: AtomicBool,
}

impl Calls {
    /// No calls yet.
    pub fn new() -> &'static Self {
        Box::leak(Box::new(Self {
            by_number: [const { AtomicU64::new(0) }; NUMBERS],
            nameless: AtomicU64::new(0),
            forgiven: AtomicU64::new(0),
            incomplete: AtomicBool::new(false),
        }))
    }

    /// Forgets what was counted.
    pub fn clear(&self) {
        let counts = self.by_number.iter().chain([&self.nameless, &self.forgiven]);
        counts.for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// One call of this number.
    pub fn note(&self, number: i64) {
        let known = usize::try_from(number).ok().and_then(|number| self.by_number.get(number));
        known.unwrap_or(&self.nameless).fetch_add(1, Ordering::Relaxed);
    }

    /// So many calls, of which no more is known.
    pub fn note_nameless(&self, calls: u64) {
        self.nameless.fetch_add(calls, Ordering::Relaxed);
    }

    /// Takes back so many yields: they were the waiting's and not the operation's.
    pub fn forgive_yields(&self, yields: u64) {
        let named = &self.by_number[libc::SYS_sched_yield as usize];
        let counted = if named.load(Ordering::Relaxed) >= yields { named } else { &self.nameless };
        let forgiven = yields.min(counted.load(Ordering::Relaxed));
        counted.fetch_sub(forgiven, Ordering::Relaxed);
        self.forgiven.fetch_add(forgiven, Ordering::Relaxed);
    }

    /// From here on calls may pass uncounted.
    pub fn give_up(&self) {
        self.incomplete.store(true, Ordering::Relaxed);
    }

    /// Whether calls may have passed uncounted.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::Relaxed)
    }

    /// All calls.
    pub fn total(&self) -> u64 {
        self.by_number.iter().chain([&self.nameless]).map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

/// The most frequent calls of all threads in words: `futex 12, madvise 1`; empty where there were none, or none is known.
pub fn told(threads: &[&Calls]) -> String {
    let count = |number: usize| -> u64 {
        threads.iter().map(|calls| calls.by_number[number].load(Ordering::Relaxed)).sum()
    };
    let mut made: Vec<_> =
        (0..NUMBERS).map(|number| (count(number), number)).filter(|(count, _)| *count > 0).collect();
    made.sort_by_key(|(count, number)| (std::cmp::Reverse(*count), *number));
    let mut words: Vec<_> =
        made.iter().take(NAMED).map(|(count, number)| format!("{} {count}", names::of(*number))).collect();
    if made.len() > NAMED {
        words.push(format!("others {}", made[NAMED..].iter().map(|(count, _)| count).sum::<u64>()));
    }
    words.join(", ")
}

/// Calls that start a thread or a process.
const STARTS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// What is not in the counts of these threads, each in words.
pub fn left_out(threads: &[&Calls]) -> Vec<String> {
    let forgiven: u64 = threads.iter().map(|calls| calls.forgiven.load(Ordering::Relaxed)).sum();
    let made =
        |number: usize| threads.iter().any(|calls| calls.by_number[number].load(Ordering::Relaxed) > 0);
    let starts = (0..NUMBERS).any(|number| made(number) && STARTS.contains(&&*names::of(number)));
    let yields = (forgiven > 0).then(|| format!("less {forgiven} yields of waiting"));
    let started = starts.then(|| "threads and processes that it started are not counted".to_owned());
    yields.into_iter().chain(started).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(numbers: &[libc::c_long]) -> &'static Calls {
        let calls = Calls::new();
        numbers.iter().for_each(|number| calls.note(*number));
        calls
    }

    #[test]
    fn the_most_frequent_calls_of_all_threads_are_named() {
        let first = made(&[libc::SYS_futex, libc::SYS_getppid, libc::SYS_futex]);
        let second = made(&[libc::SYS_futex]);
        assert_eq!(told(&[first, second]), "futex 3, getppid 1");
        assert_eq!(first.total() + second.total(), 4);
    }

    #[test]
    fn forgiven_yields_are_taken_from_where_they_were_counted() {
        let named = made(&[libc::SYS_sched_yield, libc::SYS_futex, libc::SYS_sched_yield]);
        named.forgive_yields(2);
        assert_eq!(told(&[named]), "futex 1");
        assert_eq!(left_out(&[named]), ["less 2 yields of waiting"]);
        let nameless = Calls::new();
        nameless.note_nameless(3);
        nameless.forgive_yields(2);
        assert_eq!(nameless.total(), 1);
        nameless.clear();
        assert_eq!(left_out(&[nameless]), [""; 0]);
    }

    #[test]
    fn what_was_started_is_told_to_be_left_out() {
        let calls = made(&[libc::SYS_futex, libc::SYS_clone3]);
        assert_eq!(left_out(&[calls]), ["threads and processes that it started are not counted"]);
    }

    #[test]
    fn rare_calls_are_told_together() {
        let calls =
            made(&[libc::SYS_read, libc::SYS_write, libc::SYS_futex, libc::SYS_mmap, libc::SYS_munmap, 500]);
        assert!(told(&[calls]).ends_with(", others 2"), "{}", told(&[calls]));
    }

    #[test]
    fn numbers_outside_any_table_are_counted_without_a_name() {
        let calls = made(&[-1, 1 << 40]);
        assert_eq!((calls.total(), told(&[calls])), (2, String::new()));
        calls.clear();
        assert_eq!(calls.total(), 0);
    }
}
