//! The machine code of one function, with what share of its samples fell on each instruction, its source lines, and the
//! loop that is hot.

use super::disassemble::{Instruction, bytes, disassemble};
use super::tally::frames;
use super::{Sources, View};
use perfbench_harness::record::{Code, Profile};
use perfbench_harness::stats::Interval;
use perfbench_harness::stats::proportion::wilson;
use std::fmt;
use std::ops::Range;

/// The hot loop is the shortest that holds this share of what the fullest one holds.
const LOOP_SHARE: f64 = 0.9;

/// In an excerpt, instructions with a larger share than this are told, and as many around each.
const TOLD: f64 = 0.02;
const AROUND: usize = 2;

/// Functions of no more instructions are told whole.
const WHOLE: usize = 40;

/// The code of one function.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotated<'a> {
    /// Demangled name.
    pub function: &'a str,
    /// Samples on its instructions.
    pub samples: usize,
    /// Samples of the whole profile.
    pub of: usize,
    /// Its instructions.
    pub lines: Vec<Line<'a>>,
    /// Where the hot loop lies, bytes from the start of the image; none where there is no loop with samples.
    pub hot_loop: Option<Range<u64>>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// The source line that begins here.
    pub source: Option<Source<'a>>,
    /// Bytes from the start of the image.
    pub offset: u64,
    /// What it does.
    pub text: String,
    /// Samples on it.
    pub samples: usize,
    /// Their share of the function's, with its 95 % band.
    pub share: Interval,
    /// Whether it belongs to the hot loop.
    pub in_loop: bool,
}

/// A source line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// File.
    pub file: &'a str,
    /// Its number, from 1.
    pub line: u32,
    /// What it says, where the file is at hand.
    pub text: Option<&'a str>,
}

/// The function that was asked for has no code in the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unannotated {
    /// What was asked for.
    pub asked: String,
    /// The functions whose code is there, hottest first.
    pub known: Vec<String>,
}

impl fmt::Display for Unannotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the profile holds no code of `{}`", self.asked)
    }
}

/// The code of the wanted function; none where none was asked for and the profile holds no code that can be read.
///
/// # Errors
/// [`Unannotated`] where the function that was asked for is not there.
pub fn annotated<'a>(view: &View<'a>) -> Result<Option<Annotated<'a>>, Unannotated> {
    let known = &view.profile.code;
    let wanted = |code: &&Code| view.function.is_none_or(|part| code.function.contains(part));
    let found = known.iter().find(wanted);
    let annotated = found.and_then(|code| annotate(view.profile, code, view.sources));
    match (view.function, annotated) {
        (Some(asked), None) => Err(Unannotated {
            asked: asked.into(),
            known: known.iter().map(|code| code.function.clone()).collect(),
        }),
        (_, annotated) => Ok(annotated),
    }
}

fn annotate<'a>(profile: &Profile, code: &'a Code, sources: &'a Sources) -> Option<Annotated<'a>> {
    let instructions = disassemble(&profile.architecture, &bytes(&code.bytes)?, code.offset)?;
    let counts = counts(profile, code, &instructions);
    let samples = counts.iter().sum();
    let hot_loop = hot_loop(&instructions, &counts);
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut before = None;
    for (instruction, count) in instructions.into_iter().zip(counts) {
        let source = source(code, instruction.offset, sources);
        let begins = source.filter(|source| before != Some(*source));
        before = source;
        lines.push(Line {
            source: begins,
            offset: instruction.offset,
            text: instruction.text,
            samples: count,
            share: wilson(count, samples, 0.95),
            in_loop: hot_loop.as_ref().is_some_and(|range| range.contains(&instruction.offset)),
        });
    }
    Some(Annotated { function: &code.function, samples, of: profile.samples.len(), lines, hot_loop })
}

/// Samples on each instruction.
fn counts(profile: &Profile, code: &Code, instructions: &[Instruction]) -> Vec<usize> {
    let mut counts = vec![0; instructions.len()];
    let of_module = profile.samples.iter().filter(|sample| {
        frames(profile, sample.stack).next_back().is_some_and(|leaf| leaf.module == code.module)
    });
    for sample in of_module {
        let after = instructions.partition_point(|instruction| instruction.offset <= sample.offset);
        let Some(index) = after.checked_sub(1) else { continue };
        let instruction = &instructions[index];
        counts[index] += usize::from(sample.offset < instruction.offset + instruction.size_bytes);
    }
    counts
}

fn source<'a>(code: &'a Code, offset: u64, sources: &'a Sources) -> Option<Source<'a>> {
    let after = code.lines.partition_point(|(start, _, _)| *start <= offset);
    let (_, file, line) = code.lines.get(after.checked_sub(1)?)?;
    let text = sources.get(file).and_then(|text| text.lines().nth((*line as usize).checked_sub(1)?));
    Some(Source { file, line: *line, text })
}

/// The loop that holds most of the samples, and of those that hold nearly as many the shortest. A loop is what lies
/// between a jump back and its target.
fn hot_loop(instructions: &[Instruction], counts: &[usize]) -> Option<Range<u64>> {
    let start = instructions.first()?.offset;
    let inside = |range: &Range<u64>| -> usize {
        let of_range = instructions.iter().zip(counts).filter(|(i, _)| range.contains(&i.offset));
        of_range.map(|(_, count)| *count).sum()
    };
    let back = |jump: &Instruction| {
        let target = jump.target.filter(|target| (start..=jump.offset).contains(target))?;
        Some(target..jump.offset + jump.size_bytes)
    };
    let loops: Vec<(Range<u64>, usize)> =
        instructions.iter().filter_map(back).map(|range| (range.clone(), inside(&range))).collect();
    let most = loops.iter().map(|(_, samples)| *samples).max().filter(|most| *most > 0)?;
    let nearly = loops.into_iter().filter(|(_, samples)| *samples as f64 >= LOOP_SHARE * most as f64);
    nearly.map(|(range, _)| range).min_by_key(|range| range.end - range.start)
}

impl<'a> Annotated<'a> {
    /// The share of the function's samples that fell into the hot loop.
    pub fn loop_share(&self) -> Interval {
        let inside = self.lines.iter().filter(|line| line.in_loop).map(|line| line.samples).sum();
        wilson(inside, self.samples, 0.95)
    }

    /// The lines worth telling: all of a short function, of a long one the hot loop and what lies around samples; none
    /// stands for those left out.
    pub fn excerpt(&self) -> Vec<Option<&Line<'a>>> {
        let hot = |line: &Line<'_>| line.in_loop || line.share.value > TOLD;
        let told = |index: usize| {
            let around = index.saturating_sub(AROUND)..(index + AROUND + 1).min(self.lines.len());
            self.lines.len() <= WHOLE || self.lines[around].iter().any(hot)
        };
        let mut excerpt: Vec<Option<&Line<'a>>> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            if told(index) {
                excerpt.push(Some(line));
            } else if excerpt.last().is_none_or(Option::is_some) {
                excerpt.push(None);
            }
        }
        excerpt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture::{self, LOOP};

    fn shown(profile: &Profile) -> Annotated<'static> {
        let (profile, sources) =
            (Box::leak(Box::new(profile.clone())), Box::leak(Box::new(fixture::sources())));
        annotated(&fixture::view(profile, sources)).unwrap().unwrap()
    }

    #[test]
    fn every_sample_of_the_function_falls_on_one_instruction() {
        for profile in [fixture::profile(), fixture::on_aarch64()] {
            let shown = shown(&profile);
            assert_eq!((shown.samples, shown.of), (1100, 2000), "{}", profile.architecture);
            assert_eq!(shown.lines.iter().map(|line| line.samples).sum::<usize>(), 1100);
        }
    }

    #[test]
    fn the_jump_back_and_its_target_are_the_hot_loop_on_either_architecture() {
        let shown_on = [(fixture::profile(), 0x5..0x15, 5), (fixture::on_aarch64(), 0x4..0x14, 4)];
        for (profile, range, instructions) in shown_on {
            let shown = shown(&profile);
            assert_eq!(
                shown.hot_loop,
                Some(LOOP + range.start..LOOP + range.end),
                "{}",
                profile.architecture
            );
            assert_eq!(shown.lines.iter().filter(|line| line.in_loop).count(), instructions);
            assert_eq!(shown.loop_share().value, 10.0 / 11.0);
        }
    }

    #[test]
    fn a_source_line_stands_where_it_begins_with_its_text() {
        let shown = shown(&fixture::profile());
        let lines: Vec<(u32, Option<&str>)> = shown
            .lines
            .iter()
            .filter_map(|line| line.source)
            .map(|source| (source.line, source.text))
            .collect();
        let numbers: Vec<u32> = lines.iter().map(|line| line.0).collect();
        assert_eq!(numbers, [30, 32, 31, 33, 35]);
        assert_eq!(lines[0].1, Some("fn fold(list: &[u64], seed: u64) -> u64 {"));
        assert_eq!(lines[4].1, None);
    }

    #[test]
    fn a_function_without_code_is_refused_by_name_and_none_asked_for_is_none() {
        let (mut profile, sources) = (fixture::profile(), Sources::new());
        let asked = View { function: Some("push"), ..fixture::view(&profile, &sources) };
        let refused = annotated(&asked).unwrap_err();
        assert_eq!(refused.known, [fixture::profile().code[0].function.clone()]);
        profile.code.clear();
        assert_eq!(annotated(&fixture::view(&profile, &sources)), Ok(None));
    }

    #[test]
    fn of_nested_loops_the_inner_one_is_hot_only_where_nearly_all_samples_are_in_it() {
        let jump = |offset, target| Instruction { offset, size_bytes: 1, text: "j".into(), target };
        let code = [jump(0, None), jump(1, None), jump(2, Some(1)), jump(3, None), jump(4, Some(0))];
        assert_eq!(hot_loop(&code, &[2, 90, 10, 0, 0]), Some(1..3));
        assert_eq!(hot_loop(&code, &[30, 50, 10, 5, 5]), Some(0..5));
        assert_eq!(hot_loop(&code, &[0; 5]), None);
    }

    #[test]
    fn of_a_long_function_only_what_lies_around_samples_is_told() {
        let mut profile = fixture::profile();
        profile.code[0].bytes.push_str(&"90".repeat(200));
        let (shown, whole) = (shown(&profile), shown(&fixture::profile()));
        assert_eq!((shown.lines.len(), whole.excerpt().len()), (whole.lines.len() + 200, whole.lines.len()));
        let excerpt = shown.excerpt();
        assert!(excerpt.len() < 15 && excerpt.last() == Some(&None), "{}", excerpt.len());
    }
}
