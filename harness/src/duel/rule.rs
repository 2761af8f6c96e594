//! The sequential rule that decides on two builds from the block ratios of their launches. Pure: when to look, what is
//! seen, and what follows from it; nothing here starts a process.

use serde::{Deserialize, Serialize};

/// When to look at the launches so far, and what is then called slower or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The slowdown that is to be found, as a share: 0.02. All thresholds are shares of it.
    pub min_effect: f64,
    /// Numbers of launches after which it looks, ascending.
    pub looks: Vec<u32>,
    /// Blocks (ABBA, BAAB, ...) a launch.
    pub blocks: u32,
}

/// What was seen at one look, as log ratios of candidate over base.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Launches so far.
    pub launches: u32,
    /// Log ratio.
    pub estimate: f64,
    /// Lower bound that a verdict of slower must clear.
    pub low: f64,
    /// Upper bound that a pass must stay below.
    pub high: f64,
}

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The candidate is slower by more than is tolerated.
    Slower,
    /// The candidate is faster by as much.
    Faster,
    /// A slowdown of the size that is looked for is excluded.
    Same,
    /// The launches differ too much to say.
    Unresolved,
}
