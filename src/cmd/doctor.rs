//! `doctor`: what this machine can and cannot measure, a grade, and what mends each lack.

use super::Context;
use crate::args::DoctorArguments;
use crate::error::{Failure, OK};
use perfbench_harness::machine::{self, environment};

/// The command.
pub fn run(_context: &Context<'_>, _arguments: &DoctorArguments) -> Result<u8, Failure> {
    anstream::println!("{:#?}", (machine::probe(), environment::check()));
    Ok(OK)
}
