//! What sessions cost, side by side with other libraries and the bare frameworks: what the programs have in common.

pub mod client;
mod field;
mod monitor;
pub mod peers;
mod rounds;
pub mod scale;
pub mod server;
pub mod table;

pub use self::{
    field::{Entry, field},
    monitor::Monitor,
    rounds::{median, over, rounds},
};
