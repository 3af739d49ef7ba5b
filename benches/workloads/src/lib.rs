//! Five workloads, and who is measured on them: this library and the bare framework. What others are compared with is in
//! `benches`, which is apart from this workspace, so that nothing else has to build them.
//!
//! A [`Contestant`] is started, in this process and on this thread; [`timed`] and [`metered`] send it the requests of one
//! [`Workload`]:
//!
//! ```
//! use workloads::{Workload, bare, ours, timed};
//!
//! # #[actix_web::main]
//! # async fn main() -> Result<(), workloads::Failure> {
//! for contestant in ours()?.into_iter().chain([bare()]) {
//!     let mut party = contestant.start().await?;
//!     let (time, _) = timed(&mut *party, Workload::Write, 10).await?;
//!     println!("{}: {time:?}", contestant.name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here counts allocations: an allocator that does so makes each of them dearer, and with them the time and the
//! instructions of whoever has more of them. A program that counts gives [`metered`] what the package `allocation-counter`
//! has: `|step| total += allocation_counter::measure(step)`.

mod account;
pub mod callgrind;
mod contestant;
mod handlers;
mod meter;
mod ours;
mod party;
mod workload;

pub use self::{
    account::Account,
    contestant::Contestant,
    handlers::WELCOME,
    meter::{metered, timed},
    ours::{bare, ours},
    party::{Carrier, Party, cookie_pair},
    workload::Workload,
};

/// Why something could not be measured.
pub type Failure = Box<dyn std::error::Error>;
