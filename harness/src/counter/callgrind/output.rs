//! What callgrind writes: the caches that it modelled, the names of its events and their totals. The costs line by line that
//! stand between are passed over.

use std::fmt;

/// One file of callgrind's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The caches: `D1`, size in bytes, line in bytes, ways.
    pub caches: Vec<(String, u64, u32, u32)>,
    /// Names of the events with their totals.
    pub totals: Vec<(String, u64)>,
}

/// Why a text is no output of callgrind's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputError {
    /// No line names the events.
    NoEvents,
    /// No line holds the totals: callgrind was stopped while it wrote.
    NoTotals,
    /// A line does not hold what lines of its kind hold.
    Malformed(String),
    /// More totals than events.
    TooManyTotals(usize, usize),
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEvents => f.write_str("callgrind's output names no events"),
            Self::NoTotals => f.write_str("callgrind's output has no totals: it ended while it wrote"),
            Self::Malformed(line) => write!(f, "callgrind's output has a line that cannot be read: {line:?}"),
            Self::TooManyTotals(totals, events) => {
                write!(f, "callgrind's output has {totals} totals of {events} events")
            }
        }
    }
}

impl std::error::Error for OutputError {}

impl Output {
    /// Reads one file.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn parse(text: &str) -> Result<Self, OutputError> {
        let after = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let events: Vec<&str> = after("events:").ok_or(OutputError::NoEvents)?.split_whitespace().collect();
        let numbers = after("totals:").ok_or(OutputError::NoTotals)?;
        let numbers: Vec<u64> = numbers.split_whitespace().map(number).collect::<Result<_, _>>()?;
        if numbers.len() > events.len() {
            return Err(OutputError::TooManyTotals(numbers.len(), events.len()));
        }
        // Zeros at the end are left out.
        let padded = numbers.into_iter().chain(std::iter::repeat(0));
        let totals = events.into_iter().map(str::to_owned).zip(padded).collect();
        let descriptions = text.lines().filter_map(|line| line.strip_prefix("desc:"));
        let caches = descriptions.filter(|line| line.contains(" cache:"));
        Ok(Self { caches: caches.map(cache).collect::<Result<_, _>>()?, totals })
    }

    /// The total of one event.
    pub fn total(&self, event: &str) -> Option<u64> {
        self.totals.iter().find(|(name, _)| name == event).map(|(_, total)| *total)
    }

    /// Name, size and ways of a cache in words: `D1 48 KiB/12`.
    pub fn cache(&self, name: &str) -> Option<String> {
        let (_, size_bytes, _, ways) = self.caches.iter().find(|cache| cache.0 == name)?;
        Some(match size_bytes {
            bytes if bytes % (1 << 20) == 0 => format!("{name} {} MiB/{ways}", bytes >> 20),
            bytes => format!("{name} {} KiB/{ways}", bytes >> 10),
        })
    }
}

fn number(word: &str) -> Result<u64, OutputError> {
    word.parse().map_err(|_| OutputError::Malformed(word.into()))
}

/// `D1 cache: 49152 B, 64 B, 12-way associative`.
fn cache(line: &str) -> Result<(String, u64, u32, u32), OutputError> {
    let read = || {
        let (name, figures) = line.split_once(" cache:")?;
        let mut figures = figures.split(',').map(str::trim);
        let size_bytes = figures.next()?.strip_suffix(" B")?.parse().ok()?;
        let line_bytes = figures.next()?.strip_suffix(" B")?.parse().ok()?;
        let ways = figures.next()?;
        let ways = match ways.strip_suffix("-way associative") {
            Some(ways) => ways.parse().ok()?,
            None => (ways == "direct-mapped").then_some(1)?,
        };
        Some((name.trim().to_owned(), size_bytes, line_bytes, ways))
    };
    read().ok_or_else(|| OutputError::Malformed(line.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DUMP: &str = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npart: 1\n\n\
        desc: I1 cache: 32768 B, 64 B, 8-way associative\ndesc: D1 cache: 49152 B, 64 B, 12-way associative\n\
        desc: LL cache: 33554432 B, 64 B, direct-mapped\ndesc: Trigger: Client Request\n\npositions: line\n\
        events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw\nsummary: 9 9\n\nfl=(1) a.rs\nfn=(1) a\n0 12 3\n\ntotals: 120 30 0 2 7\n";

    #[test]
    fn totals_are_read_by_name_and_missing_ones_at_the_end_are_zero() {
        let output = Output::parse(DUMP).unwrap();
        assert_eq!(
            (output.total("Ir"), output.total("D1mr"), output.total("DLmw")),
            (Some(120), Some(7), Some(0))
        );
        assert_eq!(output.total("Bc"), None);
        assert_eq!(output.cache("D1").as_deref(), Some("D1 48 KiB/12"));
        assert_eq!(output.cache("LL").as_deref(), Some("LL 32 MiB/1"));
    }

    #[test]
    fn what_is_no_output_is_refused_with_what_is_wrong() {
        let why = |text: &str| Output::parse(text).unwrap_err().to_string();
        assert_eq!(why(""), "callgrind's output names no events");
        assert_eq!(why("events: Ir"), "callgrind's output has no totals: it ended while it wrote");
        assert_eq!(why("events: Ir\ntotals: x"), "callgrind's output has a line that cannot be read: \"x\"");
        assert_eq!(why("events: Ir\ntotals: 1 2"), "callgrind's output has 2 totals of 1 events");
        let cache = "events: Ir\ntotals: 1\ndesc: D1 cache: big";
        assert_eq!(why(cache), "callgrind's output has a line that cannot be read: \" D1 cache: big\"");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(
            cut in 0usize..400,
            noise in "[ -~\n]{0,40}",
            at in 0usize..400,
        ) {
            let mut text: String = DUMP.chars().take(cut).collect();
            text.insert_str(at.min(text.len()), &noise);
            let _ = Output::parse(&text);
        }
    }
}
