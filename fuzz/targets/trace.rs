//! Any bytes as an allocation trace, plain or compressed: an error that names the line, or a trace whose every free names
//! a live block.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perfbench_workloads::arena::trace;

fuzz_target!(|bytes: &[u8]| {
    let _ = trace::parse(bytes);
});
