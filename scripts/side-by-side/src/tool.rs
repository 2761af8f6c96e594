//! The tools that are compared and what one verdict of each takes. A file a tool holds its commands and reads its words.

mod criterion;
mod perfbench;
mod tango;

use crate::effect::Injection;
use crate::log::Judged;
use crate::work::Work;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A tool with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Tool {
    /// `perfbench gate` as it comes.
    Perfbench,
    /// criterion as it comes: 3 s of warm-up and 5 s of samples, twice.
    Criterion,
    /// criterion with 0.3 s of warm-up and 0.7 s of samples, twice.
    CriterionShort,
    /// tango as it comes: 0.1 s.
    Tango,
    /// tango with 1 s.
    TangoLong,
}

/// Where the tools lie and write.
#[derive(Debug, Clone)]
pub struct Places {
    /// Folder of `by-criterion` and `by-tango`.
    pub rivals: PathBuf,
    /// The perfbench whose gate is asked.
    pub perfbench: PathBuf,
    /// What it compares with; a copy of itself where nothing is named.
    pub perfbench_base: Option<String>,
    /// Its store, where it keeps what it built.
    pub store: PathBuf,
    /// A folder that is thrown away.
    pub scratch: PathBuf,
}

impl Places {
    /// The copy of an executable in the scratch folder, made where it is not there yet.
    fn copy(&self, executable: &Path, name: &str) -> Result<PathBuf, String> {
        let copy = self.scratch.join(name);
        if !copy.exists() {
            std::fs::copy(executable, &copy).map_err(|error| format!("{}: {error}", executable.display()))?;
        }
        Ok(copy)
    }
}

impl Tool {
    /// What the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Perfbench => "perfbench gate",
            Self::Criterion => "criterion, 3 + 5 s",
            Self::CriterionShort => "criterion, 0.3 + 0.7 s",
            Self::Tango => "tango, 0.1 s",
            Self::TangoLong => "tango, 1 s",
        }
    }

    /// Where its candidate spins.
    pub fn injection(self) -> Injection {
        if self == Self::Perfbench { Injection::Batch } else { Injection::Operation }
    }

    /// Asks once about a candidate that spins after each batch.
    ///
    /// # Errors
    /// What the tool said where it gave no verdict, or words that are not known.
    pub fn judge(self, work: &Work, spins: u64, places: &Places) -> Result<Judged, String> {
        match self {
            Self::Perfbench => perfbench::judge(work, spins, places),
            Self::Criterion => criterion::judge(work, spins, places, [3.0, 5.0]),
            Self::CriterionShort => criterion::judge(work, spins, places, [0.3, 0.7]),
            Self::Tango => tango::judge(work, spins, places, 0.1),
            Self::TangoLong => tango::judge(work, spins, places, 1.0),
        }
    }
}

/// Runs a command to its end; its standard output where the exit status is among those expected.
fn output(command: &mut Command, expected: &[i32]) -> Result<String, String> {
    let shown = format!("{command:?}");
    let Output { status, stdout, stderr } = command.output().map_err(|error| format!("{shown}: {error}"))?;
    if status.code().is_some_and(|code| expected.contains(&code)) {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(format!("{shown}: {status}\n{}", String::from_utf8_lossy(&stderr)))
}

/// The first number followed by a percent sign in a word such as `+1.02%*`; criterion writes a true minus.
fn percent(word: &str) -> Option<f64> {
    let number = word.trim_start_matches(['[', '+']).replace('\u{2212}', "-");
    number.split_once('%')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_with_either_minus() {
        assert_eq!(percent("+1.02%*"), Some(1.02));
        assert_eq!(percent("[\u{2212}11.181%"), Some(-11.181));
        assert_eq!(percent("-3%"), Some(-3.0));
        assert_eq!(percent("12.1"), None);
    }

    #[test]
    fn a_command_that_fails_tells_its_status_and_its_errors() {
        let failed = output(Command::new("sh").args(["-c", "echo oh >&2; exit 3"]), &[0, 1]).unwrap_err();
        assert!(failed.contains("exit status: 3") && failed.contains("oh"), "{failed}");
        assert_eq!(output(Command::new("sh").args(["-c", "echo x; exit 1"]), &[0, 1]), Ok("x\n".into()));
    }
}
