//! The judged gate as JUnit XML, for the test tabs of CI systems: slower is a failure, broke an error, what was not
//! compared or not resolved a skipped test with its reason.

use super::sentences::headline;
use super::{Gate, Row, Verdict};
use std::fmt::Write as _;

/// The XML of the gate: one suite, a test case a row, in an order and with attributes that the schemas of Ant and of Jenkins
/// both take.
pub fn render(gate: &Gate) -> String {
    let cases: String =
        gate.rows.iter().map(case).chain(gate.missed_targets.iter().map(|id| target(id))).collect();
    let failures = gate.count(Verdict::Slower) + gate.missed_targets.len();
    let seconds = gate.rows.iter().map(|row| row.seconds).sum::<f64>();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"perfbench gate\" package=\"perfbench\" \
         id=\"0\" hostname=\"localhost\" timestamp=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\" skipped=\"{}\" \
         time=\"{seconds:.3}\">\n{}{cases}<system-out>{}</system-out>\n<system-err></system-err>\n</testsuite>\n</testsuites>\n",
        escaped(gate.started.get(..19).unwrap_or(&gate.started)),
        gate.rows.len() + gate.missed_targets.len(),
        gate.count(Verdict::Broke),
        gate.rows.iter().filter(|row| is_skipped(row.verdict)).count(),
        properties(gate),
        escaped(&headline(gate)),
    )
}

fn properties(gate: &Gate) -> String {
    let told = [
        ("base", &gate.base.name),
        ("candidate", &gate.candidate.name),
        ("gate", &gate.gate),
        ("machine", &gate.machine),
    ];
    let property = |(name, value): (&str, &String)| {
        format!("<property name=\"{name}\" value=\"{}\"/>\n", escaped(value))
    };
    format!("<properties>\n{}</properties>\n", told.into_iter().map(property).collect::<String>())
}

/// A row that is neither good nor bad news: nothing was or could be told.
fn is_skipped(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unresolved | Verdict::Unchanged | Verdict::Unavailable)
}

fn case(row: &Row) -> String {
    let (class, name) = row.key.rsplit_once('/').unwrap_or(("", &row.key));
    let reason = escaped(&row.reason);
    let inner = match row.verdict {
        Verdict::Slower => failure("slower", &reason, &evidence(row)),
        Verdict::Broke => format!("<error type=\"broke\" message=\"{reason}\"/>"),
        verdict if is_skipped(verdict) => format!("<skipped message=\"{}: {reason}\"/>", verdict.word()),
        _ => String::new(),
    };
    let class = escaped(&class.replace('/', "."));
    let seconds = row.seconds;
    format!(
        "<testcase classname=\"{class}\" name=\"{}\" time=\"{seconds:.3}\">{inner}</testcase>\n",
        escaped(name)
    )
}

fn target(id: &str) -> String {
    let missed = failure("missed", "the documented target is missed", "");
    format!("<testcase classname=\"targets\" name=\"{}\" time=\"0\">{missed}</testcase>\n", escaped(id))
}

/// An element with an attribute that says it in short; both texts are escaped already.
fn failure(kind: &str, message: &str, text: &str) -> String {
    format!("<failure type=\"{kind}\" message=\"{message}\">{text}</failure>")
}

fn evidence(row: &Row) -> String {
    let [base, now] = super::sentences::times(row);
    let mut text = format!("a {}: {base} before, {now} now\n{}\n", row.unit_of_work, row.reason);
    for note in &row.notes {
        let _ = writeln!(text, "{note}");
    }
    escaped(&text)
}

/// Text for an element or an attribute; what XML 1.0 has no character for becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' => escaped += "&#10;",
            '\t' => escaped += "&#9;",
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture;
    use roxmltree::{Document, Node};

    fn cases<'a>(document: &'a Document<'_>) -> Vec<Node<'a, 'a>> {
        document.descendants().filter(|node| node.has_tag_name("testcase")).collect()
    }

    fn number(node: &Node<'_, '_>, name: &str) -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    }

    #[test]
    fn the_junit_of_a_gate_is_the_golden() {
        insta::assert_snapshot!(render(&fixture::gate()));
    }

    #[test]
    fn an_xml_reader_finds_every_row_with_its_verdict_and_the_totals_agree() {
        let gate = fixture::gate();
        let text = render(&gate);
        let document = Document::parse(&text).unwrap();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        let cases = cases(&document);
        let with = |name: &str| {
            cases.iter().filter(|case| case.children().any(|child| child.has_tag_name(name))).count()
        };
        assert_eq!(number(&suite, "tests"), cases.len());
        assert_eq!(cases.len(), gate.rows.len() + gate.missed_targets.len());
        for (total, element) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
            assert_eq!(number(&suite, total), with(element), "{total}");
        }
        let failed = cases.iter().find(|case| case.attribute("name") == Some("slower")).unwrap();
        assert_eq!(failed.attribute("classname"), Some("ring_spsc.hop"));
        assert!(failed.descendants().any(|node| node.text().is_some_and(|text| text.contains("before"))));
    }

    #[test]
    fn the_elements_stand_in_the_order_that_the_schemas_ask_for() {
        let text = render(&fixture::gate());
        let document = Document::parse(&text).unwrap();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        let mut names: Vec<&str> =
            suite.children().filter(Node::is_element).map(|node| node.tag_name().name()).collect();
        names.dedup();
        assert_eq!(names, ["properties", "testcase", "system-out", "system-err"]);
    }

    #[test]
    fn what_is_markup_or_no_character_of_xml_is_escaped_and_reads_back() {
        let hostile = "a<b> & \"c\" 'd' \u{0}\u{1b}[31m\u{ffff}\nline";
        let text = format!("<a b=\"{}\">{}</a>", escaped(hostile), escaped(hostile));
        let document = Document::parse(&text).unwrap();
        let expected = "a<b> & \"c\" 'd' \u{fffd}\u{fffd}[31m\u{fffd}\nline";
        assert_eq!(document.root_element().attribute("b"), Some(expected));
        assert_eq!(document.root_element().text(), Some(expected));
    }
}
