//! Bincode.
/// Bincode.
#[derive(Debug)]
pub enum Bincode {}
