//! Where the lock-free pools keep their objects: each in a slot that never moves, made by the factory on a miss and dropped
//! when it is not kept. Which slots are idle is the pool's affair; which hold no object is known here.

use super::indexed_cas::Packed;
use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::{Giver, Remote, Shared, SharedPool};
use super::statistics::Statistics;
use super::tagged::{self, Stack};
use crate::sync::AtomicU64 as Link;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The slots of one pool.
pub struct Slots<T> {
    id: u64,
    limits: Limits,
    objects: Box<[UnsafeCell<MaybeUninit<T>>]>,
    /// Whether a slot has an object, and whether it is on loan; the latter is watched with debug assertions only.
    occupied: Box<[AtomicBool]>,
    lent: Box<[AtomicBool]>,
    links: Box<[Link]>,
    vacant: Stack<Packed>,
    alive: AtomicUsize,
    high_water: AtomicUsize,
}

// SAFETY: an object is reached only by who holds its slot, and slots change hands by release and acquire.
unsafe impl<T: Send + Sync> Sync for Slots<T> {}

/// Numbers pools, so that a slot of one is never taken for a slot of another.
static POOLS: AtomicU64 = AtomicU64::new(1);

impl<T: Payload> Slots<T> {
    /// As many vacant slots as there may be objects.
    pub fn new(limits: Limits) -> Self {
        let slots = limits.objects_max;
        let flags = |slots| (0..slots).map(|_| AtomicBool::new(false)).collect();
        let links = tagged::links(slots);
        Self {
            // Relaxed: only that no number comes twice matters.
            id: POOLS.fetch_add(1, Ordering::Relaxed),
            objects: (0..slots).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
            occupied: flags(slots),
            lent: flags(if cfg!(debug_assertions) { slots } else { 0 }),
            vacant: Stack::full(&links),
            links,
            limits,
            alive: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
        }
    }

    /// The pool's number, unlike that of any other.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What the pool may have.
    #[inline]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// A link a slot, for whatever list the slot is in.
    #[inline]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The factory: a slot with a new object, which the caller holds.
    ///
    /// # Errors
    /// [`ResourceExhausted`] where no slot is vacant or the budget is used up.
    pub fn make(&self) -> Result<u32, ResourceExhausted> {
        let exhausted = ResourceExhausted::Objects { objects_max: self.limits.objects_max };
        let slot = self.vacant.pop(&self.links).ok_or(exhausted)?;
        if let Err(refused) = self.limits.budget.reserve(self.limits.object_bytes as u64) {
            self.vacant.push(&self.links, slot, u32::MAX);
            return Err(refused);
        }
        let place = self.objects[slot as usize].get();
        // SAFETY: the slot came off the list of vacant ones, so this thread alone has it.
        unsafe { place.write(MaybeUninit::new(T::make(self.limits.object_bytes))) };
        // Relaxed, here and below: read by whoever holds the slot next or by the one that drops the pool.
        self.occupied[slot as usize].store(true, Ordering::Relaxed);
        let alive = self.alive.fetch_add(1, Ordering::Relaxed) + 1;
        self.high_water.fetch_max(alive, Ordering::Relaxed);
        Ok(slot)
    }

    /// Drops the object of a slot that the caller holds.
    #[cold]
    pub fn forget(&self, slot: u32) {
        self.drop_object(slot as usize);
        self.vacant.push(&self.links, slot, u32::MAX);
        self.alive.fetch_sub(1, Ordering::Relaxed);
        self.limits.budget.release(self.limits.object_bytes as u64);
    }

    /// Clears the object of a slot that the caller holds; whether it is worth keeping.
    #[inline(always)]
    pub fn clean(&self, slot: u32) -> bool {
        // SAFETY: the caller holds the slot, and its loan is over.
        self.clean_object(unsafe { &mut *self.object(slot) })
    }

    #[inline(always)]
    fn clean_object(&self, object: &mut T) -> bool {
        if self.limits.sensitive {
            object.wipe();
        } else {
            object.clear();
        }
        object.has_room_for(self.limits.object_bytes)
    }

    /// What a pool with these counts has counted.
    pub fn statistics(&self, hits: u64, misses: u64, refused: u64) -> Statistics {
        let [size, high_water] = [&self.alive, &self.high_water].map(|count| count.load(Ordering::Relaxed));
        Statistics { takes: hits + misses + refused, hits, misses, size, high_water }
    }
}

impl<T> Slots<T> {
    /// Where the object of a slot lies.
    #[inline(always)]
    fn object(&self, slot: u32) -> *mut T {
        self.objects[slot as usize].get().cast()
    }

    /// Notes that a slot goes on loan.
    #[inline(always)]
    fn lend(&self, slot: u32) {
        if cfg!(debug_assertions) {
            // Relaxed: one flag, and every thread sees one order of its changes.
            let before = self.lent[slot as usize].swap(true, Ordering::Relaxed);
            assert!(!before, "slot {slot} is handed out twice");
        }
    }

    /// Notes that the loan of a slot is over.
    #[inline(always)]
    fn end(&self, slot: u32) {
        if cfg!(debug_assertions) {
            // Relaxed: as above.
            let before = self.lent[slot as usize].swap(false, Ordering::Relaxed);
            assert!(before, "slot {slot} is given back without being on loan");
        }
    }

    fn drop_object(&self, slot: usize) {
        self.occupied[slot].store(false, Ordering::Relaxed);
        // SAFETY: the slot was occupied, and the caller holds it.
        unsafe { self.object(slot as u32).drop_in_place() };
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        let occupied = |slot: &usize| self.occupied[*slot].load(Ordering::Relaxed);
        (0..self.objects.len()).filter(occupied).for_each(|slot| self.drop_object(slot));
        let alive = self.alive.load(Ordering::Relaxed);
        self.limits.budget.release((alive * self.limits.object_bytes) as u64);
    }
}

/// A pool of slots.
pub trait Home {
    /// What its slots hold.
    type Object: Payload;

    /// The slots.
    fn slots(&self) -> &Slots<Self::Object>;

    /// Takes back a slot whose loan is over, and whose object has been cleared and is worth keeping, or else is not.
    fn give_back(&self, slot: u32, is_clean: bool);
}

/// A loan of what a slot holds.
pub struct SlotLoan<'a, H: Home> {
    slot: u32,
    /// Where the slot's object lies: looked up once a loan.
    object: NonNull<H::Object>,
    home: &'a H,
}

// SAFETY: a loan is the only access to its object, which is `Send`; where it ends is the pool's affair, which is `Sync`.
unsafe impl<H: Home + Sync> Send for SlotLoan<'_, H> {}

impl<'a, H: Home> SlotLoan<'a, H> {
    /// Lends a slot that `home` has handed out to nobody else.
    #[inline(always)]
    pub fn new(slot: u32, home: &'a H) -> Self {
        home.slots().lend(slot);
        Self::of(slot, home)
    }

    #[inline(always)]
    fn of(slot: u32, home: &'a H) -> Self {
        let object = NonNull::new(home.slots().object(slot)).expect("slots lie in an allocation");
        Self { slot, object, home }
    }

    /// Ends the borrow and not the loan.
    #[inline]
    pub fn detach(self) -> Detached {
        let detached = Detached { home: self.home.slots().id(), slot: self.slot };
        std::mem::forget(self);
        detached
    }

    /// The loan again.
    ///
    /// # Errors
    /// The argument, where it is of another pool.
    #[inline]
    pub fn attach(detached: Detached, home: &'a H) -> Result<Self, Detached> {
        if detached.home == home.slots().id() { Ok(Self::of(detached.slot, home)) } else { Err(detached) }
    }
}

impl<H: Home> Deref for SlotLoan<'_, H> {
    type Target = H::Object;
    #[inline(always)]
    fn deref(&self) -> &H::Object {
        // SAFETY: the slot is occupied and nobody else holds it until this loan is dropped.
        unsafe { self.object.as_ref() }
    }
}

impl<H: Home> DerefMut for SlotLoan<'_, H> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut H::Object {
        // SAFETY: as above, and this borrow is exclusive.
        unsafe { self.object.as_mut() }
    }
}

impl<H: Home> Drop for SlotLoan<'_, H> {
    #[inline(always)]
    fn drop(&mut self) {
        self.home.slots().end(self.slot);
        // SAFETY: the loan ends here, so nobody else has the object yet.
        let is_clean = self.home.slots().clean_object(unsafe { self.object.as_mut() });
        self.home.give_back(self.slot, is_clean);
    }
}

/// A loan that borrows nothing: it can be sent, and is neither copied nor made by anybody else. Dropped, it leaves its slot
/// on loan until the pool ends.
#[derive(Debug)]
#[must_use = "a slot that is not given back is lost until the pool ends"]
pub struct Detached {
    home: u64,
    slot: u32,
}

impl Detached {
    /// The slot, where it is of the pool with that number.
    ///
    /// # Errors
    /// The argument, where it is of another pool.
    #[inline]
    pub fn into_slot<T>(self, slots: &Slots<T>) -> Result<u32, Self> {
        if self.home != slots.id {
            return Err(self);
        }
        slots.end(self.slot);
        Ok(self.slot)
    }
}

impl<P: SharedPool + Home<Object = <P as Shared>::Object> + for<'a> Shared<Loan<'a> = SlotLoan<'a, P>>> Remote
    for Arc<P>
{
    type Sent = Detached;
    type Giver = Arc<P>;

    #[inline]
    fn take_to_send(&self, value: u64) -> Result<Detached, ResourceExhausted> {
        let mut loan = Shared::take(&**self)?;
        loan.touch(value);
        Ok(loan.detach())
    }

    fn giver(&self) -> Arc<P> {
        self.clone()
    }
}

impl<P: Home> Giver<Detached> for Arc<P> {
    #[inline]
    fn give(&mut self, sent: Detached) -> Result<(), Detached> {
        SlotLoan::attach(sent, &**self).map(drop)
    }
}
