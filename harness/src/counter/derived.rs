//! Metrics that are computed from counts: shares, rates and sums, by formulas that are data. Only counts of one provenance
//! are put together, and divided only what one pass counted; the table of raw events keeps it in one.

use crate::record::{Count, Provenance};
use std::collections::BTreeSet;

/// A sum of counts with their weights.
type Sum = &'static [(f64, &'static str)];

/// A formula: a sum of counts over another, or a sum alone.
#[derive(Debug)]
pub struct Ratio {
    /// Name of the metric, with the level it speaks of.
    pub name: &'static str,
    over: Sum,
    under: Sum,
}

const fn ratio(name: &'static str, over: Sum, under: Sum) -> Ratio {
    Ratio { name, over, under }
}

const fn sum(name: &'static str, of: Sum) -> Ratio {
    Ratio { name, over: of, under: &[] }
}

/// Slots that this thread was given since Zen 4 and on Neoverse: filled, or left empty on its own account.
const GIVEN: Sum = &[(1.0, "dispatched_ops"), (1.0, "frontend_stall_slots"), (1.0, "backend_stall_slots")];
const SLOTS: Sum = &[(1.0, "slots")];
/// Slots of cores that issue four operations a cycle.
const FOUR_WIDE: Sum = &[(4.0, "cycles")];
const INSTRUCTIONS: Sum = &[(1.0, "instructions")];

/// Every formula. Where two have one name, the first whose counts are there is used.
#[rustfmt::skip]
pub static RATIOS: &[Ratio] = &[
    ratio("instructions_per_cycle", &[(1.0, "instructions")], &[(1.0, "cycles")]),
    ratio("branch_miss_share", &[(1.0, "branch_misses")], &[(1.0, "branches")]),
    ratio("l1d_miss_share", &[(1.0, "l1d_misses")], &[(1.0, "l1d_accesses")]),
    ratio("l1d_load_miss_share", &[(1.0, "l1d_load_misses")], &[(1.0, "loads")]),
    ratio("l1d_load_miss_share", &[(1.0, "l1d_load_misses")], &[(1.0, "l1d_loads")]),
    ratio("l2_miss_share", &[(1.0, "l2_misses")], &[(1.0, "l2_requests")]),
    ratio("llc_miss_share", &[(1.0, "llc_misses")], &[(1.0, "llc_requests")]),
    ratio("llc_load_miss_share", &[(1.0, "llc_load_misses")], &[(1.0, "llc_loads")]),
    ratio("l1_dtlb_miss_share", &[(1.0, "l1_dtlb_misses")], &[(1.0, "l1_dtlb_accesses")]),
    ratio("branch_misses_per_1000_instructions", &[(1000.0, "branch_misses")], INSTRUCTIONS),
    ratio("l1d_misses_per_1000_instructions", &[(1000.0, "l1d_misses")], INSTRUCTIONS),
    ratio("l2_misses_per_1000_instructions", &[(1000.0, "l2_misses")], INSTRUCTIONS),
    ratio("llc_misses_per_1000_instructions", &[(1000.0, "llc_misses")], INSTRUCTIONS),
    ratio("dram_fills_per_1000_instructions", &[(1000.0, "dram_fills")], INSTRUCTIONS),
    ratio("dtlb_walks_per_1000_instructions", &[(1000.0, "dtlb_walks")], INSTRUCTIONS),
    ratio("dtlb_walks_per_1000_instructions", &[(1000.0, "dtlb_load_walks"), (1000.0, "dtlb_store_walks")], INSTRUCTIONS),
    sum("dtlb_walks", &[(1.0, "dtlb_load_walks"), (1.0, "dtlb_store_walks")]),
    ratio("retiring_share", &[(1.0, "retired_slots")], SLOTS),
    ratio("retiring_share", &[(1.0, "retired_ops")], GIVEN),
    ratio("retiring_share", &[(1.0, "retired_uops")], FOUR_WIDE),
    ratio("bad_speculation_share", &[(1.0, "slots"), (-1.0, "retired_slots"), (-1.0, "frontend_stall_slots"), (-1.0, "backend_stall_slots")], SLOTS),
    ratio("bad_speculation_share", &[(1.0, "dispatched_ops"), (-1.0, "retired_ops")], GIVEN),
    ratio("bad_speculation_share", &[(1.0, "issued_uops"), (-1.0, "retired_uops"), (4.0, "recovery_cycles")], FOUR_WIDE),
    ratio("frontend_share", &[(1.0, "frontend_stall_slots")], SLOTS),
    ratio("frontend_share", &[(1.0, "frontend_stall_slots")], GIVEN),
    ratio("frontend_share", &[(1.0, "undelivered_uops")], FOUR_WIDE),
    ratio("frontend_share", &[(1.0, "frontend_stall_cycles")], &[(1.0, "cycles")]),
    ratio("backend_share", &[(1.0, "backend_stall_slots")], SLOTS),
    ratio("backend_share", &[(1.0, "backend_stall_slots")], GIVEN),
    ratio("backend_share", &[(4.0, "cycles"), (-1.0, "undelivered_uops"), (-1.0, "issued_uops"), (-4.0, "recovery_cycles")], FOUR_WIDE),
    ratio("backend_share", &[(1.0, "backend_stall_cycles")], &[(1.0, "cycles")]),
    sum("dram_read_bytes", &[(64.0, "dram_read_lines")]),
    sum("dram_write_bytes", &[(64.0, "dram_write_lines")]),
    sum("dram_bytes", &[(64.0, "dram_read_lines"), (64.0, "dram_write_lines")]),
    sum("dram_bytes", &[
        (64.0, "dram_lines_channel_0"), (64.0, "dram_lines_channel_1"), (64.0, "dram_lines_channel_2"), (64.0, "dram_lines_channel_3"),
        (64.0, "dram_lines_channel_4"), (64.0, "dram_lines_channel_5"), (64.0, "dram_lines_channel_6"), (64.0, "dram_lines_channel_7"),
    ]),
];

/// What every pass counts again: kernels name these two alike on every CPU, so that they may stand beside raw events.
const ANCHORS: &[&str] = &["cycles", "instructions"];

impl Ratio {
    /// Names of the counts that it is made of.
    pub fn counts(&self) -> impl Iterator<Item = &'static str> {
        self.over.iter().chain(self.under).map(|(_, name)| *name)
    }

    /// Whether it is a sum of counts and so a count itself, rather than one count over another.
    pub fn is_sum(&self) -> bool {
        self.under.is_empty()
    }

    /// The formula in words.
    pub fn formula(&self) -> String {
        match self.is_sum() {
            true => words(self.over),
            false => format!("{} / {}", bracketed(self.over), bracketed(self.under)),
        }
    }

    /// The metric from these counts; none where one is absent, another pass's, or the divisor is nought. What takes
    /// something from a count takes it from the metric.
    fn of(&self, counts: &Pool<'_>) -> Option<Count> {
        let parts = self.counts().map(|name| counts.part(name)).collect::<Option<Vec<_>>>()?;
        if !self.is_sum() && !counts.are_of_one_pass(&parts) {
            return None;
        }
        let over = counts.total(self.over)?;
        let under = if self.is_sum() { Total::one(over.threads.len()) } else { counts.total(self.under)? };
        let threads: Option<Vec<_>> =
            over.threads.iter().zip(&under.threads).map(|(over, under)| quotient(*over, *under)).collect();
        let (name, value) = (format!("{}{}", self.name, counts.suffix), quotient(over.all, under.all)?);
        let metric = Count {
            method: self.formula(),
            threads: threads.unwrap_or_default(),
            whole: !self.is_sum(),
            ..Count::new(&name, Ok(value), counts.provenance.clone())
        };
        let caveats: BTreeSet<_> = parts.iter().map(|part| part.caveat.as_str()).collect();
        Some(caveats.into_iter().fold(metric, Count::but))
    }
}

fn words(sum: Sum) -> String {
    let mut words = String::new();
    for (position, (weight, name)) in sum.iter().enumerate() {
        words += match (position, *weight < 0.0) {
            (0, false) => "",
            (_, false) => " + ",
            (_, true) => " - ",
        };
        words += &if weight.abs() == 1.0 { name.to_string() } else { format!("{} x {name}", weight.abs()) };
    }
    words
}

fn bracketed(sum: Sum) -> String {
    if sum.len() == 1 { words(sum) } else { format!("({})", words(sum)) }
}

/// A sum over all threads together and by thread.
struct Total {
    all: f64,
    threads: Vec<f64>,
}

impl Total {
    fn one(threads: usize) -> Self {
        Self { all: 1.0, threads: vec![1.0; threads] }
    }
}

/// A part of a whole; what rounding took below nought is nought.
fn quotient(over: f64, under: f64) -> Option<f64> {
    (under > 0.0).then(|| (over / under).max(0.0))
}

/// Counts that may be put together: those of one provenance, and the anchors of a hardware counter's other passes.
struct Pool<'a> {
    counts: &'a [Count],
    provenance: &'a Provenance,
    suffix: &'static str,
}

impl<'a> Pool<'a> {
    /// Every metric that can be computed from the pool alone.
    fn metrics(&self) -> Vec<Count> {
        let mut metrics: Vec<Count> = Vec::new();
        for ratio in RATIOS.iter().filter(|ratio| ratio.counts().any(|name| self.own(name).is_some())) {
            let known = |metric: &Count| metrics.iter().any(|other| other.name == metric.name);
            let metric = ratio.of(self).filter(|metric| self.own(ratio.name).is_none() && !known(metric));
            metrics.extend(metric);
        }
        metrics
    }

    /// A sum of counts; by thread where each of them is.
    fn total(&self, sum: Sum) -> Option<Total> {
        let mut total = Total { all: 0.0, threads: Vec::new() };
        for (position, (weight, name)) in sum.iter().enumerate() {
            let count = self.part(name)?;
            total.all += weight * count.per_op.as_ref().ok()?;
            let threads = count.threads.iter().map(|value| weight * value);
            total.threads = match position {
                0 => threads.collect(),
                _ => total.threads.iter().zip(threads).map(|(sum, value)| sum + value).collect(),
            };
        }
        Some(total)
    }

    fn part(&self, name: &str) -> Option<&'a Count> {
        self.own(name).or_else(|| self.anchor(name))
    }

    /// Whether one pass counted them, but for the anchor.
    fn are_of_one_pass(&self, parts: &[&Count]) -> bool {
        let is_anchor = |part: &Count| ANCHORS.contains(&part.name.trim_end_matches(self.suffix));
        let mut passes = parts.iter().filter(|part| !is_anchor(part)).map(|part| part.pass);
        let first = passes.next();
        passes.all(|pass| Some(pass) == first)
    }

    fn own(&self, name: &str) -> Option<&'a Count> {
        self.named(name).find(|count| count.provenance == *self.provenance && !count.whole)
    }

    fn anchor(&self, name: &str) -> Option<&'a Count> {
        let exact = |count: &&Count| matches!(count.provenance, Provenance::HwRaw | Provenance::HwGeneric);
        let may = ANCHORS.contains(&name) && is_hardware(self.provenance);
        self.named(name).find(exact).filter(|_| may)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a Count> {
        self.counts.iter().filter(|count| count.name.strip_suffix(self.suffix) == Some(name))
    }
}

fn is_hardware(provenance: &Provenance) -> bool {
    matches!(provenance, Provenance::HwRaw | Provenance::HwGeneric | Provenance::HwScaled(_))
}

/// The counts, and after them every metric that can be computed from them.
pub fn with_derived(mut counts: Vec<Count>) -> Vec<Count> {
    let mut provenances: Vec<&Provenance> = Vec::new();
    for count in counts.iter().filter(|count| count.per_op.is_ok()) {
        if !provenances.contains(&&count.provenance) {
            provenances.push(&count.provenance);
        }
    }
    let pool = |provenance, suffix| Pool { counts: &counts, provenance, suffix };
    let metrics: Vec<_> = provenances
        .into_iter()
        .flat_map(|p| ["", ":u"].map(|suffix| pool(p, suffix).metrics()))
        .flatten()
        .collect();
    counts.extend(metrics);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unavailable::{Reason, Unavailable};

    fn raw(name: &str, per_op: f64) -> Count {
        Count::new(name, Ok(per_op), Provenance::HwRaw)
    }

    fn of(provenance: Provenance, count: Count) -> Count {
        Count { provenance, ..count }
    }

    /// What is added to some counts.
    fn derived(counts: &[Count]) -> Vec<Count> {
        with_derived(counts.to_vec()).split_off(counts.len())
    }

    fn value(counts: &[Count], name: &str) -> Option<f64> {
        counts.iter().find(|count| count.name == name)?.per_op.clone().ok()
    }

    #[test]
    fn a_share_names_its_level_and_tells_its_formula() {
        let found = derived(&[raw("l1d_accesses", 40.0), raw("l1d_misses", 3.0)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), &found[0].per_op), ("l1d_miss_share", &Ok(0.075)));
        assert_eq!(found[0].method, "l1d_misses / l1d_accesses");
        assert_eq!(found[0].provenance, Provenance::HwRaw);
    }

    #[test]
    fn nothing_is_made_of_counts_of_two_provenances() {
        let simulated = Provenance::Simulated("zen5-desktop".into());
        let misses = of(simulated.clone(), raw("l1d_misses", 3.0));
        assert_eq!(derived(&[raw("l1d_accesses", 40.0), misses.clone()]), []);
        assert_eq!(derived(&[raw("instructions", 100.0), misses.clone()]), []);
        let instructions = of(simulated, raw("instructions", 100.0));
        assert_eq!(value(&derived(&[instructions, misses]), "l1d_misses_per_1000_instructions"), Some(30.0));
    }

    #[test]
    fn each_geometry_is_put_together_with_itself() {
        let of_machine = |name: &str, misses| {
            let simulated = Provenance::Simulated(name.into());
            [("l2_requests", 10.0), ("l2_misses", misses)].map(|(n, v)| of(simulated.clone(), raw(n, v)))
        };
        let found = derived(&[of_machine("small", 5.0), of_machine("large", 1.0)].concat());
        let told: Vec<_> =
            found.iter().map(|count| (&count.provenance, count.per_op.clone().unwrap())).collect();
        let [small, large] = ["small", "large"].map(|name| Provenance::Simulated(name.into()));
        assert_eq!(told, [(&small, 0.5), (&large, 0.1)]);
    }

    #[test]
    fn raw_events_may_be_told_per_1000_of_the_kernels_generic_instructions() {
        let instructions = of(Provenance::HwGeneric, raw("instructions", 200.0));
        let found = derived(&[instructions.clone(), raw("llc_misses", 1.0)]);
        assert_eq!(value(&found, "llc_misses_per_1000_instructions"), Some(5.0));
        assert_eq!(found[0].provenance, Provenance::HwRaw);
        let scaled = of(Provenance::HwScaled(0.5), raw("llc_misses", 1.0));
        assert_eq!(derived(&[instructions, scaled])[0].provenance, Provenance::HwScaled(0.5));
    }

    #[test]
    fn counts_of_two_passes_are_not_divided_unless_one_is_the_anchor() {
        let in_pass = |pass, name: &str| Count { pass, ..raw(name, 4.0) };
        assert_eq!(derived(&[in_pass(1, "l2_requests"), in_pass(2, "l2_misses")]), []);
        assert_eq!(derived(&[in_pass(2, "l2_requests"), in_pass(2, "l2_misses")]).len(), 1);
        let found = derived(&[in_pass(1, "instructions"), in_pass(2, "l2_misses")]);
        assert_eq!(value(&found, "l2_misses_per_1000_instructions"), Some(1000.0));
        let channels = derived(&[in_pass(1, "dram_read_lines"), in_pass(2, "dram_write_lines")]);
        assert_eq!(value(&channels, "dram_bytes"), Some(512.0));
    }

    #[test]
    fn what_takes_something_from_a_count_is_said_of_the_metric_once() {
        let shared = |name| raw(name, 4.0).but("its pass shared the counters");
        let found = derived(&[shared("l2_requests"), shared("l2_misses")]);
        assert_eq!(found[0].method, "l2_misses / l2_requests, its pass shared the counters");
        assert_eq!(found[0].caveat, "its pass shared the counters");
    }

    #[test]
    fn counts_that_were_scaled_by_different_shares_are_not_divided() {
        let scaled = |share, name: &str| of(Provenance::HwScaled(share), raw(name, 1.0));
        assert_eq!(derived(&[scaled(0.5, "branches"), scaled(0.4, "branch_misses")]), []);
        assert_eq!(derived(&[scaled(0.5, "branches"), scaled(0.5, "branch_misses")]).len(), 1);
    }

    #[test]
    fn what_counts_user_mode_only_is_divided_by_the_same_and_says_so() {
        let found = derived(&[raw("cycles:u", 10.0), raw("instructions:u", 25.0), raw("cycles", 99.0)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), &found[0].per_op), ("instructions_per_cycle:u", &Ok(2.5)));
    }

    #[test]
    fn an_absent_count_or_a_divisor_of_nought_gives_no_metric() {
        let absent = Count::new(
            "branches",
            Err(Unavailable::new(Reason::InUse, "not counted")),
            Provenance::Unavailable,
        );
        assert_eq!(derived(&[absent, raw("branch_misses", 1.0)]), []);
        assert_eq!(derived(&[raw("branches", 0.0), raw("branch_misses", 0.0)]), []);
    }

    #[test]
    fn threads_get_their_own_shares_where_each_was_counted() {
        let by_thread =
            |name, threads: &[f64]| Count { threads: threads.into(), ..raw(name, threads.iter().sum()) };
        let found = derived(&[by_thread("cycles", &[10.0, 20.0]), by_thread("instructions", &[30.0, 10.0])]);
        assert_eq!(found[0].threads, [3.0, 0.5]);
        let idle = derived(&[by_thread("cycles", &[10.0, 0.0]), by_thread("instructions", &[30.0, 0.0])]);
        assert_eq!((&found[0].per_op, idle[0].threads.len()), (&Ok(40.0 / 30.0), 0));
    }

    #[test]
    fn the_four_shares_of_the_slots_make_one() {
        let families: [&[(&str, f64)]; 3] = [
            &[
                ("slots", 60.0),
                ("retired_slots", 30.0),
                ("frontend_stall_slots", 6.0),
                ("backend_stall_slots", 18.0),
            ],
            &[
                ("retired_ops", 30.0),
                ("dispatched_ops", 36.0),
                ("frontend_stall_slots", 6.0),
                ("backend_stall_slots", 18.0),
            ],
            &[
                ("cycles", 15.0),
                ("retired_uops", 30.0),
                ("issued_uops", 34.0),
                ("undelivered_uops", 6.0),
                ("recovery_cycles", 0.5),
            ],
        ];
        for counts in families {
            let counts: Vec<_> = counts.iter().map(|(name, value)| raw(name, *value)).collect();
            let found = derived(&counts);
            let shares = ["retiring_share", "bad_speculation_share", "frontend_share", "backend_share"];
            let sum: f64 = shares.iter().map(|name| value(&found, name).expect(name)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn only_one_formula_of_a_name_is_used() {
        let counts = [
            "slots",
            "retired_slots",
            "frontend_stall_slots",
            "backend_stall_slots",
            "dispatched_ops",
            "cycles",
        ];
        let found = derived(&counts.map(|name| raw(name, 8.0)));
        let methods: Vec<_> =
            found.iter().filter(|c| c.name == "frontend_share").map(|c| &c.method).collect();
        assert_eq!(methods, ["frontend_stall_slots / slots"]);
    }

    #[test]
    fn lines_of_memory_are_bytes_and_page_walks_are_added_up() {
        let found = derived(&[raw("dram_read_lines", 2.0), raw("dram_write_lines", 1.0)]);
        assert_eq!(value(&found, "dram_bytes"), Some(192.0));
        let walks = derived(&[raw("dtlb_load_walks", 2.0), raw("dtlb_store_walks", 1.0)]);
        assert_eq!(
            (walks[0].method.as_str(), &walks[0].per_op),
            ("dtlb_load_walks + dtlb_store_walks", &Ok(3.0))
        );
    }

    #[test]
    fn a_share_stays_what_it_is_however_many_units_an_operation_has() {
        let of = |counts: &[Count]| derived(counts).swap_remove(0).each(2.0).per_op;
        assert_eq!(of(&[raw("cycles", 10.0), raw("instructions", 25.0)]), Ok(2.5));
        assert_eq!(of(&[raw("dram_read_lines", 1.0)]), Ok(32.0));
    }
}
