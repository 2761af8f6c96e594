//! Values as typed on the command line or in perfbench.toml: times, CPU lists, feature sets, outputs.

use perfbench_harness::clock::ClockChoice;
use perfbench_harness::{Isa, Suite};

/// `90s`, `10m`, `1.5h`, `500ms` in seconds.
pub fn seconds(text: &str) -> Result<f64, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        other => return Err(format!("`{other}` is no unit of time; write ms, s, m or h")),
    };
    let number: f64 =
        number.trim().parse().map_err(|_| format!("`{text}` is no time; write 90s, 10m or 1h"))?;
    let seconds = number * factor;
    if seconds.is_finite() && seconds > 0.0 {
        Ok(seconds)
    } else {
        Err(format!("`{text}` is no length of time"))
    }
}

/// `1%`, `0.5 %`, `0.01` as a share; none for `none`.
pub fn share(text: &str) -> Result<Option<f64>, String> {
    let wrong = || format!("`{text}` is no share; write 1%, 0.5% or none");
    let (number, factor) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 0.01));
    match number.trim().parse::<f64>() {
        _ if text == "none" => Ok(None),
        Ok(number) if number * factor > 0.0 && number * factor < 1.0 => Ok(Some(number * factor)),
        _ => Err(wrong()),
    }
}

/// `A` to `D`; none for `none`.
pub fn grade(text: &str) -> Result<Option<char>, String> {
    match text.to_ascii_uppercase().as_str() {
        "NONE" => Ok(None),
        grade @ ("A" | "B" | "C" | "D") => Ok(grade.chars().next()),
        _ => Err(format!("`{text}` is no grade; write A, B, C or D")),
    }
}

/// `default` or `full`.
pub fn suite(text: &str) -> Result<Suite, String> {
    match text {
        "default" => Ok(Suite::Default),
        "full" => Ok(Suite::Full),
        _ => Err(format!("`{text}` is no suite; write default or full")),
    }
}

/// `0,2-4` as a list.
pub fn cpus(text: &str) -> Result<Vec<usize>, String> {
    let mut list = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            text.trim().parse::<usize>().map_err(|_| format!("`{part}` is no CPU or range of CPUs"))
        };
        let (first, last) = (number(first)?, number(last)?);
        if first > last || last > 4095 {
            return Err(format!("`{part}` is no range of CPUs"));
        }
        list.extend((first..=last).filter(|cpu| !list.contains(cpu)).collect::<Vec<_>>());
    }
    Ok(list)
}

/// `scalar,avx2`, `host` or `all` as a set; what the host lacks stays selected and becomes rows with a reason.
pub fn isa(text: &str) -> Result<Isa, String> {
    let mut set = Isa::NONE;
    for name in text.split(',').map(str::trim) {
        set = set
            | match name {
                "host" | "all" => Isa::ALL,
                _ => Isa::named(name).ok_or_else(|| unknown_feature(name))?,
            };
    }
    Ok(set)
}

fn unknown_feature(name: &str) -> String {
    let known: Vec<&str> = Isa::TABLE.iter().map(|(name, _, _)| *name).collect();
    format!("`{name}` is no feature set; known are scalar, host, all, {}", known.join(", "))
}

/// `best`, `monotonic`, `scripted:7`.
pub fn clock(text: &str) -> Result<ClockChoice, String> {
    match text.split_once(':') {
        None if text == "best" => Ok(ClockChoice::Best),
        None if text == "monotonic" => Ok(ClockChoice::Monotonic),
        Some(("scripted", seed)) => {
            seed.parse().map(ClockChoice::Scripted).map_err(|_| format!("`{seed}` is no seed"))
        }
        _ => Err(format!("`{text}` is no clock; known are best, monotonic and scripted:SEED")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_units() {
        assert_eq!(seconds("90s"), Ok(90.0));
        assert_eq!(seconds("1.5h"), Ok(5400.0));
        assert_eq!(seconds("250ms"), Ok(0.25));
        for wrong in ["", "s", "-1s", "10 parsecs", "0s", "nan"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_and_grades_or_none_of_them() {
        assert_eq!((share("1%"), share("0.5 %"), share("none")), (Ok(Some(0.01)), Ok(Some(0.005)), Ok(None)));
        assert_eq!((grade("b"), grade("none")), (Ok(Some('B')), Ok(None)));
        assert!(["", "0", "100%", "-1%", "nan"].iter().all(|wrong| share(wrong).is_err()));
        assert!(grade("E").is_err());
    }

    #[test]
    fn cpu_lists_and_ranges_keep_their_order_and_name_a_cpu_once() {
        assert_eq!(cpus("3,0-2,1"), Ok(vec![3, 0, 1, 2]));
        for wrong in ["", "a", "2-1", "0-99999"] {
            assert!(cpus(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn feature_sets_add_up_and_a_wrong_one_names_the_known() {
        assert_eq!(isa("scalar"), Ok(Isa::NONE));
        assert_eq!(isa("aes-ni,pclmul"), Ok(Isa::AES_NI | Isa::PCLMUL));
        assert!(isa("avx3").unwrap_err().contains("avx2"));
    }

    #[test]
    fn clocks() {
        assert_eq!(clock("scripted:7"), Ok(ClockChoice::Scripted(7)));
        assert!(clock("sundial").is_err());
    }
}
