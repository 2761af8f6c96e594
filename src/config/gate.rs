//! The keys of `[profile.NAME.gate]`.

use serde::Deserialize;
use std::path::PathBuf;

/// The settings of `gate` beside those that it shares with `run`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateProfile {
    /// What to compare with: `"main"`.
    pub base: Option<String>,
    /// The smallest slowdown that is looked for: `"2%"`.
    pub min_effect: Option<String>,
    /// Chance of any false alarm in the whole suite.
    pub alpha: Option<f64>,
    /// What fails the gate: `"slower,target"`.
    pub fail_on: Option<String>,
    /// Whether an unresolved row fails it.
    pub strict: Option<bool>,
    /// File for the pull request's comment.
    pub comment: Option<PathBuf>,
    /// File for JUnit XML.
    pub junit: Option<PathBuf>,
}

impl GateProfile {
    /// These, and where there is none, those of another profile.
    pub fn or(self, base: GateProfile) -> GateProfile {
        GateProfile {
            base: self.base.or(base.base),
            min_effect: self.min_effect.or(base.min_effect),
            alpha: self.alpha.or(base.alpha),
            fail_on: self.fail_on.or(base.fail_on),
            strict: self.strict.or(base.strict),
            comment: self.comment.or(base.comment),
            junit: self.junit.or(base.junit),
        }
    }
}
