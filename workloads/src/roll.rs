//! Who takes part in a structure between processes: a seat each, by which the others tell a process that lives from one
//! that was killed. What a seat holds, and how it is taken back, is the structure's affair.

use crate::shm::Identity;
use crate::sync::{AtomicU64, Ordering};
use std::fmt;

/// Seats of a roll: as many handles as a structure may have at once.
pub const SEATS: usize = if cfg!(loom) { 4 } else { 64 };

/// Says of an identity whether it lives; [`Identity::is_alive`] but in tests, which let a process die where they like.
pub type Census = fn(Identity) -> bool;

/// A place on a roll: 1 to [`SEATS`]. Zero in a structure's words means that nobody holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat(u8);

impl Seat {
    /// The number that a structure's words hold.
    pub fn number(self) -> u64 {
        u64::from(self.0)
    }

    /// The seat of such a number; none for zero and for what no roll has.
    pub fn of(number: u64) -> Option<Self> {
        (1..=SEATS as u64).contains(&number).then_some(Self(number as u8))
    }

    fn all() -> impl Iterator<Item = Self> {
        (1..=SEATS as u8).map(Self)
    }
}

/// Every seat of a roll is taken by a process that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSeat;

impl fmt::Display for NoSeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {SEATS} seats are taken: close a handle, or give the structure fewer")
    }
}

impl std::error::Error for NoSeat {}

/// The seats, in shared memory. All-zero bytes are an empty roll.
#[repr(C)]
pub struct Roll([AtomicU64; SEATS]);

#[cfg(not(loom))]
const _: () = assert!(size_of::<Roll>() == 8 * SEATS);

impl Roll {
    /// Nobody.
    pub fn empty() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Takes a free seat.
    ///
    /// # Errors
    /// Where there is none.
    pub fn join(&self, who: Identity) -> Result<Seat, NoSeat> {
        // Acquire: whoever left this seat has let go of all it held; pairs with the Release in `free`.
        let taken = |seat: &Seat| {
            self.word(*seat).compare_exchange(0, who.word(), Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        Seat::all().find(taken).ok_or(NoSeat)
    }

    /// Who sits there.
    pub fn holder(&self, seat: Seat) -> Option<Identity> {
        // Relaxed: whoever read the seat's number in a structure's word, with Acquire, sees who sat there by then.
        Identity::of_word(self.word(seat).load(Ordering::Relaxed))
    }

    /// Whether whoever sits there is dead, as the census says. A free seat is not: who left it holds nothing.
    pub fn is_dead(&self, seat: Seat, alive: Census) -> bool {
        self.holder(seat).is_some_and(|who| !alive(who))
    }

    /// Every seat whose process is dead, with that process.
    pub fn dead(&self, alive: Census) -> impl Iterator<Item = (Seat, Identity)> {
        let sitting = Seat::all().filter_map(|seat| Some((seat, self.holder(seat)?)));
        sitting.filter(move |(_, who)| !alive(*who))
    }

    /// Frees a seat that `who` has, once nothing is held in its name any more. Of several that do so one succeeds.
    pub fn free(&self, seat: Seat, who: Identity) {
        // Release: what was held is free before the seat is; pairs with the Acquire in `join`.
        let _ = self.word(seat).compare_exchange(who.word(), 0, Ordering::Release, Ordering::Relaxed);
    }

    fn word(&self, seat: Seat) -> &AtomicU64 {
        &self.0[seat.0 as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_roll_takes_nobody_until_somebody_leaves() {
        let (roll, who) = (Roll::empty(), Identity::of(7, 9));
        let seats: Vec<Seat> = (0..SEATS).map(|_| roll.join(who).unwrap()).collect();
        assert_eq!(roll.join(who), Err(NoSeat));
        roll.free(seats[3], Identity::of(7, 8));
        assert_eq!(roll.join(who), Err(NoSeat), "only who sits there can leave");
        roll.free(seats[3], who);
        assert_eq!(roll.join(who), Ok(seats[3]));
    }
}
