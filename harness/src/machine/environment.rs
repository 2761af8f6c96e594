//! The state of the machine's knobs and neighbours before and after a run: each yes / no / unknown with its effect,
//! and a grade.

use serde::{Deserialize, Serialize};

/// All checks and the grade that follows from them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// `A` (quiet, fixed clock) to `D` (absolute figures mean little).
    pub grade: char,
    /// The checks.
    pub checks: Vec<EnvironmentCheck>,
}

/// One knob or condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentCheck {
    /// Name: `governor`.
    pub name: String,
    /// Value found, or `unknown`.
    pub value: String,
    /// Whether it is as measurements want it; none where unknown.
    pub good: Option<bool>,
    /// What it does to results.
    pub effect: String,
    /// The one command that mends it, where there is one.
    pub remedy: Option<String>,
}

impl Environment {
    /// No knobs: a scripted run.
    pub fn scripted() -> Self {
        Self { grade: 'A', checks: vec![] }
    }
}
