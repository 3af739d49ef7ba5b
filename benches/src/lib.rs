//! What sessions cost, side by side with other libraries and the bare frameworks: what the programs have in common.

mod field;
pub mod peers;
pub mod table;

pub use field::{Entry, field};
