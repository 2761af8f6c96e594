//! Core to core: the line bounce of the case machinery itself, between every two of the CPUs in use.

use super::repeat::Gauge;
use super::{Bench, Found, Way};
use crate::case::pair;
use crate::case::placement::is_far;
use crate::machine::probe::Pinned;
use crate::record::CorePair;
use crate::stats::interval::median;
use crate::unavailable::{Reason, Unavailable};

/// Most CPUs of which all pairs are measured; of more, so many lie evenly among them.
const CPUS_MOST: usize = 64;

/// Time for all visits to all pairs together. The first two go on, whatever they take: one for each direction.
const TIME_NS: f64 = 2.5e9;

/// Batches of one visit to a pair, with two probes each: more where the pairs are few.
const BATCHES: [usize; 2] = [2, 8];
const FEW_PAIRS: usize = 16;

pub fn line_bounce(bench: &Bench) -> Result<Way, Unavailable> {
    if bench.cpus.len() < 2 {
        let detail = format!("needs 2 CPUs; the run may use {}", bench.cpus.len());
        return Err(Unavailable::new(Reason::TooFewCores, detail));
    }
    let visits =
        pairs(&sample(bench.cpus)).into_iter().map(|cpus| Visits { cpus, one_way_ns: [vec![], vec![]] });
    Ok(Way::visits(Matrix { pairs: visits.collect(), spent_ns: 0.0, passes: 0 }))
}

/// At most [`CPUS_MOST`] of the CPUs, evenly; the first two are among them, because they are the ones that cases use.
fn sample(cpus: &[usize]) -> Vec<usize> {
    let count = cpus.len().min(CPUS_MOST);
    let rest = (2..count).map(|at| cpus[2 + (at - 2) * (cpus.len() - 2) / (count - 2)]);
    cpus[..2].iter().copied().chain(rest).collect()
}

fn pairs(cpus: &[usize]) -> Vec<[usize; 2]> {
    let with = |(at, first): (usize, &usize)| {
        cpus[at + 1..].iter().map(|second| [*first, *second]).collect::<Vec<_>>()
    };
    cpus.iter().enumerate().flat_map(with).collect()
}

/// All pairs and what their visits found. Virtual cores wander: each visit is an episode of its own.
struct Matrix {
    pairs: Vec<Visits>,
    spent_ns: f64,
    passes: usize,
}

/// One pair: the one-way times of its visits, led by its first CPU and by its second.
struct Visits {
    cpus: [usize; 2],
    one_way_ns: [Vec<f64>; 2],
}

impl Gauge for Matrix {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let pass_ns = self.spent_ns / self.passes.max(1) as f64;
        if self.passes < 2 || self.spent_ns + pass_ns <= TIME_NS {
            let start_ns = bench.clock.now_ns();
            let batches = if self.pairs.len() <= FEW_PAIRS { BATCHES[1] } else { BATCHES[0] };
            let direction = self.passes % 2;
            self.pairs.iter_mut().for_each(|pair| pair.visit(direction, batches, bench));
            self.spent_ns += bench.clock.now_ns() - start_ns;
            self.passes += 1;
        }
        Ok(*self.pairs[0].all().last().expect("the first passes are always made"))
    }

    fn found(&self, _: &[f64]) -> Found {
        let first = &self.pairs[0];
        let pairs: Vec<CorePair> = self.pairs.iter().map(Visits::summary).collect();
        let note = format!("{}; {}", first.note(), ways(&pairs));
        Found { pairs, ..Found::of(&first.kept()).noted(note) }
    }
}

impl Visits {
    fn visit(&mut self, direction: usize, batches: usize, bench: &Bench) {
        let [lead, follow] = [self.cpus[direction], self.cpus[1 - direction]];
        let _pinned = Pinned::to(lead);
        let mut case = pair([lead, follow], 1.0, |_| 0, |_| 0);
        let probes = (0..batches).filter_map(|_| case.batch(1, bench.clock).bounce);
        let ns: Vec<f64> = probes.flat_map(|bounce| [bounce.before_ns, bounce.after_ns]).collect();
        self.one_way_ns[direction].push(median(&ns));
    }

    /// Visits in the order in which they were made.
    fn all(&self) -> Vec<f64> {
        let [led, followed] = &self.one_way_ns;
        let second = followed.iter().map(Some).chain(std::iter::repeat(None));
        led.iter().zip(second).flat_map(|(first, second)| [Some(first), second]).flatten().copied().collect()
    }

    /// The nearest visit, beside which others are far.
    fn nearest_ns(&self) -> f64 {
        self.all().into_iter().fold(f64::INFINITY, f64::min)
    }

    fn far_visits(&self) -> usize {
        let nearest_ns = self.nearest_ns();
        self.all().iter().filter(|ns| is_far(**ns, nearest_ns)).count()
    }

    /// Whether far is the commoner class.
    fn is_far(&self) -> bool {
        2 * self.far_visits() > self.all().len()
    }

    /// The visits of the commoner class; the others are counted, never mixed in.
    fn kept(&self) -> Vec<f64> {
        let mut kept = self.all();
        kept.retain(|ns| is_far(*ns, self.nearest_ns()) == self.is_far());
        kept
    }

    fn summary(&self) -> CorePair {
        let far_visits = self.far_visits() as u32;
        let (class, nearest_ns) = (self.is_far(), self.nearest_ns());
        let of_direction = |visits: &Vec<f64>| {
            let kept: Vec<f64> =
                visits.iter().copied().filter(|ns| is_far(*ns, nearest_ns) == class).collect();
            median(if kept.is_empty() { visits } else { &kept })
        };
        let one_way_ns = self.one_way_ns.each_ref().map(of_direction);
        CorePair {
            cpus: self.cpus,
            one_way_ns,
            near_visits: self.all().len() as u32 - far_visits,
            far_visits,
        }
    }

    fn note(&self) -> String {
        let (class, kept, all) =
            (if self.is_far() { "far" } else { "near" }, self.kept().len(), self.all().len());
        format!("CPUs {} and {}: {class} in {kept} of {all} visits", self.cpus[0], self.cpus[1])
    }
}

/// The two ways of one pair, or the extremes of many.
fn ways(pairs: &[CorePair]) -> String {
    if let [CorePair { cpus: [first, second], one_way_ns: [led, followed], .. }] = pairs {
        return format!("{led:.1} ns led by CPU {first}, {followed:.1} ns led by CPU {second}");
    }
    let ns = || pairs.iter().flat_map(|pair| pair.one_way_ns);
    let (least, most) = (ns().fold(f64::INFINITY, f64::min), ns().fold(0.0, f64::max));
    let far = pairs.iter().filter(|pair| pair.is_far()).count();
    format!("{least:.1} to {most:.1} ns over {} pairs, {far} of them far", pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pairs_of_few_cpus_and_of_an_even_sample_of_many() {
        assert_eq!(pairs(&sample(&[0, 1])), [[0, 1]]);
        assert_eq!(pairs(&sample(&[4, 6, 9])), [[4, 6], [4, 9], [6, 9]]);
        let many = sample(&(0..256).collect::<Vec<_>>());
        assert_eq!((many.len(), many[0], many[1]), (CPUS_MOST, 0, 1));
        assert!(many.is_sorted() && many[CPUS_MOST - 1] > 248);
    }

    #[test]
    fn the_rarer_class_is_counted_and_not_mixed_in() {
        let visits = Visits { cpus: [0, 1], one_way_ns: [vec![30.0, 240.0, 32.0], vec![34.0, 250.0]] };
        let CorePair { one_way_ns, near_visits, far_visits, .. } = visits.summary();
        assert_eq!((one_way_ns, near_visits, far_visits), ([31.0, 34.0], 3, 2));
        assert_eq!(visits.kept(), [30.0, 34.0, 32.0]);
        assert_eq!(visits.note(), "CPUs 0 and 1: near in 3 of 5 visits");
        assert_eq!(ways(&[visits.summary()]), "31.0 ns led by CPU 0, 34.0 ns led by CPU 1");
    }
}
