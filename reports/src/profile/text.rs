//! A profile on the terminal: the verdict, the hottest functions, the threads, how it was taken, what changed, and the
//! annotated code.

use super::View;
use super::annotate::{Annotated, Line, Source, annotated};
use super::difference::{Change, changes, reservations, sides};
use super::facts::{band, doubts, facts, origin, verdict};
use super::tally::{Function, Tally, ns_per_op, tally, tally_of_thread};
use crate::format::paint::Ink;
use crate::format::text::{Look, wrapped};
use crate::words;
use perfbench_harness::record::Profile;

/// Functions told at most.
const FUNCTIONS: usize = 12;

/// Functions told of each thread.
const OF_THREAD: usize = 3;

/// Threads told at most.
const THREADS: usize = 8;

/// The whole text.
pub fn render(view: &View<'_>, look: &Look) -> String {
    let profile = view.profile;
    let tally = tally(profile);
    let mut parts = vec![head(profile, &tally, look), functions(profile, &tally, look)];
    parts.extend((profile.threads.len() > 1).then(|| threads(profile, look)));
    parts.push(facts_lines(profile, look));
    parts.extend(view.base.map(|base| difference(base, profile, look)));
    parts.extend(annotated(view).ok().flatten().map(|annotated| code(&annotated, look)));
    parts.join("\n")
}

/// The verdict and what it rests on.
pub fn head(profile: &Profile, tally: &Tally<'_>, look: &Look) -> String {
    let mut text = format!("{}\n", look.paint.text(Ink::Strong, &profile.row));
    text += &wrapped(&origin(profile), "", "  ", look.width);
    for doubt in doubts(profile) {
        text += &look.paint.text(Ink::Doubt, wrapped(&doubt, " ! ", "   ", look.width).trim_end());
        text.push('\n');
    }
    text + &wrapped(&words::sentence(&verdict(tally)), " ", " ", look.width)
}

/// The verdict alone, for `--quiet`.
pub fn summary(view: &View<'_>, look: &Look) -> String {
    head(view.profile, &tally(view.profile), look)
}

fn functions(profile: &Profile, tally: &Tally<'_>, look: &Look) -> String {
    let title = row(["self", "95 % band", "per op", "total"].map(str::to_owned), "function", look);
    let lines: String = tally
        .functions
        .iter()
        .take(FUNCTIONS)
        .map(|function| function_line(profile, tally, function, look))
        .collect();
    format!("{}{lines}{}", look.paint.text(Ink::Quiet, &title), rest(tally, look))
}

fn function_line(profile: &Profile, tally: &Tally<'_>, function: &Function<'_>, look: &Look) -> String {
    let own = tally.share(function.own);
    let per_op = ns_per_op(profile).map_or("-".into(), |ns| words::time(ns * own.value));
    let cells =
        [words::percent(own.value), band(&own), per_op, words::percent(tally.share(function.total).value)];
    let inlined = if function.inlined { " (inlined)" } else { "" };
    row(cells, &format!("{}{inlined}", function.name), look)
}

/// Four cells and a name, which loses its beginning where it is too long.
fn row([own, band, per_op, total]: [String; 4], name: &str, look: &Look) -> String {
    let cells = format!(" {own:>7} {band:>13} {per_op:>7} {total:>7}  ");
    let name = shortened(name, look.width.saturating_sub(cells.chars().count()));
    format!("{cells}{name}\n")
}

fn rest(tally: &Tally<'_>, look: &Look) -> String {
    let rest = &tally.functions[FUNCTIONS.min(tally.functions.len())..];
    let own: usize = rest.iter().map(|function| function.own).sum();
    match rest.len() {
        0 => String::new(),
        count => {
            let functions = words::plural(count, "function");
            let text =
                format!(" and {functions} more, {} together\n", words::percent(tally.share(own).value));
            look.paint.text(Ink::Quiet, &text)
        }
    }
}

/// The end of a text that is too long: names differ there.
fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    match length <= width {
        true => text.to_owned(),
        false => format!("..{}", text.chars().skip(length + 2 - width.max(2)).collect::<String>()),
    }
}

fn threads(profile: &Profile, look: &Look) -> String {
    let told: String = profile
        .threads
        .iter()
        .enumerate()
        .take(THREADS)
        .map(|(index, name)| thread_lines(name, &tally_of_thread(profile, index), look))
        .collect();
    let left = profile.threads.len().saturating_sub(THREADS);
    let rest =
        if left > 0 { format!(" and {} more\n", words::plural(left, "thread")) } else { String::new() };
    format!(" {}\n{told}{rest}", look.paint.text(Ink::Strong, "Threads"))
}

fn thread_lines(name: &str, tally: &Tally<'_>, look: &Look) -> String {
    let share = |f: &Function<'_>| format!("{} {}", words::percent(tally.share(f.own).value), f.name);
    let hottest: Vec<String> =
        tally.functions.iter().filter(|f| f.own > 0).take(OF_THREAD).map(share).collect();
    let samples = words::plural(tally.samples, "sample");
    let lines =
        hottest.iter().map(|text| format!("     {}\n", shortened(text, look.width.saturating_sub(5))));
    format!("   {name}, {samples}\n{}", lines.collect::<String>())
}

fn facts_lines(profile: &Profile, look: &Look) -> String {
    let line = |(name, sentence): (&str, String)| {
        wrapped(&sentence, &format!(" {:9}", words::capitalised(name)), &format!(" {:9}", ""), look.width)
    };
    facts(profile).into_iter().map(line).collect()
}

fn difference(base: &Profile, now: &Profile, look: &Look) -> String {
    let mut text = format!(" {}\n", look.paint.text(Ink::Strong, "Difference"));
    text += &wrapped(&sides(base, now), "   ", "   ", look.width);
    for reservation in reservations(base, now) {
        let told = wrapped(&reservation, " ! ", "   ", look.width);
        text += &format!("{}\n", look.paint.text(Ink::Doubt, told.trim_end()));
    }
    let lines = changes(base, now).into_iter().take(FUNCTIONS).map(|change| change_lines(&change, look));
    text + &lines.collect::<String>()
}

fn change_lines(change: &Change<'_>, look: &Look) -> String {
    let per_op = match (change.before_ns, change.after_ns) {
        (Some(before), Some(after)) => {
            format!(", {} an operation, was {}", words::time(after), words::time(before))
        }
        _ => String::new(),
    };
    let shares =
        format!("{}, was {}", words::percent(change.after.value), words::percent(change.before.value));
    let name = shortened(change.name, look.width.saturating_sub(3));
    format!(
        "   {name}\n{}",
        wrapped(&format!("{}: {shares}{per_op}", change.direction()), "     ", "     ", look.width)
    )
}

fn code(annotated: &Annotated<'_>, look: &Look) -> String {
    let mut text = format!(" {}\n", look.paint.text(Ink::Strong, "Code"));
    text += &wrapped(&code_sentence(annotated), "   ", "   ", look.width);
    for line in annotated.excerpt() {
        text += &line.map_or("   ...\n".into(), |line| instruction_lines(line, look));
    }
    text
}

/// What the annotated code shows, and how far it can be trusted.
pub fn code_sentence(annotated: &Annotated<'_>) -> String {
    let Annotated { function, samples, of, hot_loop, .. } = annotated;
    let of_all = words::percent(*samples as f64 / (*of).max(1) as f64);
    let samples = words::plural(*samples, "sample");
    let hot = match hot_loop {
        Some(range) => format!(
            "; the loop from {:x} to {:x}, marked |, holds {}",
            range.start,
            range.end,
            super::facts::banded(&annotated.loop_share())
        ),
        None => "; no loop of it holds a sample".into(),
    };
    format!(
        "{function}: {samples}, {of_all} of all{hot}. A sample names the instruction at which the CPU was stopped, often one \
         after the one that took the time."
    )
}

fn instruction_lines(line: &Line<'_>, look: &Look) -> String {
    let source = line.source.map_or(String::new(), |source| {
        let text = shortened_end(&source_text(&source), look.width.saturating_sub(5));
        look.paint.text(Ink::Quiet, &format!("     {text}\n"))
    });
    let (share, band) = match line.samples {
        0 => (String::new(), String::new()),
        _ => (words::percent(line.share.value), band(&line.share)),
    };
    let mark = if line.in_loop { '|' } else { ' ' };
    let text = format!(" {mark} {share:>7} {band:>13} {:>8x}  {}", line.offset, line.text);
    format!("{source}{}\n", shortened_end(text.trim_end(), look.width))
}

/// `ring.rs:31  list.iter()`, or the place alone.
pub fn source_text(source: &Source<'_>) -> String {
    let file = source.file.rsplit('/').next().unwrap_or(source.file);
    match source.text {
        Some(text) => format!("{file}:{}  {}", source.line, text.trim()),
        None => format!("{file}:{}", source.line),
    }
}

fn shortened_end(text: &str, width: usize) -> String {
    match text.chars().count() <= width {
        true => text.to_owned(),
        false => format!("{}..", text.chars().take(width.saturating_sub(2)).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::paint::Paint;
    use crate::profile::fixture;

    fn text(profile: &Profile, base: Option<&Profile>, look: &Look) -> String {
        let sources = fixture::sources();
        render(&View { base, ..fixture::view(profile, &sources) }, look)
    }

    #[test]
    fn the_text_of_the_fixture_is_the_golden() {
        insta::assert_snapshot!(text(&fixture::profile(), None, &Look::plain()));
    }

    #[test]
    fn the_text_beside_a_base_on_another_architecture_is_the_golden() {
        let look = Look { width: 120, ..Look::plain() };
        insta::assert_snapshot!(text(&fixture::on_aarch64(), Some(&fixture::base()), &look));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_colour_changes_no_word() {
        let base = fixture::base();
        for width in [80, 100, 120] {
            let look = Look { width, ..Look::plain() };
            let plain = text(&fixture::profile(), Some(&base), &look);
            let widest = plain.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= width, "{widest}");
            let coloured = text(&fixture::profile(), Some(&base), &Look { paint: Paint::Ansi, ..look });
            let codes = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m"];
            assert_ne!(coloured, plain);
            assert_eq!(codes.iter().fold(coloured, |text, code| text.replace(code, "")), plain);
        }
    }

    #[test]
    fn more_functions_than_fit_are_counted_together() {
        let mut profile = fixture::profile();
        for index in 0..20u32 {
            profile.frames.push(perfbench_harness::record::Frame {
                function: format!("rare_{index}"),
                ..Default::default()
            });
            profile.stacks.push(vec![0, profile.frames.len() as u32 - 1]);
            profile.samples[index as usize].stack = profile.stacks.len() as u32 - 1;
        }
        let told = text(&profile, None, &Look::plain());
        assert!(told.contains("functions more, ") && !told.contains("rare_19"), "{told}");
    }
}
