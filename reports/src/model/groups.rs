//! Rows with their derived figures, group by group.

use super::{Figures, Group, LimitShare, Outcome, Placement, Row};
use crate::bound;
use perfbench_harness::record::{self, Measured, RunRecord, speedup};
use perfbench_harness::stats::Interval;

pub(super) fn groups(record: &RunRecord) -> Vec<Group> {
    record.groups().into_iter().map(|(name, rows)| group(record, name, &rows)).collect()
}

fn group(record: &RunRecord, name: String, rows: &[&record::Row]) -> Group {
    let base = rows.iter().find(|row| row.measured().is_some()).copied();
    Group {
        name,
        source: rows[0].source.clone(),
        unit_of_work: rows[0].unit_of_work.clone(),
        base: base.map(|row| row.variant.clone()),
        rows: rows.iter().map(|row| derive(record, row, base)).collect(),
    }
}

fn derive(record: &RunRecord, row: &record::Row, base: Option<&record::Row>) -> Row {
    Row {
        key: row.key(),
        variant: row.variant.clone(),
        role: row.role.clone(),
        about: row.about.clone(),
        isa: row.isa.clone(),
        cpus: row.cpus.clone(),
        targets: answered(record, &row.key()),
        outcome: match &row.outcome {
            record::Outcome::Measured(measured) => {
                Outcome::Measured(Box::new(figures(record, row, measured, base)))
            }
            record::Outcome::Counted(counted) => Outcome::Counted(counted.clone()),
            record::Outcome::Unavailable(why) => Outcome::Unavailable(why.clone()),
            record::Outcome::Broke { message } => Outcome::Broke { message: message.clone() },
        },
    }
}

fn answered(record: &RunRecord, key: &str) -> Vec<String> {
    let answers = |claim: &&perfbench_harness::claim::Claim| {
        let measure = claim.measure.as_ref();
        measure.is_some_and(|m| m.row == key || m.over.as_deref() == Some(key))
    };
    record.header.claims.iter().filter(answers).map(|claim| claim.id.clone()).collect()
}

fn figures(
    record: &RunRecord,
    row: &record::Row,
    measured: &Measured,
    base: Option<&record::Row>,
) -> Figures {
    let time_ns = measured.time();
    let other = base.filter(|base| base.variant != row.variant).and_then(|base| base.measured());
    Figures {
        time_ns,
        speedup: other.and_then(|base| known(speedup(measured, base))),
        limit: limit_share(record, row, measured, &time_ns),
        placement: placement(measured, &time_ns),
        launches: measured.launch_medians(),
        rounds: measured.left_out().1,
        latency: measured.latency.clone(),
        counts: measured.counts.clone(),
        facts: measured.facts.clone(),
        ops_per_batch: measured.ops_per_batch,
        checksum: measured.checksum.clone(),
    }
}

/// An interval that holds a number; launches without a partner leave none.
pub(super) fn known(interval: Interval) -> Option<Interval> {
    (!interval.value.is_nan()).then_some(interval)
}

fn limit_share(
    record: &RunRecord,
    row: &record::Row,
    measured: &Measured,
    time_ns: &Interval,
) -> Option<LimitShare> {
    let bound = row.bound.as_ref()?;
    let best = bound::best(record, Some(measured), &bound.limit, bound.times)?;
    Some(LimitShare {
        limit: bound.limit.clone(),
        source: best.source,
        times: bound.times,
        why: bound.why.clone(),
        best_ns: best.ns,
        share: best.ns / time_ns.value,
    })
}

fn placement(measured: &Measured, time_ns: &Interval) -> Option<Placement> {
    let class = match measured.class()? {
        'n' => "near",
        'f' => "far",
        _ => "changed",
    };
    let (left_out, of) = measured.left_out();
    let bounce_ns = measured.bounce_ns();
    let time_in_bounces = bounce_ns.filter(|ns| *ns > 0.0).map(|ns| time_ns.value / ns);
    Some(Placement { class, left_out, of, bounce_ns, time_in_bounces })
}
