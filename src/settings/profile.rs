//! What `profile` is asked for, each setting with its origin.

use super::{Settings, choice, non_empty, wrong};
use crate::args::{ProfileArguments, RunArguments, SampleBy, UnwindBy};
use crate::error::Failure;
use crate::values;
use clap::ArgMatches;
use perfbench_harness::machine::Machine;
use perfbench_harness::plan::Request;
use perfbench_harness::profile::{self, SampleClock, Unwinding};

/// A profile as it was asked for.
#[derive(Debug)]
pub struct ProfileRequest {
    /// Which row, on which CPUs, with which seed.
    pub rows: Request,
    /// How to sample.
    pub sampling: profile::Request,
}

/// What holds where nobody says otherwise.
const TIME: &str = "5s";
const HZ: f64 = 1000.0;

/// Longest sampling, seconds: with the unsampled batches in turns it stays well within what one process may take.
const LONGEST_S: f64 = 120.0;

/// Rates of samples that make sense: the fastest that kernels allow by default, and one that tells something.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=100_000.0;

/// Settings of `run` that mean nothing here.
const OF_RUNS: [&str; 7] = ["budget", "launches", "precision", "cold", "clock", "require-env", "counters"];

impl Settings {
    /// What `profile` is asked for.
    ///
    /// # Errors
    /// A value that is none, and whatever a run's request can have wrong.
    pub fn profile(
        &mut self,
        typed: &ProfileArguments,
        matches: &ArgMatches,
        machine: &Machine,
    ) -> Result<ProfileRequest, Failure> {
        let run = RunArguments {
            selection: typed.selection.clone(),
            cpus: typed.cpus.clone(),
            seed: typed.seed,
            trace: typed.trace.clone(),
            counters: Some("none".into()),
            ..RunArguments::default()
        };
        let rows = self.request(&run, matches, machine)?;
        self.origins.retain(|setting| !OF_RUNS.contains(&setting.name.as_str()));
        Ok(ProfileRequest { rows, sampling: self.sampling(typed, matches)? })
    }

    fn sampling(
        &mut self,
        typed: &ProfileArguments,
        matches: &ArgMatches,
    ) -> Result<profile::Request, Failure> {
        let configured = self.profile.sampling.clone().unwrap_or_default();
        let time = self.settle("time", matches, typed.time.clone(), configured.time, || TIME.into());
        let hz = self.settle("hz", matches, typed.hz, configured.hz, || HZ);
        let unwind = configured.unwind.map(|text| choice("unwind", &text)).transpose()?;
        let unwind = self.settle_choice("unwind", matches, typed.unwind, unwind, UnwindBy::Best);
        let clock = configured.clock.map(|text| choice("clock", &text)).transpose()?;
        let clock = self.settle_choice("clock", matches, typed.clock, clock, SampleBy::Best);
        Ok(profile::Request {
            hz: rate(hz)?,
            length_s: length_s(&time)?,
            clock: match clock {
                SampleBy::Best => SampleClock::Best,
                SampleBy::Cycles => SampleClock::Cycles,
                SampleBy::CpuClock => SampleClock::CpuClock,
                SampleBy::Signal => SampleClock::Signal,
            },
            unwinding: match unwind {
                UnwindBy::Best => Unwinding::Best,
                UnwindBy::Fp => Unwinding::FramePointers,
                UnwindBy::Dwarf => Unwinding::Dwarf,
            },
            compare: true,
        })
    }

    /// The outputs of a profile.
    pub fn profile_outputs(&self, typed: &ProfileArguments) -> Vec<String> {
        let configured = self.profile.sampling.clone().and_then(|sampling| sampling.output);
        non_empty(&typed.output).or(configured).unwrap_or_default()
    }
}

fn rate(hz: f64) -> Result<f64, Failure> {
    match RATES.contains(&hz) {
        true => Ok(hz),
        false => Err(wrong("hz", &format!("{hz} is no rate of samples; write 100 to 10000"))),
    }
}

fn length_s(text: &str) -> Result<f64, Failure> {
    match values::seconds(text) {
        Ok(seconds) if seconds <= LONGEST_S => Ok(seconds),
        Ok(_) => Err(wrong(
            "time",
            &format!("`{text}` is longer than {LONGEST_S} s; more samples also come from --hz"),
        )),
        Err(why) => Err(wrong("time", &why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_and_a_rate_are_within_what_a_process_and_a_kernel_take() {
        assert_eq!((length_s("90s").unwrap(), rate(999.0).unwrap()), (90.0, 999.0));
        assert!(["10m", "0s", "soon"].iter().all(|wrong| length_s(wrong).is_err()));
        assert!([0.0, -1.0, 1e9, f64::NAN].iter().all(|wrong| rate(*wrong).is_err()));
    }
}
