//! Any bytes as the stored record of a run: refused with a reason, or a record every row of which tells its time and its
//! class.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perfbench_harness::record::read;
use std::io::Write;
use std::sync::LazyLock;

static PLACE: LazyLock<std::path::PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("perfbench-fuzz-{}.ndjson", std::process::id())));

fuzz_target!(|bytes: &[u8]| {
    let mut file = std::fs::File::create(&*PLACE).expect("the folder for temporary files can be written");
    file.write_all(bytes).expect("and has room");
    let Ok(record) = read(&PLACE) else { return };
    for row in record.groups().into_iter().flat_map(|(_, rows)| rows) {
        if let Some(measured) = row.measured() {
            let _ = (measured.time(), measured.class(), measured.bounce_ns(), measured.metric("p99"));
        }
    }
});
