//! What travels through a ring when it is timed: a number, or a whole cache line that is made from one.

/// An item whose content depends on a number and is read whole on arrival.
pub trait Item: Copy + Send + PartialEq + std::fmt::Debug + 'static {
    /// The item of a number.
    fn of(number: u64) -> Self;

    /// A value that depends on every byte of the item; for a number the number itself.
    fn digest(self) -> u64;
}

impl Item for u64 {
    #[inline(always)]
    fn of(number: u64) -> Self {
        number
    }

    #[inline(always)]
    fn digest(self) -> u64 {
        self
    }
}

/// A payload of one cache line.
pub type Block = [u64; 8];

impl Item for Block {
    #[inline(always)]
    fn of(number: u64) -> Self {
        [0, 1, 2, 3, 4, 5, 6, 7].map(|word| number.wrapping_add(word))
    }

    #[inline(always)]
    fn digest(self) -> u64 {
        self.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word))
    }
}
