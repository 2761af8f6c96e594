//! The keys of `[profile.NAME.sampling]`.

use serde::Deserialize;

/// The settings of `profile` beside those that it shares with `run`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sampling {
    /// How long to sample: `"5s"`.
    pub time: Option<String>,
    /// Samples in a second of each thread's running time.
    pub hz: Option<f64>,
    /// How callers are found: `"dwarf"`.
    pub unwind: Option<String>,
    /// What makes the samples: `"cpu-clock"`.
    pub clock: Option<String>,
    /// Outputs: `["html=profile.html"]`.
    pub output: Option<Vec<String>>,
}

impl Sampling {
    /// These, and where there is none, those of another profile.
    pub fn or(self, base: Sampling) -> Sampling {
        Sampling {
            time: self.time.or(base.time),
            hz: self.hz.or(base.hz),
            unwind: self.unwind.or(base.unwind),
            clock: self.clock.or(base.clock),
            output: self.output.or(base.output),
        }
    }
}
