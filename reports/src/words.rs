//! Numbers and directions as people read them: three significant digits with a unit, words instead of signs.

use perfbench_harness::stats::Interval;

/// A number with three significant digits; whole numbers keep all of theirs, in groups of three.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unbounded".into();
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return grouped(value as i64);
    }
    significant(value)
}

/// A measured number: three significant digits, always.
pub fn significant(value: f64) -> String {
    let scientific = format!("{value:.2e}");
    let exponent: i32 = scientific.rsplit('e').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    if exponent > 2 { grouped(value.round() as i64) } else { format!("{value:.*}", (2 - exponent) as usize) }
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    format!("{}{}", if value < 0 { "-" } else { "" }, groups.join(","))
}

/// The unit that suits a time, and how many nanoseconds it is.
fn time_unit(ns: f64) -> (&'static str, f64) {
    const UNITS: [(&str, f64); 3] = [("ns", 1.0), ("us", 1e3), ("ms", 1e6)];
    let fits = |(_, scale): &&(&str, f64)| ns.abs() < 999.5 * scale;
    UNITS.iter().find(fits).copied().unwrap_or(("s", 1e9))
}

/// A time: `20.1 ns`, `1.53 us`.
pub fn time(ns: f64) -> String {
    let (unit, scale) = time_unit(ns);
    if ns == 0.0 { "0 ns".into() } else { format!("{} {unit}", significant(ns / scale)) }
}

/// The bounds of a time in the unit that suits its value: `20.0 - 20.2`; in words where one launch bounds nothing.
pub fn time_bounds(interval: &Interval) -> String {
    let (_, scale) = time_unit(interval.value);
    bounds(&interval.map(|ns| ns / scale))
}

/// The bounds of an interval: `20.0 - 20.2`.
pub fn bounds(interval: &Interval) -> String {
    match interval.high.is_finite() {
        true => format!("{} - {}", significant(interval.low), significant(interval.high)),
        false => "one launch".into(),
    }
}

/// A documented figure in its unit, with the digits of the document: `0.9 order`.
pub fn documented(value: f64, unit: &str) -> String {
    if value.fract() == 0.0 { quantity(value, unit) } else { in_unit(&value.to_string(), unit) }
}

/// A counted value in its unit: `20 ns`, `6.80x`, `yes`.
pub fn quantity(value: f64, unit: &str) -> String {
    if unit == "bool" && (value == 0.0 || value == 1.0) {
        return if value == 1.0 { "yes" } else { "no" }.into();
    }
    in_unit(&number(value), unit)
}

fn in_unit(number: &str, unit: &str) -> String {
    match unit {
        "" => number.into(),
        "x" => format!("{number}x"),
        _ => format!("{number} {unit}"),
    }
}

/// An interval in a unit: `18.7 ns [18.6 - 18.8]`; an exact value without brackets.
pub fn measured(interval: &Interval, unit: &str) -> String {
    match is_exact(interval) {
        true => measured_value(interval, unit),
        false => format!("{} [{}]", measured_value(interval, unit), bounds(interval)),
    }
}

/// The value of an interval in a unit: `18.7 ns`.
pub fn measured_value(interval: &Interval, unit: &str) -> String {
    let value = interval.value;
    if is_exact(interval) { quantity(value, unit) } else { in_unit(&significant(value), unit) }
}

/// The bounds of a measured value: `18.6 - 18.8`, or that it is a count.
pub fn measured_bounds(interval: &Interval) -> String {
    if is_exact(interval) { "exact".into() } else { bounds(interval) }
}

fn is_exact(interval: &Interval) -> bool {
    interval.low == interval.high
}

/// How a row stands to the one it is compared with, from how many times faster it is: `4.10x faster [4.00 - 4.20]`,
/// `6.9 % slower [...]`, or `~` where the interval holds 1.
pub fn direction(speedup: &Interval) -> String {
    if !speedup.high.is_finite() {
        return format!("~ {}x, one launch", significant(speedup.value));
    }
    if speedup.low <= 1.0 && speedup.high >= 1.0 {
        return format!("~ (would see {})", percent(smallest_visible(speedup)));
    }
    let slower = speedup.high < 1.0;
    let ratio = if slower { speedup.map(f64::recip) } else { *speedup };
    format!("{} [{}]", change(ratio.value, slower), change_bounds(&ratio))
}

/// [`direction`] without its interval, about 13 columns wide: `4.10x faster`, `~ sees 1.01 %`.
pub fn short_direction(speedup: &Interval) -> String {
    match (speedup.high.is_finite(), speedup.low <= 1.0 && speedup.high >= 1.0) {
        (false, _) => "~ one launch".into(),
        (true, true) => format!("~ sees {}", percent(smallest_visible(speedup))),
        (true, false) if speedup.high < 1.0 => change(speedup.value.recip(), true),
        (true, false) => change(speedup.value, false),
    }
}

/// A length of time in seconds as people say it: `12.4 s`, `6 min 12 s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if seconds < 100.0 { format!("{seconds:.1} s") } else { format!("{} min {} s", whole / 60, whole % 60) }
}

/// The smallest relative change that an interval around a ratio could have told from none.
pub fn smallest_visible(ratio: &Interval) -> f64 {
    ((ratio.high / ratio.low).sqrt() - 1.0).max(0.0)
}

/// A share as a percentage: `1.40 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", significant(100.0 * share))
}

fn change(ratio: f64, slower: bool) -> String {
    let word = if slower { "slower" } else { "faster" };
    if ratio < 2.0 {
        format!("{} {word}", percent(ratio - 1.0))
    } else {
        format!("{}x {word}", number(ratio))
    }
}

fn change_bounds(ratio: &Interval) -> String {
    let shown = if ratio.value < 2.0 { ratio.map(|r| 100.0 * (r - 1.0)) } else { *ratio };
    bounds(&shown)
}

/// The text as a sentence; a row key at its start keeps its case.
pub fn sentence(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains('/')) {
        return format!("{text}{}", if text.ends_with('.') { "" } else { "." });
    }
    format!("{}{}", capitalised(text), if text.ends_with('.') { "" } else { "." })
}

/// The text with its first letter large.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", characters.as_str())
}

/// A count with its noun: `1 row`, `3 rows`, `5 launches`.
pub fn plural(count: usize, noun: &str) -> String {
    let ending = match count {
        1 => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", grouped(count as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(value: f64, low: f64, high: f64) -> Interval {
        Interval { value, low, high }
    }

    #[test]
    fn numbers_have_three_significant_digits_and_whole_ones_all_of_theirs() {
        let cases = [
            (20.13, "20.1"),
            (9.999, "10.0"),
            (0.01234, "0.0123"),
            (1234.5, "1,235"),
            (65536.0, "65,536"),
            (-2.5, "-2.50"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_time_takes_the_unit_that_suits_it() {
        for (ns, text) in
            [(20.13, "20.1 ns"), (999.6, "1.00 us"), (1.5e6, "1.50 ms"), (2e9, "2.00 s"), (5.0, "5.00 ns")]
        {
            assert_eq!(time(ns), text);
        }
        assert_eq!(time_bounds(&interval(1500.0, 1490.0, 1510.0)), "1.49 - 1.51");
    }

    #[test]
    fn a_direction_is_a_word_and_what_is_not_resolved_says_what_it_would_have_seen() {
        assert_eq!(direction(&interval(4.1, 4.05, 4.2)), "4.10x faster [4.05 - 4.20]");
        assert_eq!(direction(&interval(0.8, 0.79, 0.81)), "25.0 % slower [23.5 - 26.6]");
        assert_eq!(direction(&interval(1.0, 0.99, 1.01)), "~ (would see 1.01 %)");
        assert_eq!(direction(&interval(3.0, 0.0, f64::INFINITY)), "~ 3.00x, one launch");
    }
}
