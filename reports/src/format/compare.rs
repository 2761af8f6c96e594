//! A comparison as text, Markdown and JSON: what changed first.

use super::markdown;
use super::paint::Ink;
use super::text::{Look, wrapped};
use crate::compare::{Change, Compared, Comparison};
use crate::words;

/// The comparison for a terminal: one line a row, slower ones first.
pub fn text(comparison: &Comparison, look: &Look) -> String {
    let mut text = format!("{}\n", look.paint.text(Ink::Strong, &title(comparison)));
    for reservation in &comparison.reservations {
        text += &wrapped(reservation, " ! ", "   ", look.width);
    }
    text += &format!("\n {:34} {:>7} {:>7}  change [95 %]\n", "", "base", "now");
    text += &ordered(comparison).into_iter().map(|row| text_line(row, look)).collect::<String>();
    for (key, why) in &comparison.incomparable {
        text += &wrapped(why, &format!(" {key:34} "), &" ".repeat(36), look.width);
    }
    text + "\n" + &wrapped(&summary(comparison), " ", "   ", look.width)
}

fn text_line(row: &Compared, look: &Look) -> String {
    let times = [row.base_ns, row.candidate_ns].map(|time| words::time(time.value));
    let head = format!(" {:34} {:>7} {:>7}  ", row.key, times[0], times[1]);
    let line = wrapped(&sentence(row), &head, &" ".repeat(52), look.width);
    match ink(row.change) {
        Some(ink) => format!("{}\n", look.paint.text(ink, line.trim_end())),
        None => line,
    }
}

fn ink(change: Change) -> Option<Ink> {
    match change {
        Change::Slower => Some(Ink::Bad),
        Change::Faster => Some(Ink::Good),
        Change::Unresolved => Some(Ink::Doubt),
        Change::Same => None,
    }
}

/// The comparison as Markdown: a sentence, what changed, the rest folded.
pub fn markdown(comparison: &Comparison) -> String {
    let (same, changed): (Vec<&Compared>, Vec<&Compared>) =
        ordered(comparison).into_iter().partition(|row| row.change == Change::Same);
    let titles = ["row", "base", "now", "change"];
    let lines = |rows: Vec<&Compared>| rows.into_iter().map(markdown_line).collect::<Vec<_>>();
    let mut text = format!("**{}**\n\n{}\n", summary(comparison), title(comparison));
    for reservation in &comparison.reservations {
        text += &format!("\n- {reservation}");
    }
    text += "\n";
    text += &markdown::table("What changed or is not resolved", &titles, &lines(changed));
    text += &markdown::folded("the same", &markdown::table("", &titles, &lines(same)));
    let absent: Vec<String> = comparison
        .incomparable
        .iter()
        .map(|(key, why)| markdown::cells_line(&[&markdown::code(key), why]))
        .collect();
    text + &markdown::folded("not comparable", &markdown::table("", &["row", "why"], &absent))
}

fn markdown_line(row: &Compared) -> String {
    let times = [row.base_ns, row.candidate_ns].map(|time| words::time(time.value));
    markdown::cells_line(&[&markdown::code(&row.key), &times[0], &times[1], &sentence(row)])
}

/// The comparison as indented JSON.
pub fn json(comparison: &Comparison) -> String {
    serde_json::to_string_pretty(comparison).expect("the model has string keys only") + "\n"
}

fn title(comparison: &Comparison) -> String {
    let (base, now) = (&comparison.base, &comparison.candidate);
    format!("{} of {} compared with {} of {}", now.run, now.started, base.run, base.started)
}

/// `Compared 14: 1 slower, 0 faster, 12 same within 3 %, 1 unresolved; 3 not comparable`.
pub fn summary(comparison: &Comparison) -> String {
    let count = |change| comparison.rows.iter().filter(|row| row.change == change).count();
    format!(
        "Compared {}: {} slower, {} faster, {} same within {}, {} unresolved; {} not comparable",
        comparison.rows.len(),
        count(Change::Slower),
        count(Change::Faster),
        count(Change::Same),
        margin(comparison),
        count(Change::Unresolved),
        comparison.incomparable.len()
    )
}

fn margin(comparison: &Comparison) -> String {
    format!("{} %", words::number((1e4 * comparison.same_within).round() / 100.0))
}

/// Slower first, then faster, unresolved and same; within each the largest change first.
fn ordered(comparison: &Comparison) -> Vec<&Compared> {
    let rank = |row: &Compared| match row.change {
        Change::Slower => 0,
        Change::Faster => 1,
        Change::Unresolved => 2,
        Change::Same => 3,
    };
    let size = |row: &Compared| row.speedup.value.ln().abs();
    let mut rows: Vec<&Compared> = comparison.rows.iter().collect();
    rows.sort_by(|a, b| rank(a).cmp(&rank(b)).then(size(b).total_cmp(&size(a))));
    rows
}

fn sentence(row: &Compared) -> String {
    let time = match row.change {
        Change::Same => format!("same, {:.3}x - {:.3}x", row.speedup.low, row.speedup.high),
        Change::Unresolved => unresolved(row),
        _ => words::direction(&row.speedup),
    };
    let count = |c: &crate::compare::CountChange| {
        format!(", {} {} before, {} now", c.name, words::number(c.base), words::number(c.candidate))
    };
    time + &row.counts.iter().map(count).collect::<String>()
}

fn unresolved(row: &Compared) -> String {
    let sees = row.would_see.map_or("a single launch sees nothing".into(), |share| {
        format!("would have seen {}", words::percent(share))
    });
    format!("unresolved, {:.3}x - {:.3}x, {sees}", row.speedup.low, row.speedup.high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Policy, compare};
    use crate::fixture;

    fn comparison() -> Comparison {
        compare(&fixture::record(), &fixture::later(), &Policy::default()).unwrap()
    }

    #[test]
    fn the_text_of_a_comparison_is_the_golden() {
        insta::assert_snapshot!(text(&comparison(), &Look::plain()));
    }

    #[test]
    fn the_markdown_of_a_comparison_is_the_golden() {
        insta::assert_snapshot!(markdown(&comparison()));
    }

    #[test]
    fn an_unresolved_row_says_what_would_have_been_seen() {
        let mut row = comparison().rows.remove(0);
        (row.change, row.would_see) = (Change::Unresolved, Some(0.031));
        assert!(sentence(&row).ends_with("would have seen 3.10 %"), "{}", sentence(&row));
        row.would_see = None;
        assert!(sentence(&row).ends_with("a single launch sees nothing"));
    }

    #[test]
    fn the_json_of_a_comparison_reads_back() {
        let value: serde_json::Value = serde_json::from_str(&json(&comparison())).unwrap();
        assert_eq!(value["rows"].as_array().unwrap().len(), comparison().rows.len());
    }
}
