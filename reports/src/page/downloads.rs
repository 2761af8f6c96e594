//! The results as a small JSON table inside the page: rows of values under column names. The record file holds all.

use crate::model::{Outcome, Report, Row};
use serde_json::{Value, json};

const COLUMNS: [&str; 13] = [
    "row",
    "role",
    "status",
    "reason",
    "median_ns",
    "low_ns",
    "high_ns",
    "speedup",
    "speedup_low",
    "speedup_high",
    "p50_ns",
    "p99_ns",
    "p999_ns",
];

/// The table; what a row does not have is null.
pub fn json(report: &Report) -> String {
    let rows: Vec<Vec<Value>> = report.rows().map(row).collect();
    json!({ "run": report.run, "started": report.started, "columns": COLUMNS, "rows": rows }).to_string()
}

fn row(row: &Row) -> Vec<Value> {
    let (status, reason) = match &row.outcome {
        Outcome::Measured(_) => ("measured", None),
        Outcome::Counted(counted) => ("counted", Some(counted.untimed.to_string())),
        Outcome::Unavailable(why) => ("unavailable", Some(why.to_string())),
        Outcome::Broke { message } => ("broke", Some(message.clone())),
    };
    let mut values = vec![json!(row.key), json!(row.role), json!(status), json!(reason)];
    values.extend(figures(row).map(|value| json!(value.map(|v| (v * 1e4).round() / 1e4))));
    values
}

fn figures(row: &Row) -> [Option<f64>; 9] {
    let figures = row.figures();
    let time = figures.map(|f| f.time_ns);
    let speedup = figures.and_then(|f| f.speedup);
    let latency = figures.and_then(|f| f.latency.as_ref());
    [
        time.map(|i| i.value),
        time.map(|i| i.low),
        time.map(|i| i.high),
        speedup.map(|i| i.value),
        speedup.map(|i| i.low),
        speedup.map(|i| i.high),
        latency.map(|l| l.p50_ns),
        latency.map(|l| l.p99_ns),
        latency.map(|l| l.p999_ns),
    ]
}
