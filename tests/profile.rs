//! `perfbench profile` for real: one row sampled, stored, and shown again in every format. Where the machine lets nobody
//! sample by perf events, the refusal must say why, and a signal must do.

mod common;

use common::{output, stderr, stdout};
use std::fs;

const ROW: &str = "wire_message/serialise/flat_pooled";

/// The formats and how a file in each begins.
const FORMATS: [(&str, &str); 7] = [
    ("svg", "<?xml"),
    ("html", "<!doctype html>"),
    ("text", "wire_message/"),
    ("folded", ""),
    ("firefox", "{\"meta\""),
    ("speedscope", "{\"$schema\""),
    ("json", "{\"schema\":\"perfbench.profile/1\""),
];

#[test]
fn a_row_is_sampled_stored_shown_again_in_every_format_and_compared_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut sampled = output(folder.path(), &["profile", ROW, "-t", "500ms"]);
    if sampled.status.code() == Some(20) {
        let complaint = stderr(&sampled);
        if complaint.contains("environment refused") {
            return println!("not sampled here: {complaint}");
        }
        assert!(complaint.contains("cannot be profiled here") && complaint.contains("help:"), "{complaint}");
        sampled = output(folder.path(), &["profile", ROW, "-t", "500ms", "--clock", "signal"]);
    }
    assert_eq!(sampled.status.code(), Some(0), "{}", stderr(&sampled));
    let text = stdout(&sampled);
    assert!(text.contains("of the time is in") && text.contains(" Profile  "), "{text}");
    let stored: Vec<_> = fs::read_dir(folder.path().join("store/profiles")).unwrap().collect();
    assert_eq!(stored.len(), 3, "the profile, its picture and its page");

    let outputs = FORMATS.map(|(format, _)| format!("{format}=out.{format}"));
    let mut arguments = vec!["profile", "--from", "latest", "--base", "latest"];
    outputs.iter().for_each(|output| arguments.extend(["-o", output]));
    let shown = output(folder.path(), &arguments);
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    assert!(stdout(&shown).contains("Difference"), "{}", stdout(&shown));
    for (format, beginning) in FORMATS {
        let text = fs::read_to_string(folder.path().join(format!("out.{format}"))).unwrap();
        assert!(text.starts_with(beginning) && text.len() > 200, "{format}: {text:.100}");
    }

    let unknown = output(folder.path(), &["profile", "--from", "latest", "--annotate", "no_such_function"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
}
