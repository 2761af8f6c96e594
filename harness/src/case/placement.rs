//! Where the virtual cores of a case were: the line bounce around each batch, and what near and far mean in a run. Who
//! measures bounces is `control`.

use serde::{Deserialize, Serialize};

/// One-way cache-line bounce between the threads of a batch, which tells where the virtual cores were just then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounce {
    /// Right before the region.
    pub before_ns: f64,
    /// Right after it.
    pub after_ns: f64,
}

/// A bounce is far that takes more than so many times the nearest one seen. The nearest, because nothing but nearness
/// makes the mean of hundreds of trips short, while an interruption or a move during the probe makes it as long as it
/// likes: those fill every gap between the classes. Three, because near bounces of one machine were seen to differ by up
/// to 2.5 times (24-60 ns), and far ones to begin at six (152 ns over 22 ns).
const FAR_TIMES: f64 = 3.0;

impl Bounce {
    /// `n`ear, `f`ar, or `c`hanged in between, beside the nearest bounce seen.
    pub fn class(&self, nearest_ns: f64) -> char {
        match (is_far(self.before_ns, nearest_ns), is_far(self.after_ns, nearest_ns)) {
            (false, false) => 'n',
            (true, true) => 'f',
            _ => 'c',
        }
    }

    /// Mean of before and after, ns.
    pub fn mean_ns(&self) -> f64 {
        (self.before_ns + self.after_ns) / 2.0
    }
}

/// Whether a one-way bounce is far beside the nearest one seen.
pub fn is_far(one_way_ns: f64, nearest_ns: f64) -> bool {
    one_way_ns > FAR_TIMES * nearest_ns
}

/// The nearest of some bounces; infinite where there is none.
pub fn nearest_ns<'a>(bounces: impl IntoIterator<Item = &'a Bounce>) -> f64 {
    let both = bounces.into_iter().flat_map(|bounce| [bounce.before_ns, bounce.after_ns]);
    both.filter(|ns| *ns > 0.0).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: Bounce = Bounce { before_ns: 24.0, after_ns: 60.0 };
    const FAR: Bounce = Bounce { before_ns: 152.0, after_ns: 280.0 };
    const CHANGED: Bounce = Bounce { before_ns: 24.0, after_ns: 152.0 };

    #[test]
    fn what_is_far_is_far_beside_the_nearest_bounce_of_the_run() {
        let nearest_ns = nearest_ns(&[FAR, NEAR, CHANGED]);
        assert_eq!(nearest_ns, 24.0);
        assert_eq!([NEAR, FAR, CHANGED].map(|bounce| bounce.class(nearest_ns)), ['n', 'f', 'c']);
    }

    #[test]
    fn on_a_machine_with_one_distance_all_is_near_however_slow_it_is() {
        assert_eq!(FAR.class(nearest_ns(&[FAR])), 'n');
    }

    #[test]
    fn a_probe_that_gave_nothing_is_nobodys_nearest() {
        assert_eq!(nearest_ns(&[Bounce { before_ns: 0.0, after_ns: 30.0 }]), 30.0);
        assert_eq!(nearest_ns(&[]), f64::INFINITY);
    }
}
