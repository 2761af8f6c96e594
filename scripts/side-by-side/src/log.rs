//! What a comparison of tools leaves on disk: one JSON line an effect and a verdict, flushed one by one, so that a killed
//! run goes on where it was.

use crate::effect::Injection;
use crate::neighbour::Neighbour;
use crate::tool::Tool;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// What a spin costs a piece of work.
    Effect(Effect),
    /// What a tool said once.
    Verdict(Verdict),
}

/// A slowdown as it was calibrated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The piece of work.
    pub work: String,
    /// Where the candidate spins.
    pub injection: Injection,
    /// What was wanted, percent.
    pub asked_percent: f64,
    /// Steps of the spin for each operation.
    pub spins: u64,
    /// The slowdown that a paired trace found for it: the median, percent.
    pub percent: f64,
    /// Lower bound of its 95 % interval.
    pub low_percent: f64,
    /// Upper bound.
    pub high_percent: f64,
    /// Length of an operation without the spin.
    pub operation_ns: f64,
}

/// One verdict of one tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who was asked.
    pub tool: Tool,
    /// The piece of work.
    pub work: String,
    /// What ran beside.
    pub neighbour: Neighbour,
    /// The slowdown of the candidate, percent as asked for.
    pub asked_percent: f64,
    /// Wall time of all commands that the verdict takes, seconds.
    pub seconds: f64,
    /// Load of the machine over the minute before.
    pub load: f64,
    /// What it said.
    #[serde(flatten)]
    pub judged: Judged,
}

/// What a tool said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Its word.
    pub call: Call,
    /// Candidate over base, less one, percent.
    pub change_percent: f64,
    /// Its 95 % interval, where the tool states one.
    pub interval_percent: Option<[f64; 2]>,
    /// Whether the tool repeated the comparison and still says slower, where it repeats.
    pub confirmed: Option<bool>,
    /// The part of the time in which the sides were compared, seconds, where the tool says so.
    pub comparing_s: Option<f64>,
}

/// A tool's word on a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// It raises an alarm.
    Slower,
    /// It says that the candidate gained.
    Faster,
    /// It raises no alarm.
    Silent,
    /// It says that it cannot tell.
    Unresolved,
}

/// Everything known so far.
#[derive(Debug, Default)]
pub struct Known {
    /// Calibrated slowdowns.
    pub effects: Vec<Effect>,
    /// Verdicts in order.
    pub verdicts: Vec<Verdict>,
}

impl Known {
    /// Takes a line in.
    pub fn add(&mut self, line: Line) {
        match line {
            Line::Effect(effect) => self.effects.push(effect),
            Line::Verdict(verdict) => self.verdicts.push(verdict),
        }
    }

    /// The calibrated slowdown of a piece of work.
    pub fn effect(&self, work: &str, injection: Injection, asked_percent: f64) -> Option<&Effect> {
        let same = |effect: &&Effect| {
            (effect.work.as_str(), effect.injection, effect.asked_percent) == (work, injection, asked_percent)
        };
        self.effects.iter().find(same)
    }

    /// The slowdown that a verdict was given on, percent; none where it is not calibrated.
    pub fn truth_percent(&self, verdict: &Verdict) -> Option<f64> {
        let Verdict { tool, work, asked_percent, .. } = verdict;
        if *asked_percent == 0.0 {
            return Some(0.0);
        }
        self.effect(work, tool.injection(), *asked_percent).map(|effect| effect.percent)
    }
}

/// The file that grows by a line at a time.
pub struct Log(File);

impl Log {
    /// Opens or makes the file and reads what it holds. Half a line at the end, left by a kill, is cut off.
    ///
    /// # Errors
    /// What the disk refused, and whole lines that are not of this format.
    pub fn open(path: &Path) -> io::Result<(Self, Known)> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other?,
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let mut known = Known::default();
        for line in whole.lines() {
            known.add(serde_json::from_str(line)?);
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole.len() as u64)?;
        Ok((Self(file), known))
    }

    /// Writes a line.
    ///
    /// # Errors
    /// What the disk refused.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.0.write_all(text.as_bytes())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A verdict of nobody's in particular.
    pub(crate) fn verdict(
        tool: Tool,
        work: &str,
        asked_percent: f64,
        call: Call,
        change_percent: f64,
    ) -> Verdict {
        let judged =
            Judged { call, change_percent, interval_percent: None, confirmed: None, comparing_s: None };
        let (work, neighbour) = (work.into(), Neighbour::None);
        Verdict { tool, work, neighbour, asked_percent, seconds: 0.5, load: 0.1, judged }
    }

    #[test]
    fn half_a_line_left_by_a_kill_is_cut_off_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verdicts.ndjson");
        let line = Line::Verdict(verdict(Tool::Tango, "chase", 2.0, Call::Silent, 0.3));
        let (mut log, known) = Log::open(&path).unwrap();
        assert!(known.verdicts.is_empty());
        log.write(&line).unwrap();
        log.0.write_all(b"{\"kind\":\"verd").unwrap();
        drop(log);
        let (mut log, known) = Log::open(&path).unwrap();
        assert_eq!(known.verdicts.len(), 1);
        log.write(&line).unwrap();
        let (_, known) = Log::open(&path).unwrap();
        assert_eq!(known.verdicts[0], known.verdicts[1]);
    }

    #[test]
    fn a_line_of_another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("verdicts.ndjson");
        std::fs::write(&path, "{\"kind\":\"weather\"}\n").unwrap();
        assert!(Log::open(&path).is_err());
    }
}
