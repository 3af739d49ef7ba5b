//! What this thread tells the log.

use leaks::Log;
use tracing::Level;

/// Listens from its beginning.
pub(crate) struct Heard(Log);

pub(crate) fn listening() -> Heard {
    Heard(Log::begin())
}

impl Heard {
    /// Each event above `debug`, its level first.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.up_to(Level::INFO)
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        self.0.up_to(Level::ERROR)
    }
}
