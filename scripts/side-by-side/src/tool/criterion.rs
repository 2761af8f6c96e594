//! criterion's `--save-baseline` and then `--baseline`: two runs one after the other; a sentence is its verdict.

use super::{Places, output, percent};
use crate::log::{Call, Judged};
use crate::work::{SPINS, Work};
use std::process::Command;

pub(super) fn judge(
    work: &Work,
    spins: u64,
    places: &Places,
    [warm_up_s, samples_s]: [f64; 2],
) -> Result<Judged, String> {
    let run = |baseline: &str, spins: u64| {
        let mut run = Command::new(places.rivals.join("by-criterion"));
        run.args(["--bench", "--noplot", "--color", "never", baseline, "base"]);
        run.args(["--warm-up-time", &warm_up_s.to_string(), "--measurement-time", &samples_s.to_string()]);
        run.arg(format!("^{}$", work.name));
        run.env("CRITERION_HOME", places.scratch.join("criterion")).env(SPINS, spins.to_string());
        output(&mut run, &[0])
    };
    run("--save-baseline", 0)?;
    read(&run("--baseline", spins)?)
}

/// Reads the change with its interval, and the sentence below it.
fn read(text: &str) -> Result<Judged, String> {
    let judged = || {
        let (_, after) = text.split_once("change:")?;
        let [low, value, high] =
            *after.split_whitespace().take(3).map(percent).collect::<Option<Vec<_>>>()?
        else {
            return None;
        };
        let call = call(after)?;
        let interval_percent = Some([low, high]);
        Some(Judged { call, change_percent: value, interval_percent, confirmed: None, comparing_s: None })
    };
    judged().ok_or_else(|| format!("criterion said: {text}"))
}

fn call(text: &str) -> Option<Call> {
    let words = [
        ("Performance has regressed.", Call::Slower),
        ("Performance has improved.", Call::Faster),
        ("Change within noise threshold.", Call::Silent),
        ("No change in performance detected.", Call::Silent),
    ];
    words.into_iter().find(|(sentence, _)| text.contains(sentence)).map(|(_, call)| call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_four_sentences_are_known() {
        let read = |text| {
            let judged = read(text).unwrap();
            let [low, high] = judged.interval_percent.unwrap();
            (judged.call, [low, judged.change_percent, high])
        };
        let slower = read(include_str!("fixtures/criterion-slower.txt"));
        assert_eq!(slower, (Call::Slower, [103.3, 129.74, 161.1]));
        let faster = read(include_str!("fixtures/criterion-faster.txt"));
        assert_eq!(faster, (Call::Faster, [-53.408, -51.069, -48.353]));
        let within_noise = read(include_str!("fixtures/criterion-within-noise.txt"));
        assert_eq!(within_noise, (Call::Silent, [91.798, 115.04, 145.08]));
        let no_change = read(include_str!("fixtures/criterion-no-change.txt"));
        assert_eq!(no_change, (Call::Silent, [-12.486, -1.6826, 13.745]));
    }

    #[test]
    fn a_run_without_a_baseline_is_an_error() {
        assert!(read("compute                 time:   [22.187 us 24.902 us 28.005 us]").is_err());
    }
}
