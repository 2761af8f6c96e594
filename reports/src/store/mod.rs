//! Where runs are kept: a folder of record files, which is the truth; any index can be rebuilt from it.

mod achieved;
pub mod directory;
mod gates;
mod ids;
mod profiles;

pub use directory::{Store, StoreError, Summary};
