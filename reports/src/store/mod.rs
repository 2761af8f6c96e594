//! Where runs are kept: a folder of record files, which is the truth; any index can be rebuilt from it.

pub mod directory;

pub use directory::{Store, StoreError, Summary};
