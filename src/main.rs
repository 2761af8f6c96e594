//! The command line over perfbench's own table of workloads.
fn main() {}
