//! A kernel for tests: it opens what its rules allow, counts what a test says was done, and replays recorded replies.

use super::kernel::{Kernel, Spec};
use super::user_read::{Fields, Page};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// A kernel whose rules a test dictates. A clone is the same kernel.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

/// An opened event of it.
pub struct Opened {
    id: u64,
    spec: Spec,
    group: Arc<Mutex<Vec<(u64, Spec)>>>,
}

/// What user mode sees of one.
pub struct Shown {
    kernel: Fake,
    config: u64,
}

/// What a test may dictate and look at.
#[derive(Default)]
pub struct State {
    /// Most hardware members of a group; none is no limit.
    pub capacity: Option<usize>,
    /// Most hardware members that get onto the counters together.
    pub schedulable: Option<usize>,
    /// Error numbers by `config`.
    pub refused: BTreeMap<u64, i32>,
    /// The error number for whoever asks for the kernel's share.
    pub user_only: Option<i32>,
    /// Answers to the next reads: words as recorded, or an error number.
    pub recorded: VecDeque<Result<Vec<u64>, i32>>,
    /// The id of the next event.
    pub next_id: u64,
    /// Reads so far.
    pub reads: u64,
    /// Counts that appear with a read of this number: what a canary caused.
    pub late: Option<(u64, u64, u64)>,
    /// Whether user mode may read hardware events.
    pub user_access: bool,
    /// The look at a page after which no event is on a counter any more.
    pub taken_after: Option<u64>,
    /// Looks at pages so far.
    pub looks: u64,
    enabled_ns: u64,
    running_ns: u64,
    counted: BTreeMap<u64, u64>,
}

impl Fake {
    /// Its rules.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// So much time passes, for so much of it the groups are on the counters, and these counts by `config` happen.
    pub fn work(&self, enabled_ns: u64, running_ns: u64, counts: &[(u64, u64)]) {
        let mut state = self.state();
        state.enabled_ns += enabled_ns;
        state.running_ns += running_ns;
        counts.iter().for_each(|(config, count)| *state.counted.entry(*config).or_default() += count);
    }
}

fn is_hardware(spec: &Spec) -> bool {
    [0, 3, 4].contains(&spec.kind)
}

impl State {
    fn refusal(&self, spec: &Spec, members: usize) -> Option<i32> {
        let kernel = spec.scope == super::kernel::Scope::UserAndKernel;
        let full = is_hardware(spec) && self.capacity.is_some_and(|capacity| members >= capacity);
        let by_rule = || self.refused.get(&spec.config).copied().filter(|_| is_hardware(spec));
        self.user_only.filter(|_| kernel).or_else(by_rule).or(full.then_some(libc::EINVAL))
    }

    fn words(&mut self, group: &[(u64, Spec)]) -> Result<Vec<u64>, i32> {
        self.reads += 1;
        self.enabled_ns += 10;
        self.running_ns += 10;
        if let Some((_, config, count)) = self.late.take_if(|(read, ..)| *read == self.reads) {
            *self.counted.entry(config).or_default() += count;
        }
        if let Some(recorded) = self.recorded.pop_front() {
            return recorded;
        }
        let hardware = group.iter().filter(|(_, spec)| is_hardware(spec)).count();
        let starved = self.schedulable.is_some_and(|most| hardware > most);
        let running_ns = if starved { 0 } else { self.running_ns };
        let value = |spec: &Spec| self.counted.get(&spec.config).copied().filter(|_| !starved).unwrap_or(0);
        let members = group.iter().flat_map(|(id, spec)| [value(spec), *id]);
        Ok([group.len() as u64, self.enabled_ns, running_ns].into_iter().chain(members).collect())
    }
}

impl Kernel for Fake {
    type Event = Opened;
    type Page = Shown;

    fn open(&self, spec: &Spec, leader: Option<&mut Opened>) -> io::Result<Opened> {
        let group = leader.map_or_else(Arc::default, |leader| leader.group.clone());
        let hardware = group.lock().unwrap().iter().filter(|(_, spec)| is_hardware(spec)).count();
        let mut state = self.state();
        if let Some(number) = state.refusal(spec, hardware) {
            return Err(io::Error::from_raw_os_error(number));
        }
        state.next_id += 1;
        let id = state.next_id - 1;
        group.lock().unwrap().push((id, *spec));
        Ok(Opened { id, spec: *spec, group })
    }

    fn id(&self, event: &Opened) -> u64 {
        event.id
    }

    fn page(&self, event: &Opened) -> Option<Shown> {
        is_hardware(&event.spec).then(|| Shown { kernel: self.clone(), config: event.spec.config })
    }

    fn enable(&self, _: &mut Opened) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, leader: &Opened, into: &mut [u8]) -> io::Result<usize> {
        let words =
            self.state().words(&leader.group.lock().unwrap()).map_err(io::Error::from_raw_os_error)?;
        into.as_chunks_mut().0.iter_mut().zip(&words).for_each(|(bytes, word)| *bytes = word.to_ne_bytes());
        Ok(words.len() * 8)
    }

    fn threads(&self) -> io::Result<Vec<i32>> {
        Ok(vec![rustix::thread::gettid().as_raw_nonzero().get()])
    }
}

/// Its registers stand at zero: a page adds the whole count.
impl Page for Shown {
    fn sequence(&self) -> u32 {
        0
    }

    fn fields(&self) -> Fields {
        let mut state = self.kernel.state();
        state.looks += 1;
        let taken = state.taken_after.is_some_and(|looks| state.looks > looks);
        Fields {
            may_read: state.user_access,
            may_time: state.user_access,
            index: u32::from(!taken),
            offset: state.counted.get(&self.config).map_or(0, |count| *count as i64),
            width_bits: 48,
            enabled_ns: state.enabled_ns,
            running_ns: state.running_ns,
            ..Fields::default()
        }
    }

    fn counter(&self, _: u32) -> u64 {
        0
    }

    fn ticks(&self) -> u64 {
        0
    }
}
