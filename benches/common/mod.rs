//! Rows of the registry that one thread can run, found and built without a plan. Timing lives in the benches.

use perfbench_harness::{Granted, Point, Setup, Unavailable, Variant, workload};
use perfbench_workloads::REGISTRY;
use std::collections::BTreeMap;
use std::path::PathBuf;

static NO_INPUTS: BTreeMap<String, PathBuf> = BTreeMap::new();

/// One row: a variant at a point.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its workload's name.
    workload: &'static str,
    /// The point.
    point: &'static Point,
    /// The variant.
    pub variant: &'static Variant,
}

impl Row {
    /// `workload/point/variant`.
    pub fn name(&self) -> String {
        workload::key(self.workload, self.point.name, self.variant.name)
    }

    /// What the row is built from, on one CPU and without files of the user's.
    ///
    /// # Errors
    /// The features that this CPU lacks.
    pub fn setup<'a>(&self, cpu: &'a usize) -> Result<Setup<'a>, Unavailable> {
        let granted = Granted::check(self.variant.needs)?;
        Ok(Setup { point: self.point, granted, cpus: std::slice::from_ref(cpu), seed: 1, inputs: &NO_INPUTS })
    }
}

/// Every row that takes one CPU, in table order.
pub fn solo_rows() -> impl Iterator<Item = Row> {
    REGISTRY.iter().flat_map(|workload| {
        let points = workload.points.iter().filter(|point| point.cpus == 1);
        points.flat_map(|point| {
            workload.variants.iter().map(|variant| Row { workload: workload.name, point, variant })
        })
    })
}
