//! The processed format of the Firefox Profiler: a process, its threads, and their samples in order of time.

use super::tally::frames;
use fxprof_processed_profile::{
    CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, Profile as File, ReferenceTimestamp,
    SamplingInterval, ThreadHandle, Timestamp,
};
use perfbench_harness::record::{Profile, Sample};

/// The file. Threads and the process have made-up numbers: nothing refers to them outside.
pub fn render(profile: &Profile) -> String {
    let started_ms =
        profile.started.parse::<jiff::Timestamp>().map_or(0.0, |time| time.as_millisecond() as f64);
    let interval = SamplingInterval::from_nanos((1e9 / profile.wanted_hz.max(1.0)) as u64);
    let started = ReferenceTimestamp::from_millis_since_unix_epoch(started_ms);
    let mut file = File::new(&format!("perfbench {}", profile.row), started, interval);
    file.set_symbolicated(true);
    let start = Timestamp::from_nanos_since_reference(0);
    let process = file.add_process("perfbench", 1, start);
    for (index, name) in profile.threads.iter().enumerate() {
        let thread = file.add_thread(process, index as u32 + 1, start, index == 0);
        file.set_thread_name(thread, name);
        let samples = profile.samples.iter().filter(|sample| sample.thread as usize == index);
        samples.for_each(|sample| add(&mut file, thread, profile, sample));
    }
    serde_json::to_string(&file).expect("a file is plain data") + "\n"
}

fn add(file: &mut File, thread: ThreadHandle, profile: &Profile, sample: &Sample) {
    let infos: Vec<FrameInfo> = frames(profile, sample.stack)
        .map(|frame| FrameInfo {
            frame: Frame::Label(file.intern_string(&frame.function)),
            category_pair: CategoryHandle::OTHER.into(),
            flags: FrameFlags::empty(),
        })
        .collect();
    let stack = file.intern_stack_frames(thread, infos.into_iter());
    let time = Timestamp::from_nanos_since_reference(sample.time_ns as u64);
    file.add_sample(thread, time, stack, CpuDelta::from_nanos((1e9 / profile.wanted_hz) as u64), 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;
    use serde_json::Value;

    fn read(profile: &Profile) -> Value {
        serde_json::from_str(&render(profile)).unwrap()
    }

    /// The names of a stack of the file, outermost caller first.
    fn names(file: &Value, thread: &Value, stack: &Value) -> Vec<String> {
        let column = |table: &str, name: &str, index: &Value| {
            thread[table][name][index.as_u64().unwrap() as usize].clone()
        };
        let strings = if thread["stringArray"].is_array() {
            &thread["stringArray"]
        } else {
            &file["shared"]["stringArray"]
        };
        let (mut names, mut next) = (Vec::new(), stack.clone());
        while !next.is_null() {
            let function = column("frameTable", "func", &column("stackTable", "frame", &next));
            let name = column("funcTable", "name", &function);
            names.push(strings[name.as_u64().unwrap() as usize].as_str().unwrap().to_owned());
            next = column("stackTable", "prefix", &next);
        }
        names.reverse();
        names
    }

    #[test]
    fn the_firefox_file_of_the_fixture_is_the_golden() {
        let mut profile = fixture::profile();
        profile.samples.truncate(20);
        insta::assert_snapshot!(format!("{:#}", read(&profile)));
    }

    #[test]
    fn the_file_has_the_structure_that_the_profiler_reads() {
        let file = read(&fixture::profile());
        assert!(file["meta"]["version"].is_u64() && file["meta"]["preprocessedProfileVersion"].is_u64());
        assert_eq!(file["meta"]["startTime"].as_f64().unwrap(), 1_795_276_800_000.0);
        assert_eq!(file["meta"]["interval"].as_f64().unwrap(), 1.0);
        assert_eq!(file["meta"]["symbolicated"], true);
        let threads = file["threads"].as_array().unwrap();
        assert_eq!(threads.len(), 2);
        for thread in threads {
            for table in ["samples", "stackTable", "frameTable", "funcTable"] {
                let length = thread[table]["length"].as_u64().unwrap() as usize;
                let columns = thread[table].as_object().unwrap().values().filter_map(Value::as_array);
                assert!(columns.clone().count() > 0);
                assert!(columns.into_iter().all(|column| column.len() == length), "{table}");
            }
        }
    }

    #[test]
    fn what_is_read_back_holds_every_stack_in_its_order() {
        let profile = fixture::profile();
        let file = read(&profile);
        for (index, thread) in file["threads"].as_array().unwrap().iter().enumerate() {
            let stacks = thread["samples"]["stack"].as_array().unwrap();
            let told = stacks.iter().map(|stack| names(&file, thread, stack));
            let meant =
                profile.samples.iter().filter(|s| s.thread as usize == index).map(|sample| {
                    frames(&profile, sample.stack).map(|f| f.function.clone()).collect::<Vec<_>>()
                });
            assert!(told.eq(meant), "{}", thread["name"]);
        }
    }
}
