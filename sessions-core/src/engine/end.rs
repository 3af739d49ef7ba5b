//! The end of a session that a client can prove, whatever it is ended for.

use super::{Engine, state::Anchor};
use crate::{PublicId, Session, SessionError};

impl<T: Session> Engine<T> {
    /// Sees to it that the session is over, and says which id it had if this is the call that has ended it: where the
    /// client keeps the session, another request may have given it another one.
    pub(super) async fn end_anchor(&self, anchor: &Anchor) -> Result<Option<PublicId>, SessionError> {
        match (anchor, self.server()) {
            (Anchor::Stored { key, record, .. }, Some(server)) => {
                let ended = server.end(*key, self.now()).await?;
                server.forget(record, self.now()).await;
                Ok(ended.then(|| record.public_id.clone()))
            }
            (Anchor::Sealed { header, .. }, _) => self.end_sealed(header).await,
            (Anchor::Stored { .. }, None) => Ok(None),
        }
    }
}
