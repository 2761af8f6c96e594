//! Runs perfbench's gate, criterion and tango on the same pieces of work and says how often each is wrong: false alarms,
//! power and time to verdict. It judges tools; it is no part of perfbench.

pub mod effect;
pub mod log;
pub mod neighbour;
pub mod schedule;
pub mod table;
pub mod tool;
pub mod work;
