//! The file format of speedscope: frames once, and for every thread its samples in order of time.

use perfbench_harness::record::{Frame, Profile, Sample};
use serde::Serialize;

/// Names the schema that the file keeps to.
const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

/// A file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: &'a str,
    exporter: String,
    active_profile_index: usize,
    shared: Shared<'a>,
    profiles: Vec<Thread<'a>>,
}

/// What all threads refer to.
#[derive(Debug, Serialize)]
struct Shared<'a> {
    frames: Vec<Place<'a>>,
}

/// One frame.
#[derive(Debug, Serialize)]
struct Place<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

/// The samples of one thread.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Thread<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    unit: &'static str,
    start_value: f64,
    end_value: f64,
    samples: Vec<&'a [u32]>,
    weights: Vec<f64>,
}

/// The file; each sample weighs as much: the time on a CPU, all threads together, by the number of samples.
pub fn render(profile: &Profile) -> String {
    let file = File {
        schema: SCHEMA,
        name: &profile.row,
        exporter: format!("perfbench@{}", profile.version),
        active_profile_index: 0,
        shared: Shared { frames: profile.frames.iter().map(place).collect() },
        profiles: (0..profile.threads.len()).map(|index| thread(profile, index)).collect(),
    };
    serde_json::to_string(&file).expect("a file is plain data") + "\n"
}

fn place(frame: &Frame) -> Place<'_> {
    Place { name: &frame.function, file: frame.file.as_deref(), line: frame.line }
}

fn thread(profile: &Profile, index: usize) -> Thread<'_> {
    let of_thread = |sample: &&Sample| sample.thread as usize == index;
    let samples: Vec<&[u32]> = profile
        .samples
        .iter()
        .filter(of_thread)
        .map(|sample| profile.stacks[sample.stack as usize].as_slice())
        .collect();
    let period_ns = profile.task_clock_ns / profile.samples.len() as f64;
    Thread {
        kind: "sampled",
        name: &profile.threads[index],
        unit: "nanoseconds",
        start_value: 0.0,
        end_value: period_ns * samples.len() as f64,
        weights: vec![period_ns; samples.len()],
        samples,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;
    use crate::profile::tally::frames;
    use serde_json::Value;

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    fn short() -> Profile {
        let mut profile = fixture::profile();
        profile.samples.truncate(20);
        profile
    }

    #[test]
    fn the_speedscope_file_of_the_fixture_is_the_golden() {
        let value: Value = serde_json::from_str(&render(&short())).unwrap();
        insta::assert_snapshot!(format!("{value:#}"));
    }

    #[test]
    fn the_file_keeps_to_the_rules_of_the_published_schema() {
        let file: Value = serde_json::from_str(&render(&fixture::profile())).unwrap();
        assert_eq!(file["$schema"], SCHEMA);
        for known in keys(&file) {
            let all = ["$schema", "activeProfileIndex", "exporter", "name", "profiles", "shared"];
            assert!(all.contains(&known), "{known}");
        }
        let frames = file["shared"]["frames"].as_array().unwrap();
        for frame in frames {
            assert!(frame["name"].is_string(), "{frame}");
            assert!(keys(frame).iter().all(|key| ["name", "file", "line", "col"].contains(key)), "{frame}");
            assert!(frame.get("line").is_none_or(Value::is_u64), "{frame}");
        }
        for profile in file["profiles"].as_array().unwrap() {
            let required = ["endValue", "name", "samples", "startValue", "type", "unit", "weights"];
            assert_eq!(keys(profile), required);
            assert_eq!(profile["type"], "sampled");
            let units = ["bytes", "microseconds", "milliseconds", "nanoseconds", "none", "seconds"];
            assert!(units.contains(&profile["unit"].as_str().unwrap()));
            let samples = profile["samples"].as_array().unwrap();
            let weights = profile["weights"].as_array().unwrap();
            assert_eq!(samples.len(), weights.len());
            let index = |index: &Value| index.as_u64().is_some_and(|index| index < frames.len() as u64);
            assert!(samples.iter().all(|stack| stack.as_array().unwrap().iter().all(index)));
            let sum: f64 = weights.iter().map(|weight| weight.as_f64().unwrap()).sum();
            let length = profile["endValue"].as_f64().unwrap() - profile["startValue"].as_f64().unwrap();
            assert!((sum - length).abs() <= 1e-6 * length, "{sum} in {length}");
        }
    }

    #[test]
    fn what_is_read_back_holds_every_stack_in_its_order() {
        let profile = fixture::profile();
        let file: Value = serde_json::from_str(&render(&profile)).unwrap();
        for (index, thread) in file["profiles"].as_array().unwrap().iter().enumerate() {
            let told = thread["samples"].as_array().unwrap().iter().map(|stack| {
                let name = |frame: &Value| {
                    let frame = frame.as_u64().unwrap() as usize;
                    file["shared"]["frames"][frame]["name"].as_str().unwrap().to_owned()
                };
                stack.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
            });
            let meant =
                profile.samples.iter().filter(|s| s.thread as usize == index).map(|sample| {
                    frames(&profile, sample.stack).map(|f| f.function.clone()).collect::<Vec<_>>()
                });
            assert!(told.eq(meant), "{}", thread["name"]);
        }
    }
}
