//! The threads' own stacks of one pool, who has which, and what they counted. A thread that ends leaves its stack to the
//! next one; what is in it meanwhile is found by whoever runs dry. The exchange between threads at work is the depot's.

use super::depot::{Depot, ROUNDS};
use super::own_stack::OwnStack;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Slots of a thread's own stack: two magazines, so that a thread which takes and gives at the edge of one does not
/// exchange it every time.
pub const OWN_SLOTS: usize = 2 * ROUNDS;

/// One thread's part of a pool: its idle slots and counts. Only who has it in use writes.
#[derive(Debug)]
#[repr(align(128))]
pub struct Member {
    /// Its idle slots.
    pub own: OwnStack,
    /// Takes for which the factory made an object.
    pub misses: AtomicU64,
    /// Takes that were refused.
    pub refused: AtomicU64,
    in_use: AtomicBool,
}

impl Member {
    fn new(room: usize) -> Self {
        Self {
            own: OwnStack::new(room),
            misses: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            in_use: AtomicBool::new(true),
        }
    }

    /// Hands the coldest slots to the depot, as many as it keeps.
    pub fn shed(&self, depot: &Depot) -> bool {
        self.own.shed::<ROUNDS>(|coldest| depot.put(coldest)) > 0
    }
}

/// All stacks of a pool.
#[derive(Debug)]
pub struct Roll {
    /// The pool's number.
    pub pool: u64,
    /// The exchange.
    pub depot: Depot,
    stacks: Mutex<Vec<Arc<Member>>>,
    /// Stacks that nobody uses.
    left: AtomicUsize,
}

impl Roll {
    /// A roll without threads, for that many idle slots in all.
    pub fn new(pool: u64, kept: usize) -> Self {
        let (stacks, left) = (Mutex::default(), AtomicUsize::new(0));
        Self { pool, depot: Depot::new(kept), stacks, left }
    }

    fn stacks(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stack for one more thread: one that was left, or a new one.
    fn enlist(&self) -> Arc<Member> {
        let mut stacks = self.stacks();
        if let Some(left) = stacks.iter().find(|stack| !stack.in_use.load(Ordering::Relaxed)) {
            left.in_use.store(true, Ordering::Relaxed);
            self.left.fetch_sub(1, Ordering::Relaxed);
            return left.clone();
        }
        let stack = Arc::new(Member::new(self.depot.cede_room(OWN_SLOTS)));
        stacks.push(stack.clone());
        stack
    }

    fn leave(&self, stack: &Member) {
        let _stacks = self.stacks();
        stack.in_use.store(false, Ordering::Relaxed);
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    /// The topmost idle slot of a stack that nobody uses. It is not counted there: the one that takes it counts it.
    #[cold]
    pub fn inherit(&self) -> Option<u32> {
        if self.left.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let stacks = self.stacks();
        let left = stacks.iter().filter(|stack| !stack.in_use.load(Ordering::Relaxed));
        left.map(|stack| stack.own.lift()).find(Option::is_some).flatten()
    }

    /// Folds over all stacks, whoever has them.
    pub fn sum(&self, of: impl Fn(&Member) -> u64) -> u64 {
        self.stacks().iter().map(|stack| of(stack)).sum()
    }
}

/// A stack in use by the thread in whose storage this lies.
struct InUse {
    pool: u64,
    roll: Weak<Roll>,
    stack: Arc<Member>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        CURRENT.set(NOBODY);
        if let Some(roll) = self.roll.upgrade() {
            roll.leave(&self.stack);
        }
    }
}

const NOBODY: (u64, *const Member) = (0, ptr::null());

thread_local! {
    /// The pool that this thread used last and its stack there. Without a destructor, so that reading it is one load.
    static CURRENT: Cell<(u64, *const Member)> = const { Cell::new(NOBODY) };
    /// The stacks of every pool that this thread has used.
    static IN_USE: RefCell<Vec<InUse>> = const { RefCell::new(Vec::new()) };
}

/// Runs `act` on the stack that the calling thread has in the pool of `roll`.
#[inline(always)]
pub fn with_own<R>(pool: u64, roll: &Arc<Roll>, act: impl FnOnce(&Member) -> R) -> R {
    let (current, stack) = CURRENT.get();
    if current == pool {
        // SAFETY: the roll, which the caller borrows, keeps every stack that it ever gave out.
        return act(unsafe { &*stack });
    }
    with_found(roll, act)
}

#[cold]
fn with_found<R>(roll: &Arc<Roll>, act: impl FnOnce(&Member) -> R) -> R {
    match IN_USE.try_with(|in_use| find(roll, &mut in_use.borrow_mut())) {
        Ok(stack) => {
            CURRENT.set((roll.pool, Arc::as_ptr(&stack)));
            act(&stack)
        }
        // The thread is ending and has put its stacks away.
        Err(_) => {
            let stack = roll.enlist();
            let result = act(&stack);
            roll.leave(&stack);
            result
        }
    }
}

/// The stack of a thread in a pool, found or enlisted. Stacks of pools that are gone are let go.
fn find(roll: &Arc<Roll>, in_use: &mut Vec<InUse>) -> Arc<Member> {
    if let Some(known) = in_use.iter().find(|known| known.pool == roll.pool) {
        return known.stack.clone();
    }
    in_use.retain(|known| known.roll.strong_count() > 0);
    let stack = roll.enlist();
    in_use.push(InUse { pool: roll.pool, roll: Arc::downgrade(roll), stack: stack.clone() });
    stack
}
