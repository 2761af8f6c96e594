//! What a profile of one row leaves on disk: every sample with its stack, so that flame graphs, tables and files for
//! other viewers are derived from one thing. How samples are taken is `crate::profile`'s affair, how they are shown the
//! reports'.

use serde::{Deserialize, Serialize};

/// What `schema` of a profile that this build writes says.
pub const PROFILE_SCHEMA: &str = "perfbench.profile/1";

/// The samples of one row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// `perfbench.profile/1`.
    pub schema: String,
    /// Version of perfbench that wrote it.
    pub version: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// `workload/point/variant`.
    pub row: String,
    /// CPU model.
    pub cpu: String,
    /// `x86_64` or `aarch64`: how the bytes of [`Code`] are to be read.
    pub architecture: String,
    /// What made the samples: `cycles`, `cpu-clock`, `SIGPROF`.
    pub clock: String,
    /// Why not a better one; empty where there is none.
    pub clock_why: String,
    /// How callers were found: `frame pointers`, `DWARF`.
    pub unwinding: String,
    /// Samples asked for in a second of each thread's running time.
    pub wanted_hz: f64,
    /// Time on a CPU while samples were taken, all threads together, ns.
    pub task_clock_ns: f64,
    /// Units of work that ran meanwhile: what `per op` is per.
    pub ops: u64,
    /// Time per operation while samples were taken, and while none were, ns; none where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_ns_per_op: Option<f64>,
    /// Time per operation without sampling, taken in turns with the former, ns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsampled_ns_per_op: Option<f64>,
    /// Samples that had no room, by the kernel's count or that of the signal handler; none where nobody counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// Whether the kernel was sampled as well; none where the profile does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_kernel: Option<bool>,
    /// When the file of the executable was last written, RFC 3339 in UTC; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built: Option<String>,
    /// What a reader should know of the samples, a sentence each: where they do not cover the time, what is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Names of the threads; samples refer to them by index.
    pub threads: Vec<String>,
    /// Every frame once; stacks refer to them by index.
    pub frames: Vec<Frame>,
    /// Every stack once, from the outermost caller to the sampled function; samples refer to them by index.
    pub stacks: Vec<Vec<u32>>,
    /// The samples in order of time.
    pub samples: Vec<Sample>,
    /// Machine code of the hottest functions, hottest first, for annotation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<Code>,
}

/// One function in one place of the program, an inlined one under the function that holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// Demangled name, or the address where no symbol is known.
    pub function: String,
    /// File name of the executable, library or `[kernel]`.
    pub module: String,
    /// Source file, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of the source file, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether the compiler inlined it into the frame before it in the stack.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inlined: bool,
}

/// One sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Since the start of the profile, ns.
    pub time_ns: f64,
    /// Index into the threads.
    pub thread: u32,
    /// Index into the stacks.
    pub stack: u32,
    /// Where in its module the sampled instruction lies, bytes from the start of the image.
    pub offset: u64,
    /// Whether the outermost caller is the one that every thread begins with: the stack is whole.
    pub whole: bool,
}

/// The machine code of one function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Demangled name.
    pub function: String,
    /// Module that holds it.
    pub module: String,
    /// Where in its module it lies, bytes from the start of the image.
    pub offset: u64,
    /// Its bytes, hexadecimal.
    pub bytes: String,
    /// Source lines by instruction: offset, file, line; sorted by offset, each holds until the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<(u64, String, u32)>,
}
