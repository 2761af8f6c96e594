//! tango's `compare`: both sides at once, each in a process, in step; an asterisk is its verdict.

use super::{Places, output, percent};
use crate::log::{Call, Judged};
use crate::work::{SPINS, Work};
use std::process::Command;

pub(super) fn judge(work: &Work, spins: u64, places: &Places, seconds: f64) -> Result<Judged, String> {
    let candidate = places.rivals.join("by-tango");
    let base = places.copy(&candidate, "by-tango-base")?;
    let mut compare = Command::new(candidate);
    compare.args(["--color", "never", "compare"]).arg(base);
    compare.args(["--filter", work.name, "--time", &seconds.to_string()]);
    // It ends with 1 where a benchmark regressed.
    read(&output(compare.env(SPINS, spins.to_string()), &[0, 1])?)
}

/// Reads the line of the only benchmark: its last word is the change, with an asterisk where that is significant.
fn read(text: &str) -> Result<Judged, String> {
    let word = text.split_whitespace().last().unwrap_or_default();
    let change_percent = percent(word).ok_or_else(|| format!("tango said: {text}"))?;
    let call = match (word.ends_with('*'), change_percent > 0.0) {
        (true, true) => Call::Slower,
        (true, false) => Call::Faster,
        (false, _) => Call::Silent,
    };
    Ok(Judged { call, change_percent, interval_percent: None, confirmed: None, comparing_s: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_is_a_verdict_and_the_sign_its_direction() {
        let read = |text| read(text).map(|judged| (judged.call, judged.change_percent));
        assert_eq!(read(include_str!("fixtures/tango-slower.txt")), Ok((Call::Slower, 74.93)));
        assert_eq!(read(include_str!("fixtures/tango-faster.txt")), Ok((Call::Faster, -47.56)));
        assert_eq!(read(include_str!("fixtures/tango-silent.txt")), Ok((Call::Silent, -5.08)));
    }

    #[test]
    fn silence_is_an_error() {
        assert!(read("").is_err());
        assert!(read("no such benchmark").is_err());
    }
}
