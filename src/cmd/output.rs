//! Where results go: the table on stdout, `-o FMT=FILE` outputs, and latest.html in the store.

use super::Context;
use crate::error::Failure;
use crate::settings::Settings;
use perfbench_harness::record::RunRecord;
use perfbench_reports::Report;
use perfbench_reports::store::{Store, StoreError};

/// Prints the results.
pub fn show(_context: &Context<'_>, record: &RunRecord) {
    anstream::println!("{}", Report::of(record).headline);
}

/// A store's error with the next step.
pub fn store_failure(error: StoreError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        StoreError::NotWritable(..) => {
            failure.help("name a folder that you may write: --store DIR or PERFBENCH_STORE")
        }
        StoreError::Unknown(..) => {
            failure.help("`perfbench run` makes one; a record file can be named by its path")
        }
        StoreError::Ambiguous(..) => failure.help("type more of the id"),
        StoreError::Unreadable(_) => failure.help("records are NDJSON files written by `perfbench run`"),
    }
}

/// The record that a name means.
pub fn find(settings: &Settings, name: Option<&str>) -> Result<RunRecord, Failure> {
    Store::at(&settings.store).find(name.unwrap_or("latest")).map_err(store_failure)
}
