//! Every comparison of a self-test on disk as it is made: a self-test that is killed loses the one under way.

use super::piece::{Identical, Injected};
use crate::cmd::output;
use crate::cmd::run::{run_id, unwritten};
use crate::error::Failure;
use perfbench_harness::record::Writer;
use perfbench_reports::store::Store;
use serde::Serialize;
use std::path::Path;

/// One line of the file.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    /// First line.
    Selftest { schema: &'static str, version: &'static str },
    /// Identical code.
    Identical { piece: &'a str, comparison: &'a Identical },
    /// A slowdown injected.
    Injected { piece: &'a str, comparison: &'a Injected },
}

/// The file.
pub struct Log(Writer);

impl Log {
    /// Opens a new one in the store.
    pub fn open(store: &Path) -> Result<Self, Failure> {
        Store::open(store).map_err(output::store_failure)?;
        let folder = store.join("selftests");
        std::fs::create_dir_all(&folder).map_err(|error| unwritten(&error))?;
        let path = folder.join(format!("{}.ndjson", run_id(false, 0)));
        let mut log = Self(Writer::create(&path).map_err(|error| unwritten(&error))?);
        log.write(&Line::Selftest { schema: "perfbench.selftest/1", version: env!("CARGO_PKG_VERSION") })?;
        Ok(log)
    }

    /// One of identical code.
    pub fn identical(&mut self, piece: &str, comparison: &Identical) -> Result<(), Failure> {
        self.write(&Line::Identical { piece, comparison })
    }

    /// One with a slowdown injected.
    pub fn injected(&mut self, piece: &str, comparison: &Injected) -> Result<(), Failure> {
        self.write(&Line::Injected { piece, comparison })
    }

    fn write(&mut self, line: &Line<'_>) -> Result<(), Failure> {
        self.0.write(line).map_err(|error| unwritten(&error))
    }
}
