//! The command line over anybody's table of workloads.
