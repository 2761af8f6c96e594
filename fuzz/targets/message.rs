//! Any bytes as a wire message: refused, or a message whose encoding is those bytes again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perfbench_workloads::wire_message::message::Message;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::parse(bytes) else { return };
    assert_eq!(message.wire_bytes(), bytes.len());
    let again = [&message.header.encode()[..], message.payload].concat();
    assert_eq!(again, bytes);
});
