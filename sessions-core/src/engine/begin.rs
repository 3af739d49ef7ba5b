//! New sessions, and the end of those in whose place they come.

use std::sync::Arc;

use super::{
    Place, Slot, index,
    server::Server,
    state::{Anchor, Draft, Issue, Live},
    token,
    writer::Written,
};
use crate::{
    IdError, Record, Revision, Secrets, Session, SessionError, Token, events::SessionEventKind as Kind,
    storage::Created,
};

/// How many handles are tried: a taken one is asked for anew three times.
const MAX_HANDLES: u32 = 4;

impl<T: Session> Slot<T> {
    /// Stores a new session, then ends those in whose place it comes.
    pub(super) async fn begin(
        &self,
        draft: &Draft<T>,
        old: &[Anchor],
    ) -> Result<(Live<T>, Token), SessionError> {
        let engine = self.engine();
        let Draft {
            encoded,
            principal,
            issue,
            ..
        } = draft;
        let value = Arc::clone(&draft.value);
        let Written { schema, payload } = encoded.begun();
        let (mut id, secret, times, server) = match (issue, &engine.0.place) {
            (Issue::ById { id, secret, times }, Place::Server(server)) => (id.clone(), secret, times, server),
            (Issue::ByValue { header, token }, _) => {
                let (header, token) = (Arc::clone(header), token.clone());
                let (header, token) = match engine.revocations() {
                    None => (header, token),
                    Some(revocations) => {
                        let sealed =
                            self.begin_sealed(revocations, header, token, payload, principal.as_ref());
                        Box::pin(sealed).await?
                    }
                };
                self.end_all(old).await?;
                self.tell(Kind::Created, Some(&header.id));
                return Ok((
                    Live {
                        value,
                        anchor: Anchor::Sealed {
                            header,
                            payload: payload.clone(),
                            principal: principal.clone(),
                        },
                    },
                    token,
                ));
            }
            _ => return Err(SessionError::NotServerSide),
        };
        let now = engine.now();
        for attempt in 0..MAX_HANDLES {
            if attempt > 0 {
                id = self.next_handle()?;
            }
            let key = server.key(&id);
            let record = Arc::new(Record {
                public_id: id.clone(),
                application: Arc::clone(&server.application),
                name: Arc::clone(&server.name),
                schema: *schema,
                revision: Revision::random()?,
                epoch: 0,
                secrets: Secrets::new(secret.hash(), now),
                times: *times,
                principal: principal.clone(),
                label: self.state().label.clone(),
                client_context: self.context().cloned(),
                payload: payload.clone(),
            });
            let place = match principal {
                // Nobody's sessions are in no index.
                None => None,
                Some(_) => Box::pin(self.reserve(server, principal.as_ref(), &id, times, old)).await?,
            };
            match server.create(key, Arc::clone(&record), now).await {
                Ok(Created::Created) => {}
                Ok(Created::Exists) => {
                    Box::pin(self.give_back(server, place)).await;
                    continue;
                }
                Err(failure) => {
                    Box::pin(self.give_back(server, place)).await;
                    return Err(failure);
                }
            }
            // Most logins have neither, and then there is nothing to settle.
            if (place.is_some() || !old.is_empty())
                && let Err(failure) = Box::pin(self.settle_in(server, place, old)).await
            {
                // Nobody will ever be told of this one; what the client has stays what it has.
                let _ = server.delete(key, now).await;
                Box::pin(self.give_back(server, place)).await;
                return Err(failure);
            }
            self.tell(Kind::Created, Some(&id));
            let token = token::by_id(&id, secret, server.signed.as_deref())?;
            return Ok((
                Live {
                    value,
                    anchor: Anchor::Stored {
                        key,
                        secret: secret.clone(),
                        record,
                    },
                },
                token,
            ));
        }
        Err(IdError::Taken(MAX_HANDLES).into())
    }

    /// What follows the creation of a session, before its client hears of it.
    async fn settle_in(
        &self,
        server: &Server,
        place: Option<index::Place>,
        old: &[Anchor],
    ) -> Result<(), SessionError> {
        if !self.confirm(server, place).await? {
            // The principal's sessions were ended meanwhile, and this is one of them.
            return Err(SessionError::Contended);
        }
        // What the client has is ended last, so that it stays what it has if anything before that fails.
        self.evict(server, place, old).await?;
        self.end_all(old).await
    }

    pub(super) async fn end_all(&self, anchors: &[Anchor]) -> Result<(), SessionError> {
        for anchor in anchors {
            if let Some(id) = Box::pin(self.engine().end_anchor(anchor)).await? {
                self.tell(Kind::Cleared, Some(&id));
            }
        }
        Ok(())
    }
}
