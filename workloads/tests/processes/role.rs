//! Processes that are this program again in a role, and names that are looked for.

use perfbench_workloads::shm::{Name, Segment, SegmentError};
use std::io::Read;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "PERFBENCH_TEST_ROLE";
const ARGUMENT: &str = "PERFBENCH_TEST_ARGUMENT";

/// The role that this process was started in.
pub fn asked() -> Option<(String, String)> {
    Some((std::env::var(ROLE).ok()?, std::env::var(ARGUMENT).unwrap_or_default()))
}

/// Starts a process in a role.
pub fn start(role: &str, argument: &str) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.env(ROLE, role).env(ARGUMENT, argument).stdout(Stdio::piped());
    command.spawn().expect("this program starts again")
}

/// Tells whoever started this process that it is as far as promised.
pub fn ready() {
    println!("ready");
}

/// Waits for [`ready`].
pub fn wait_until_ready(child: &mut Child) {
    let mut line = [0; 6];
    let told = child.stdout.as_mut().expect("a pipe").read_exact(&mut line);
    told.expect("the role says that it is ready");
}

/// Kills a process and waits until the kernel has forgotten it.
pub fn kill(mut child: Child) {
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
}

/// Whether there is no segment of that name.
pub fn is_missing(name: &str, layout: u64) -> bool {
    let missing = SegmentError::Missing { name: Name::new(name).expect("a name of this test") };
    Segment::open(name, layout).err() == Some(missing)
}
