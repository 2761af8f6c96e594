//! What others take from this machine while something runs on it: time stolen by the hypervisor, and time in which some
//! task waited for a CPU.

use super::files::Roots;

/// Readings since boot; only the difference of two means anything. None where the kernel does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interference {
    /// Time that the hypervisor gave to others while this CPU had work, ms; in the kernel's ticks of 10 ms.
    pub stolen_ms: Option<f64>,
    /// Time in which some task of the whole machine waited for a CPU, ms.
    pub waited_ms: Option<f64>,
}

/// Length of a tick of `/proc/stat` (`USER_HZ` is 100 on every architecture that Linux still runs on), ms.
const TICK_MS: f64 = 10.0;

/// The readings now.
pub fn read(cpu: usize) -> Interference {
    read_at(&Roots::real(), cpu)
}

fn read_at(roots: &Roots, cpu: usize) -> Interference {
    Interference { stolen_ms: stolen_ms(roots, cpu), waited_ms: waited_ms(roots) }
}

fn stolen_ms(roots: &Roots, cpu: usize) -> Option<f64> {
    let stat = roots.proc("stat")?;
    let name = format!("cpu{cpu}");
    let mut words =
        stat.lines().map(str::split_whitespace).find(|words| words.clone().next() == Some(&name))?;
    Some(words.nth(8)?.parse::<f64>().ok()? * TICK_MS)
}

fn waited_ms(roots: &Roots) -> Option<f64> {
    let text = roots.proc("pressure/cpu")?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let total_us = some.split_whitespace().find_map(|word| word.strip_prefix("total="))?;
    Some(total_us.parse::<f64>().ok()? / 1000.0)
}

impl Interference {
    /// What was taken since an earlier reading.
    pub fn since(self, before: Self) -> Self {
        let difference = |after: Option<f64>, before: Option<f64>| Some((after? - before?).max(0.0));
        Self {
            stolen_ms: difference(self.stolen_ms, before.stolen_ms),
            waited_ms: difference(self.waited_ms, before.waited_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::fixture::tree;

    #[test]
    fn stolen_time_is_that_of_the_cpu_and_waiting_that_of_the_machine() {
        let tree = tree(&[
            ("proc/stat", "cpu  9 9 9 9 9 9 9 99 0 0\ncpu1 1 2 3 4 5 6 7 8 0 0\ncpu10 1 2 3 4 5 6 7 80 0 0"),
            (
                "proc/pressure/cpu",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500\nfull avg10=0.00 total=7",
            ),
        ]);
        let before = read_at(&tree.roots, 1);
        assert_eq!(before, Interference { stolen_ms: Some(80.0), waited_ms: Some(2.5) });
        tree.write("proc/pressure/cpu", "some avg10=1.00 total=4000");
        let taken = read_at(&tree.roots, 1).since(before);
        assert_eq!(taken, Interference { stolen_ms: Some(0.0), waited_ms: Some(1.5) });
    }

    #[test]
    fn a_kernel_that_does_not_say_leaves_none() {
        let nothing = read_at(&tree(&[]).roots, 0);
        assert_eq!(nothing.since(nothing), Interference::default());
    }
}
