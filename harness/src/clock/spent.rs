//! What a thread spends on a stretch of work: elapsed and CPU time, for facts that a body tells beside its row. No row's
//! own time is read here.

use std::time::{Duration, Instant};

/// The beginning of a stretch on the calling thread.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    begin: Instant,
    cpu: Duration,
}

impl Spent {
    /// Begins here and now.
    pub fn begin() -> Self {
        Self { begin: Instant::now(), cpu: cpu_time() }
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// CPU time that the thread has used since the beginning.
    pub fn cpu(&self) -> Duration {
        cpu_time().saturating_sub(self.cpu)
    }
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::opaque;

    #[test]
    fn a_thread_that_works_spends_cpu_time_and_no_more_than_has_passed() {
        let spent = Spent::begin();
        while spent.cpu() < Duration::from_millis(2) {
            opaque(1);
        }
        let cpu = spent.cpu();
        assert!(cpu <= spent.elapsed() + Duration::from_millis(1), "{cpu:?}");
    }
}
