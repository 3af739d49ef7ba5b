//! Json.
/// Json.
#[derive(Debug)]
pub enum Json {}
