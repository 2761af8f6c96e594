//! Ticks and tick labels of the charts' axes. Scales themselves are plotters'.

use std::ops::Range;

/// Ticks of a logarithmic axis: 1-2-5 steps where at most `most` fit, else every so many decades.
pub fn log_ticks(range: &Range<f64>, most: usize) -> Vec<f64> {
    let inside = |v: &f64| *v >= range.start * 0.999_999 && *v <= range.end * 1.000_001;
    let decades = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let steps = |per_decade: &[f64], every: i32| -> Vec<f64> {
        let chosen = decades.clone().filter(|d| d.rem_euclid(every) == 0);
        chosen.flat_map(|d| per_decade.iter().map(move |s| s * 10f64.powi(d))).filter(inside).collect()
    };
    let fine = [steps(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], 1), steps(&[1.0, 2.0, 5.0], 1), steps(&[1.0, 3.0], 1)];
    let coarse = (1..).map(|every| steps(&[1.0], every));
    let fits = |ticks: &Vec<f64>| ticks.len() <= most;
    let ticks = fine.into_iter().chain(coarse).find(fits).unwrap_or_default();
    if ticks.len() >= 2 { ticks } else { spread(range) }
}

/// Three ticks for a range too narrow for round steps.
fn spread(range: &Range<f64>) -> Vec<f64> {
    let span = range.end / range.start;
    [0.2, 0.5, 0.8].map(|share| three_digits(range.start * span.powf(share))).to_vec()
}

fn three_digits(value: f64) -> f64 {
    let unit = 10f64.powi(value.log10().floor() as i32 - 2);
    (value / unit).round() * unit
}

/// Steps of a linear axis around 1, at most `most` of them.
pub fn share_ticks(range: &Range<f64>, most: usize) -> Vec<f64> {
    let ticks = |per_one: f64| -> Vec<f64> {
        let numbers = (range.start * per_one).ceil() as i64..=(range.end * per_one).floor() as i64;
        numbers.map(|n| n as f64 / per_one).collect()
    };
    let steps = [200.0, 100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0];
    steps.into_iter().map(ticks).find(|ticks| ticks.len() <= most).unwrap_or_default()
}

/// Powers of two in a range.
pub fn octave_ticks(range: &Range<f64>, most: usize) -> Vec<f64> {
    let exponents = range.start.log2().ceil() as i32..=range.end.log2().floor() as i32;
    let every = (exponents.clone().count() as i32 / most.max(1) as i32 + 1).max(1);
    exponents.filter(|e| e % every == 0).map(|e| 2f64.powi(e)).collect()
}

/// A range that holds all positive values with `room` times as much at both ends, and spans at least `least` times.
pub fn log_range(values: impl IntoIterator<Item = f64>, room: f64, least: f64) -> Range<f64> {
    let usable = values.into_iter().filter(|v| v.is_finite() && *v > 0.0);
    let (low, high) = usable.fold((f64::INFINITY, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = if high > 0.0 { (low / room, high * room) } else { (1.0, least) };
    let widen = (least / (high / low)).max(1.0).sqrt();
    low / widen..high * widen
}

/// A time in the unit that keeps its digits few: `20 ns`, `1.5 µs`.
pub fn time_label(ns: f64) -> String {
    let (value, unit) = match ns {
        v if v < 1.0 => (v * 1e3, "ps"),
        v if v < 1e3 => (v, "ns"),
        v if v < 1e6 => (v / 1e3, "µs"),
        v if v < 1e9 => (v / 1e6, "ms"),
        v => (v / 1e9, "s"),
    };
    format!("{} {unit}", few_digits(value))
}

/// A size in binary units: `32 KiB`.
pub fn size_label(bytes: f64) -> String {
    let (value, unit) = match bytes {
        v if v < 1024.0 => (v, "B"),
        v if v < 1048576.0 => (v / 1024.0, "KiB"),
        v if v < 1073741824.0 => (v / 1048576.0, "MiB"),
        v => (v / 1073741824.0, "GiB"),
    };
    format!("{} {unit}", few_digits(value))
}

/// A ratio: `4x`, `1/4x` for powers of two below one.
pub fn ratio_label(ratio: f64) -> String {
    if ratio < 1.0 { format!("1/{}x", few_digits(1.0 / ratio)) } else { format!("{}x", few_digits(ratio)) }
}

/// At most three digits, without trailing zeros.
fn few_digits(value: f64) -> String {
    let places = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ticks_are_round_and_few() {
        assert_eq!(log_ticks(&(8.0..60.0), 4), [10.0, 20.0, 50.0]);
        assert_eq!(log_ticks(&(1.0..1e6), 5), [1.0, 100.0, 1e4, 1e6]);
        assert_eq!(log_ticks(&(22.0..70.0), 7), [30.0, 50.0, 70.0]);
        let narrow: Vec<String> = log_ticks(&(10.1..10.9), 6).into_iter().map(time_label).collect();
        assert_eq!(narrow, ["10.3 ns", "10.5 ns", "10.7 ns"]);
    }

    #[test]
    fn octaves_are_powers_of_two() {
        assert_eq!(octave_ticks(&(0.4..4.5), 8), [0.5, 1.0, 2.0, 4.0]);
    }

    #[test]
    fn ticks_around_one_hold_one() {
        assert_eq!(share_ticks(&(0.97..1.03), 7), [0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03]);
        assert_eq!(share_ticks(&(0.6..1.5), 7), [0.6, 0.8, 1.0, 1.2, 1.4]);
    }

    #[test]
    fn a_range_spans_what_it_must_even_without_values() {
        let range = log_range([10.0], 1.1, 4.0);
        assert!((range.end / range.start - 4.0).abs() < 1e-9 && range.contains(&10.0));
        assert!(log_range([], 1.1, 4.0).contains(&2.0));
    }

    #[test]
    fn labels_keep_three_digits_and_a_unit() {
        let labels =
            [time_label(0.35), time_label(20.0), time_label(1500.0), size_label(32768.0), ratio_label(0.25)];
        assert_eq!(labels, ["350 ps", "20 ns", "1.5 µs", "32 KiB", "1/4x"]);
    }
}
