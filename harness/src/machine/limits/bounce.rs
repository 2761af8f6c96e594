//! Core to core: the line bounce of the case machinery itself, between the first two CPUs.

use super::steps::quartiles;
use super::{Bench, Found};
use crate::case::{Bounce, pair};
use crate::unavailable::{Reason, Unavailable};

/// Probes taken; each is 400 one-way trips.
const PROBES: usize = 60;

pub fn line_bounce(bench: &Bench) -> Result<Found, Unavailable> {
    let [first, second, ..] = *bench.cpus else {
        let detail = format!("needs 2 CPUs; the run may use {}", bench.cpus.len());
        return Err(Unavailable::new(Reason::TooFewCores, detail));
    };
    let mut case = pair([first, second], 1.0, |_| 0, |_| 0);
    let probes: Vec<f64> = (0..PROBES)
        .filter_map(|_| case.batch(1, bench.clock).bounce)
        .flat_map(|bounce| [bounce.before_ns, bounce.after_ns])
        .collect();
    Ok(summary(&probes, [first, second]))
}

/// The commoner class of near and far; the other is counted in the note, never mixed in.
fn summary(probes: &[f64], cpus: [usize; 2]) -> Found {
    let (far, near): (Vec<f64>, Vec<f64>) = probes.iter().partition(|ns| **ns > Bounce::FAR_NS);
    let (class, kept) = if near.len() >= far.len() { ("near", &near) } else { ("far", &far) };
    let note = format!(
        "CPUs {} and {}: {class} in {} of {} probes, quartiles shown",
        cpus[0],
        cpus[1],
        kept.len(),
        probes.len()
    );
    Found::new(quartiles(kept)).noted(note)
}
