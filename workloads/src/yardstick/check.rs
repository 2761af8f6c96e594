//! Holds every piece of work to the content that it states, by slow recomputation.

use super::{aead, chase, churn, compute, ring, sharing};
use perfbench_harness::case::Body;
use perfbench_harness::{Broken, Setup, ensure};

/// The one check of this workload: all pieces, whichever is about to be timed.
pub fn check(setup: &Setup<'_>) -> Result<(), Broken> {
    computes()?;
    chases(setup.seed)?;
    allocates(setup.seed)?;
    keeps_order()?;
    seals()?;
    counts()
}

fn computes() -> Result<(), Broken> {
    let mut expected = 5u128;
    for step in 0..u128::from(compute::STEPS) {
        expected = ((expected * 0x9e37_79b9_7f4a_7c15) % (1 << 64)) ^ step;
    }
    let found = compute::Compute.op(5);
    ensure!(u128::from(found) == expected, "the chain from 5 ends at {found}, not {expected}");
    Ok(())
}

fn chases(seed: u64) -> Result<(), Broken> {
    let length = chase::Chase::new(seed).cycle_length();
    let lines = chase::SIZE_BYTES / 64;
    ensure!(length == lines, "the chase comes back after {length} of {lines} lines");
    Ok(())
}

fn allocates(seed: u64) -> Result<(), Broken> {
    let (mut one, mut other) = (churn::Churn::new(seed), churn::Churn::new(seed));
    let (first, second) = (one.op(0), other.op(1));
    let least = 16 * churn::ALLOCATIONS as u64;
    ensure!(first == second && first >= least, "two like operations allocated {first} and {second} bytes");
    Ok(())
}

fn keeps_order() -> Result<(), Broken> {
    let mut ring = ring::Ring::new().map_err(|refused| Broken(refused.to_string()))?;
    let expected = (0..ring::ITEMS).fold(0u64, |sum, item| sum.wrapping_mul(3).wrapping_add(9 ^ item));
    let found = ring.op(9);
    ensure!(found == expected, "items through the ring fold to {found}, not {expected}");
    Ok(())
}

fn seals() -> Result<(), Broken> {
    let mut pair =
        [aead::Seals::new(), aead::Seals::new()].map(|seals| seals.map_err(|e| Broken(e.to_string())));
    let [Ok(one), Ok(other)] = &mut pair else { return Err(Broken("no level of AES-GCM runs here".into())) };
    let (first, second) = (one.op(0), other.op(0));
    ensure!(first == second && first != one.op(1), "like messages sealed to {first} and {second}");
    Ok(())
}

fn counts() -> Result<(), Broken> {
    let [mut owner, _] = sharing::owners();
    let last = owner.op(0);
    ensure!(last == sharing::UPDATES - 1, "the last of {} updates found {last}", sharing::UPDATES);
    Ok(())
}
