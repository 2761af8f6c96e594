//! Structures in named shared memory under real processes, some of which are killed at any point: as this test's user and,
//! where that is root, as nobody. One thread, because it forks. A module a structure; roles are this program again.

mod maps;
mod queues;
mod role;
mod segments;
mod structures;
mod tables;
mod traced;

use std::os::unix::process::CommandExt;
use std::process::Command;

/// What a process that was asked for by name does.
pub type Role = (&'static str, fn(&str));

/// A promise and the function that shows it.
pub type Scenario = (&'static str, fn());

fn main() {
    if let Some((role, argument)) = role::asked() {
        let roles = [segments::ROLES, queues::ROLES, structures::ROLES];
        let found = roles.iter().copied().flatten().find(|(name, _)| *name == role);
        return found.expect("a role of this program").1(&argument);
    }
    for (promise, show) in
        [segments::SCENARIOS, tables::SCENARIOS, maps::SCENARIOS, queues::SCENARIOS, structures::SCENARIOS]
            .concat()
    {
        show();
        println!("{promise} ... ok");
    }
    assert_eq!(leftovers(), Vec::<String>::new(), "segments that nobody took away");
    if rustix::process::geteuid().is_root() {
        as_nobody();
    }
}

/// Names of segments that this process gave out.
fn leftovers() -> Vec<String> {
    let own = format!("-{}-", std::process::id());
    let names = std::fs::read_dir("/dev/shm").expect("shared memory has a folder").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("pb-") && name.contains(&own)).collect()
}

fn as_nobody() {
    const NOBODY: u32 = 65534;
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new(program).current_dir("/").uid(NOBODY).gid(NOBODY).status();
    match status {
        Ok(status) => assert!(status.success(), "as nobody: {status}"),
        Err(error) => println!("as nobody: not run, {error}"),
    }
}
