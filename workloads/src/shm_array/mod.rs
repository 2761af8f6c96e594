//! Arrays in shared memory (document 003): table, contract, check and what is timed, beside a slice of this process.

pub mod local_slice;
pub mod mapped;

use perfbench_harness::case::{Case, solo};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{
    Bound, Broken, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload, ensure,
};

/// Elements of an array that is timed: they fit the smallest first-level caches.
const ELEMENTS: usize = 2048;

/// The arrays.
pub static WORKLOAD: Workload = Workload {
    name: "shm_array",
    about: "Is reading an array in shared memory as fast as reading a slice of one's own?",
    source: "003",
    points: &[
        Point {
            name: "read",
            about: "read one u64 of 2,048, the index checked, in a random order",
            unit_of_work: "read",
            size: ELEMENTS as u64,
            cpus: 1,
            bound: Ok(Bound {
                limit: "clock_add",
                times: 1.0,
                why: "each read is folded into the sum of all before it",
            }),
            latency: false,
            suite: Suite::Default,
        },
        Point {
            name: "scan",
            about: "add up all 2,048",
            unit_of_work: "scan",
            size: ELEMENTS as u64,
            cpus: 1,
            bound: Err("how many elements an addition takes is the compiler's choice"),
            latency: false,
            suite: Suite::Full,
        },
    ],
    variants: &[
        variant::<local_slice::LocalSlice>("local_slice", local_slice::ABOUT, Role::Baseline),
        variant::<mapped::Mapped>("mapped", mapped::ABOUT, Role::Documented),
    ],
};

/// The contract: a fixed number of elements, each read or written whole.
pub trait Array: Sized + 'static {
    /// An array of zeros.
    ///
    /// # Errors
    /// What the kernel refused.
    fn zeros(len: usize) -> Result<Self, Unavailable>;

    /// The element, or none behind the end.
    fn get(&self, index: usize) -> Option<u64>;

    /// Replaces an element; whether there is one.
    fn set(&mut self, index: usize, value: u64) -> bool;

    /// The sum of all, wrapping.
    fn sum(&self) -> u64;
}

const fn variant<A: Array>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let suite = Suite::Default;
    Variant { name, about, role, suite, needs: Isa::NONE, build: build::<A>, check: |_| check::<A>() }
}

fn build<A: Array>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let mut array = A::zeros(ELEMENTS)?;
    let mut random = Random::new(setup.seed);
    (0..ELEMENTS).for_each(|index| _ = array.set(index, random.bits()));
    let asked: Vec<u16> = (0..ELEMENTS).map(|_| random.below(ELEMENTS as u64) as u16).collect();
    Ok(match setup.point.name {
        "read" => solo(move |i: u64| {
            let index = asked[i as usize % ELEMENTS];
            array.get(usize::from(index)).unwrap_or(0)
        }),
        _ => solo(move |_| array.sum()),
    })
}

/// The one check of this workload: the array beside a vector.
///
/// # Errors
/// The first difference.
pub fn check<A: Array>() -> Result<(), Broken> {
    for len in [0, 1, 7, 8, 9, 511, 512, 513, ELEMENTS] {
        follows_a_vector::<A>(len)?;
    }
    Ok(())
}

fn follows_a_vector<A: Array>(len: usize) -> Result<(), Broken> {
    let mut array = A::zeros(len).map_err(|refusal| Broken(refusal.to_string()))?;
    let (mut oracle, mut random) = (vec![0u64; len], Random::new(len as u64));
    for _ in 0..2 * len + 4 {
        let (index, value) = (random.below(len as u64 + 2) as usize, random.bits());
        let inside = oracle.get_mut(index).map(|element| *element = value).is_some();
        ensure!(array.set(index, value) == inside, "setting {index} of {len}: inside is {inside}");
    }
    for index in 0..len + 2 {
        let (found, expected) = (array.get(index), oracle.get(index).copied());
        ensure!(found == expected, "element {index} of {len} is {found:?}, expected {expected:?}");
    }
    let expected = oracle.iter().fold(0u64, |sum, value| sum.wrapping_add(*value));
    ensure!(array.sum() == expected, "{len} elements add up to {}, expected {expected}", array.sum());
    Ok(())
}

#[cfg(all(test, not(miri)))]
mod tests;
