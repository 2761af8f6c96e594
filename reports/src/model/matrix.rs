//! Speed-up over scalar by feature set, for the groups that have variants by feature set.

use super::groups::known;
use super::{Cell, Matrix, MatrixLine};
use perfbench_harness::record::{Counted, Outcome, Row, RunRecord, speedup};
use perfbench_harness::{Reason, Unavailable};

pub(super) fn matrix(record: &RunRecord) -> Matrix {
    let groups: Vec<(String, Vec<&Row>)> =
        record.groups().into_iter().filter(|(_, rows)| rows.iter().any(|row| !row.isa.is_empty())).collect();
    let columns = columns(groups.iter().flat_map(|(_, rows)| rows));
    let lines = groups.iter().map(|(group, rows)| line(group, rows, &columns)).collect();
    Matrix { columns, lines }
}

fn feature_set(row: &Row) -> String {
    if row.isa.is_empty() { "scalar".into() } else { row.isa.join("+") }
}

fn columns<'a>(rows: impl Iterator<Item = &'a &'a Row>) -> Vec<String> {
    let mut columns = Vec::new();
    for set in rows.map(|row| feature_set(row)) {
        if !columns.contains(&set) {
            columns.push(set);
        }
    }
    columns
}

fn line(group: &str, rows: &[&Row], columns: &[String]) -> MatrixLine {
    let base = rows.iter().copied().find(|row| row.isa.is_empty() && row.measured().is_some());
    let cells = columns.iter().map(|column| cell(rows, base, column)).collect();
    MatrixLine { group: group.into(), cells }
}

fn cell(rows: &[&Row], base: Option<&Row>, column: &str) -> Cell {
    let of_set: Vec<&Row> = rows.iter().copied().filter(|row| feature_set(row) == column).collect();
    let fastest = of_set.iter().copied().filter(|row| row.measured().is_some()).min_by(|a, b| {
        let time = |row: &Row| row.measured().map_or(f64::INFINITY, |m| m.time().value);
        time(a).total_cmp(&time(b))
    });
    match (fastest, base) {
        (Some(_), Some(base)) if base.isa.is_empty() && column == "scalar" => base_cell(base),
        (Some(row), Some(base)) => speedup_cell(row, base),
        (Some(row), None) => base_cell(row),
        (None, _) => Cell::NotHere(of_set.first().map_or_else(no_variant, |row| absent(row))),
    }
}

fn base_cell(row: &Row) -> Cell {
    let time_ns = row.measured().expect("a base was measured").time();
    Cell::Base { variant: row.variant.clone(), time_ns }
}

fn speedup_cell(row: &Row, base: &Row) -> Cell {
    let ratio = row.measured().zip(base.measured()).and_then(|(row, base)| known(speedup(row, base)));
    match ratio {
        Some(speedup) => Cell::Speedup { variant: row.variant.clone(), speedup },
        None => {
            Cell::NotHere(Unavailable::new(Reason::Interrupted, "no launch is shared with the scalar row"))
        }
    }
}

fn no_variant() -> Unavailable {
    Unavailable::new(Reason::NotAtThisPoint, "no variant for this feature set")
}

fn absent(row: &Row) -> Unavailable {
    match &row.outcome {
        Outcome::Unavailable(why) | Outcome::Counted(Counted { untimed: why, .. }) => why.clone(),
        Outcome::Broke { message } => Unavailable::new(Reason::Broke, message.clone()),
        Outcome::Measured(_) => no_variant(),
    }
}
