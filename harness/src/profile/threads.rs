//! The threads that may take part in a case: those of this process, and those of the processes that it forked.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::collections::BTreeSet;
use std::ops::RangeFrom;
use std::path::Path;

/// One thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thread {
    /// Whether it belongs to a process that this one forked.
    pub forked: bool,
    /// Its number in the system.
    pub id: i32,
}

/// The number of the calling thread.
pub fn here() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// All threads that exist now, the calling one first, forked processes last.
pub fn all() -> Vec<Thread> {
    let own = tasks("self");
    let children = own.iter().flat_map(|id| children(*id));
    let forked =
        children.flat_map(|process| tasks(&process.to_string())).map(|id| Thread { forked: true, id });
    let mut threads: Vec<Thread> =
        own.iter().map(|id| Thread { forked: false, id: *id }).chain(forked).collect();
    let leader = here();
    threads.sort_unstable_by_key(|thread| (thread.id != leader, *thread));
    threads
}

/// Threads by number with what they are to a case whose leader is the calling one, in order of their numbers.
pub fn roles(sampled: BTreeSet<u32>) -> Vec<(u32, String)> {
    let leader = here().cast_unsigned();
    let forked: BTreeSet<u32> = all().iter().filter(|t| t.forked).map(|t| t.id.cast_unsigned()).collect();
    let (mut followers, mut processes) = (1.., 1..);
    let next = |numbers: &mut RangeFrom<u32>| numbers.next().expect("numbers do not end");
    let mut role = |id| match (id == leader, forked.contains(&id)) {
        (true, _) => "leader".to_owned(),
        (_, true) => format!("process {}", next(&mut processes)),
        (_, false) => format!("follower {}", next(&mut followers)),
    };
    sampled.into_iter().map(|id| (id, role(id))).collect()
}

/// Whether this kernel tells the processes that a thread forked; where it does not, [`all`] has none of them.
pub fn tells_children() -> bool {
    Path::new("/proc/thread-self/children").exists()
}

fn tasks(process: &str) -> Vec<i32> {
    let entries = std::fs::read_dir(Path::new("/proc").join(process).join("task")).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn children(thread: i32) -> Vec<i32> {
    let listed = std::fs::read_to_string(format!("/proc/self/task/{thread}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Lets the calling thread run anywhere but on the CPUs to which one of the threads is pinned, if there is another.
pub fn keep_away_from(threads: &[Thread]) {
    let mut anywhere = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|cpu| anywhere.set(cpu));
    let mut elsewhere = anywhere;
    for mask in threads.iter().filter_map(|thread| sched_getaffinity(Pid::from_raw(thread.id)).ok()) {
        let pinned = (mask.count() == 1).then(|| (0..CpuSet::MAX_CPU).find(|cpu| mask.is_set(*cpu)));
        pinned.flatten().into_iter().for_each(|cpu| elsewhere.unset(cpu));
    }
    // The kernel refuses a mask without a CPU that this process may use, and then any one will do.
    let _ = sched_setaffinity(None, &elsewhere).or_else(|_| sched_setaffinity(None, &anywhere));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calling_thread_comes_first_and_others_are_listed() {
        let (told, id) = std::sync::mpsc::channel();
        let (stay, stayed) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                told.send(here()).unwrap();
                let _ = stayed.recv();
            });
            let other = id.recv().unwrap();
            let threads = all();
            drop(stay);
            assert_eq!(threads[0], Thread { forked: false, id: here() });
            assert!(threads[1..].contains(&Thread { forked: false, id: other }));
        });
    }
}
