//! Who takes part in a structure between processes: a seat each, by which the others tell a process that lives from one
//! that was killed. What a seat holds, and how it is taken back, is the structure's affair.

use crate::sync::{AtomicU64, Ordering};
use std::fmt;
use std::io::Write;

/// Seats of a roll: as many handles as a structure may have at once.
pub const SEATS: usize = if cfg!(loom) { 4 } else { 64 };

/// A process, told from a later one that got the same number: its number and when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64);

/// Bits of a process number: no kernel gives higher ones.
const NUMBER_BITS: u32 = 22;

impl Identity {
    /// The calling process. Allocates nothing, so a forked child may ask.
    pub fn here() -> Self {
        let number = std::process::id();
        let start = state_of(number).map_or(0, |(_, start)| start);
        Self::of(number, start)
    }

    /// A process of this number that started at this tick.
    pub const fn of(number: u32, start_ticks: u64) -> Self {
        Self(start_ticks << NUMBER_BITS | number as u64)
    }

    /// As one word, never zero.
    pub fn word(self) -> u64 {
        self.0
    }

    /// Who signed with a word; nobody signs with zero.
    pub fn of_word(word: u64) -> Option<Self> {
        (word != 0).then_some(Self(word))
    }

    /// The process number.
    pub fn number(self) -> u32 {
        (self.0 & ((1 << NUMBER_BITS) - 1)) as u32
    }

    /// Whether the process still runs: a killed one that nobody has waited for yet does not. Where the kernel hides its
    /// state, a process of this number is taken for it. Numbers of another namespace mean nothing here.
    pub fn is_alive(self) -> bool {
        // SAFETY: signal zero is not sent; the call takes no pointers.
        let status = unsafe { libc::kill(self.number() as libc::pid_t, 0) };
        if status != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) {
            return false;
        }
        match state_of(self.number()) {
            Some((state, start)) => !b"ZXx".contains(&state) && Self::of(self.number(), start) == self,
            None => true,
        }
    }
}

/// State letter and start tick of a process, where the kernel tells.
fn state_of(number: u32) -> Option<(u8, u64)> {
    let mut path = [0; 32];
    let mut rest = &mut path[..];
    write!(rest, "/proc/{number}/stat").ok()?;
    let unused = rest.len();
    let path = &path[..path.len() - unused];
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, rustix::fs::Mode::empty()).ok()?;
    let mut text = [0; 1024];
    let length = rustix::io::read(&file, &mut text).ok()?;
    parse(&text[..length])
}

/// The name stands in brackets and may hold any byte, so what follows is read from the last bracket on.
fn parse(stat: &[u8]) -> Option<(u8, u64)> {
    const START: usize = 19;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat[close + 1..].split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let state = *fields.next()?.first()?;
    let start = std::str::from_utf8(fields.nth(START - 1)?).ok()?.parse().ok()?;
    Some((state, start))
}

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
            self.word(*seat).compare_exchange(0, who.0, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        Seat::all().find(taken).ok_or(NoSeat)
    }

    /// Who sits there.
    pub fn holder(&self, seat: Seat) -> Option<Identity> {
        // Relaxed: whoever read the seat's number in a structure's word, with Acquire, sees who sat there by then.
        let word = self.word(seat).load(Ordering::Relaxed);
        (word != 0).then_some(Identity(word))
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
        let _ = self.word(seat).compare_exchange(who.0, 0, Ordering::Release, Ordering::Relaxed);
    }

    fn word(&self, seat: Seat) -> &AtomicU64 {
        &self.0[seat.0 as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_and_state_are_read_behind_a_name_that_holds_anything() {
        let stat = b"17 (a) R 1 (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(parse(stat), Some((b'S', 4711)));
        assert_eq!(parse(b"17 (short) S 1 2"), None);
        assert_eq!(parse(b"nothing"), None);
    }

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

    #[cfg(not(miri))]
    #[test]
    fn a_process_lives_until_it_ends_even_where_nobody_waits_for_it() {
        assert!(Identity::here().is_alive());
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let start = state_of(child.id()).unwrap().1;
        let identity = Identity::of(child.id(), start);
        assert!(identity.is_alive());
        assert!(!Identity::of(child.id(), start + 1).is_alive(), "a later process of the same number");
        child.kill().unwrap();
        while identity.is_alive() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!identity.is_alive());
    }
}
