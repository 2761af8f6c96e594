//! What a pool counts, and the thresholds of document 000 at which somebody is told. Each pool counts for itself.

use std::time::Duration;

/// What a pool counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Takes, refused ones included.
    pub takes: u64,
    /// Takes served by a kept object.
    pub hits: u64,
    /// Takes for which the factory made one.
    pub misses: u64,
    /// Objects alive now, idle and on loan.
    pub size: usize,
    /// The most that were ever alive at once.
    pub high_water: usize,
}

impl Statistics {
    /// Hits in percent of all takes; none before the first.
    pub fn hit_rate_percent(&self) -> Option<f64> {
        (self.takes > 0).then(|| 100.0 * self.hits as f64 / self.takes as f64)
    }

    pub(super) fn resized(&mut self, size: usize) {
        self.size = size;
        self.high_water = self.high_water.max(size);
    }
}

/// A threshold that the statistics crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alert {
    /// Too few takes are hits.
    HitRate {
        /// The share reached.
        percent: f64,
    },
    /// Too many takes.
    TakeRate {
        /// The rate reached.
        takes_per_second: f64,
    },
}

/// Hit rates below this are reported.
pub const ALERT_HIT_RATE_PERCENT: f64 = 85.0;

/// Take rates above this are reported.
pub const ALERT_TAKES_PER_SECOND: f64 = 10_000.0;

/// The thresholds that a pool's statistics have crossed after `uptime`.
pub fn alerts(statistics: &Statistics, uptime: Duration) -> Vec<Alert> {
    let hit_rate = statistics.hit_rate_percent().filter(|percent| *percent < ALERT_HIT_RATE_PERCENT);
    let takes_per_second = statistics.takes as f64 / uptime.as_secs_f64();
    let take_rate = (takes_per_second > ALERT_TAKES_PER_SECOND).then_some(takes_per_second);
    let hit_rate = hit_rate.map(|percent| Alert::HitRate { percent });
    hit_rate
        .into_iter()
        .chain(take_rate.map(|takes_per_second| Alert::TakeRate { takes_per_second }))
        .collect()
}
