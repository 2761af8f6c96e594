//! Any bytes as the header of a shared segment, in a file of any length: refused with a reason, or in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perfbench_workloads::shm::validate;

fuzz_target!(|input: (u64, &[u8])| {
    let (file_bytes, bytes) = input;
    let _ = validate(bytes, file_bytes);
});
