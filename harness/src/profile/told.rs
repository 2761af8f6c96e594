//! From samples to the record: addresses become frames, each kept once, and the machine code of the hottest functions
//! goes along.

use super::modules::Modules;
use super::symbols::Symbols;
use super::taken::Stack;
use super::unwind::Step;
use crate::record::{Code, Frame, Sample};
use std::collections::{BTreeMap, HashMap};

/// Functions whose machine code is kept.
const CODE_FUNCTIONS: usize = 5;

/// Bytes of machine code that are kept of one function at most.
const CODE_BYTES: u64 = 1 << 16;

/// The parts of a record that samples make up.
#[derive(Debug, Default)]
pub struct Told {
    pub frames: Vec<Frame>,
    pub stacks: Vec<Vec<u32>>,
    pub samples: Vec<Sample>,
    pub code: Vec<Code>,
}

/// A sample whose callers have been settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Index of the thread.
    pub thread: u32,
    /// As it was taken.
    pub stack: Stack,
    /// Its callers, the instruction first.
    pub steps: Vec<Step>,
    /// Whether they reach the function that the thread begins with.
    pub whole: bool,
}

/// Names what the samples hit, with times since the first of them.
pub fn tell(samples: &[Settled], modules: &Modules) -> Told {
    let symbols = Symbols::of(modules);
    let mut names = Names::new(&symbols);
    let start_ns = samples.iter().map(|sample| sample.stack.time_ns).min().unwrap_or(0);
    let named = samples.iter().map(|sample| Sample {
        time_ns: (sample.stack.time_ns - start_ns) as f64,
        thread: sample.thread,
        stack: names.stack(sample),
        offset: offset(sample, modules),
        whole: sample.whole,
    });
    let mut named: Vec<Sample> = named.collect();
    named.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
    let code = hottest(samples, &symbols);
    Told { frames: names.frames.all, stacks: names.stacks.all, samples: named, code }
}

fn offset(sample: &Settled, modules: &Modules) -> u64 {
    let address = user_address(sample);
    address.and_then(|address| Some(modules.holding(address)?.offset(address))).unwrap_or(0)
}

/// The sampled instruction, where it is none of the kernel.
fn user_address(sample: &Settled) -> Option<u64> {
    sample.steps.first().map(|step| step.address).filter(|_| sample.stack.in_kernel.is_none())
}

/// Gives every value a number, in order of appearance.
struct Numbered<T> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn new() -> Self {
        Self { all: Vec::new(), numbers: HashMap::new() }
    }

    fn number(&mut self, value: T) -> u32 {
        *self.numbers.entry(value).or_insert_with_key(|value| {
            self.all.push(value.clone());
            u32::try_from(self.all.len() - 1).expect("fewer than four thousand million")
        })
    }
}

/// Frames and stacks met so far.
struct Names<'a> {
    symbols: &'a Symbols<'a>,
    frames: Numbered<Frame>,
    stacks: Numbered<Vec<u32>>,
    by_address: HashMap<u64, Vec<u32>>,
}

impl<'a> Names<'a> {
    fn new(symbols: &'a Symbols<'a>) -> Self {
        Self { symbols, frames: Numbered::new(), stacks: Numbered::new(), by_address: HashMap::new() }
    }

    /// The number of a sample's stack, the outermost caller first.
    fn stack(&mut self, sample: &Settled) -> u32 {
        let mut stack = Vec::new();
        for (index, step) in sample.steps.iter().enumerate().rev() {
            // A caller goes on after its call: the call itself lies before.
            let address = step.address - u64::from(index > 0 && step.address > 0);
            stack.extend_from_slice(self.frames(address));
        }
        if let Some(address) = sample.stack.in_kernel {
            stack.push(self.frames.number(super::kernel::frame(address)));
        }
        self.stacks.number(stack)
    }

    fn frames(&mut self, address: u64) -> &[u32] {
        let (symbols, frames) = (self.symbols, &mut self.frames);
        self.by_address.entry(address).or_insert_with(|| {
            symbols.frames(address).into_iter().map(|frame| frames.number(frame)).collect()
        })
    }
}

/// The functions that most samples hit themselves, inlined ones counted where they were inlined.
fn hottest(samples: &[Settled], symbols: &Symbols<'_>) -> Vec<Code> {
    let mut hits: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    for address in samples.iter().filter_map(user_address) {
        if let Some((module, function)) = symbols.function(address) {
            hits.entry((module.bias, function.range.start)).or_insert((0, address)).0 += 1;
        }
    }
    let mut hits: Vec<(u64, u64)> = hits.into_values().collect();
    hits.sort_by_key(|(count, address)| (std::cmp::Reverse(*count), *address));
    hits.into_iter().take(CODE_FUNCTIONS).filter_map(|(_, address)| code(symbols, address)).collect()
}

fn code(symbols: &Symbols<'_>, address: u64) -> Option<Code> {
    let (module, function) = symbols.function(address)?;
    let range = function.range.start..function.range.end.min(function.range.start + CODE_BYTES);
    let bytes = symbols.bytes(module, &range)?;
    Some(Code {
        function: function.name.clone(),
        module: module.name.clone(),
        offset: range.start,
        bytes: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        lines: symbols.lines(module, &range),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn planted() -> u64 {
        std::hint::black_box(41) + 1
    }

    fn sample(addresses: &[u64], time_ns: u64) -> Settled {
        let steps = addresses.iter().map(|address| Step { address: *address, sp: 0 }).collect();
        Settled { thread: 0, stack: Stack { time_ns, ..Stack::default() }, steps, whole: true }
    }

    #[test]
    fn samples_are_named_from_the_outermost_caller_inwards_and_kept_in_order_of_time() {
        let modules = Modules::of_process();
        assert_eq!(planted(), 42);
        let here = planted as fn() -> u64 as usize as u64;
        let told = tell(&[sample(&[here, here + 1], 900), sample(&[here], 700)], &modules);
        assert_eq!(told.samples.iter().map(|sample| sample.time_ns).collect::<Vec<_>>(), [0.0, 200.0]);
        let names =
            |stack: u32| told.stacks[stack as usize].iter().map(|frame| &told.frames[*frame as usize]);
        assert!(
            names(told.samples[0].stack).all(|frame| frame.function.ends_with("planted") || frame.inlined)
        );
        assert_eq!(told.samples[1].offset, modules.holding(here).unwrap().offset(here));
    }

    #[test]
    fn the_machine_code_of_the_hottest_function_goes_along_with_its_lines() {
        let modules = Modules::of_process();
        let here = planted as fn() -> u64 as usize as u64;
        let code = &tell(&[sample(&[here], 0)], &modules).code[0];
        // SAFETY: a function is as long as its symbol says, and this test's code stays mapped.
        let bytes = unsafe { std::slice::from_raw_parts(here as *const u8, code.bytes.len() / 2) };
        assert_eq!(code.bytes, bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert!(code.lines.iter().any(|(_, file, _)| file.ends_with("told.rs")), "{:?}", code.lines);
    }

    #[test]
    fn an_address_outside_every_module_is_named_by_itself() {
        let told = tell(&[sample(&[0x10], 0)], &Modules::none());
        assert_eq!((told.frames[0].function.as_str(), told.frames[0].module.as_str()), ("0x10", "[unknown]"));
        assert!(told.code.is_empty());
    }
}
