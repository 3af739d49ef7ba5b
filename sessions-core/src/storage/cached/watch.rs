//! What is told of changes that others make.

use std::time::Duration;

/// Takes copies out when others change what they are of.
pub(in super::super) trait Watch: Send + Sync + 'static {
    /// Sees to it that it watches, so that what is put in from now on is seen to change.
    fn begin(&self, staleness: Duration);

    /// Whether all is taken out that was changed longer ago than this.
    fn is_current(&self, staleness: Duration) -> bool;
}
