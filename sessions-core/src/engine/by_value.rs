//! What becomes of a session that its client keeps.

use std::net::IpAddr;

use std::sync::Arc;

use super::{
    Engine, Place, Slot,
    commit::Decided,
    revocations::{Ended, Revocations},
    sealed,
    sealed::Header,
    state::{Anchor, Draft, Live, Opened},
    token::MAX_TOKEN_LEN,
    writer::draft_or,
};
use crate::{
    Payload, Principal, PublicId, Session, SessionError, Times, Timestamp, Token,
    events::{Rejection, SessionEventKind as Kind, Staleness},
    storage::Read,
};

impl<T: Session> Engine<T> {
    /// Seals a session, if it fits.
    pub(super) fn seal(&self, header: &Header, payload: &Payload) -> Result<Token, SessionError> {
        let Place::Client { protection, .. } = &self.0.place else {
            return Err(SessionError::NotServerSide);
        };
        let token = sealed::seal(protection.as_ref(), header, payload.as_bytes())?;
        let size = self.name().len() + token.expose().len();
        if size > MAX_TOKEN_LEN {
            return Err(SessionError::TooLargeForTransport {
                size,
                limit: MAX_TOKEN_LEN,
            });
        }
        Ok(token)
    }

    /// What was opened, unless it has been ended.
    pub(super) async fn unless_ended(
        &self,
        opened: Opened<T>,
        peer: Option<IpAddr>,
    ) -> Result<Opened<T>, SessionError> {
        let ended = match opened.anchors() {
            [
                Anchor::Sealed {
                    header, principal, ..
                },
            ] => self.ended(header, principal.as_ref(), Read::Any).await?,
            _ => None,
        };
        let id = opened.anchors().first().map(Anchor::id);
        Ok(match ended {
            None => opened,
            Some(Ended::Replaced { .. }) => {
                self.tell(Kind::Stale(Staleness::Replaced), id, peer);
                Opened::Stale
            }
            Some(Ended::Revoked) => {
                self.tell(Kind::Rejected(Rejection::Ended), id, peer);
                Opened::Dead
            }
        })
    }

    /// How the session has ended, if it has and that is known.
    async fn ended(
        &self,
        header: &Header,
        principal: Option<&Principal>,
        read: Read,
    ) -> Result<Option<Ended>, SessionError> {
        let Some(revocations) = self.revocations() else {
            return Ok(None);
        };
        let known = revocations.known(Some(&header.id), principal, read, self.now());
        Ok(known.await?.ended(header))
    }

    /// Whether the session is live, asked of the storage itself.
    pub(super) async fn is_live(
        &self,
        header: &Header,
        principal: Option<&Principal>,
    ) -> Result<bool, SessionError> {
        if header.times.is_expired(self.now()) {
            return Ok(false);
        }
        Ok(self.ended(header, principal, Read::Latest).await?.is_none())
    }

    /// Ends this id, where that can be done, and says how it had ended if this is not the call that did.
    async fn end_id(&self, header: &Header, how: &Ended) -> Result<Option<Ended>, SessionError> {
        let Some(revocations) = self.revocations() else {
            return Ok(None);
        };
        let end = Some(header.times.end());
        revocations.end(&header.id, how, end, self.now()).await
    }

    /// Ends the session, where that can be done, and says under which id this call has.
    pub(super) async fn end_sealed(&self, header: &Header) -> Result<Option<PublicId>, SessionError> {
        let Some(revocations) = self.revocations() else {
            return Ok(Some(header.id.clone()));
        };
        let end = Some(header.times.end());
        revocations.end_session(&header.id, end, self.now()).await
    }
}

impl<T: Session> Slot<T> {
    /// The header and the token of a session that can be ended and begins, now that it is to be sent.
    pub(super) async fn begin_sealed(
        &self,
        revocations: &Revocations,
        mut header: Arc<Header>,
        mut token: Token,
        payload: &Payload,
        principal: Option<&Principal>,
    ) -> Result<(Arc<Header>, Token), SessionError> {
        let engine = self.engine();
        let now = engine.now();
        let known = revocations.known(None, principal, Read::Latest, now).await?;
        if known.refuses(self.state().began, now) {
            return Err(SessionError::Contended);
        }
        // It was sealed when it was set, so that whoever set it was told if it is too long.
        if header.mark < known.lowest_mark() {
            Arc::make_mut(&mut header).mark = known.lowest_mark();
            token = engine.seal(&header, payload)?;
        }
        Ok((header, token))
    }

    /// The same session, used now.
    pub(super) fn reseal(
        &self,
        live: &Live<T>,
        draft: Option<Draft<T>>,
        times: Times,
        now: Timestamp,
    ) -> Result<Decided<T>, SessionError> {
        let Anchor::Sealed { header, .. } = &live.anchor else {
            return Ok(Decided::Nothing);
        };
        let header = Header {
            issued: now,
            times,
            ..Header::clone(header)
        };
        self.sealed(live, draft, header)
    }

    /// The same session under another id, and not under this one any more where that can be ended.
    pub(super) async fn rotate_sealed(
        &self,
        live: &Live<T>,
        draft: Option<Draft<T>>,
    ) -> Result<Decided<T>, SessionError> {
        let Anchor::Sealed {
            header, principal, ..
        } = &live.anchor
        else {
            return Ok(Decided::Nothing);
        };
        let engine = self.engine();
        let now = engine.now();
        let mut rotated = Header {
            id: self.rotated_id()?,
            issued: now,
            times: engine.0.lifetimes.used(&header.times, now),
            ..Header::clone(header)
        };
        if let Some(revocations) = engine.revocations() {
            let known = revocations.known(Some(&header.id), principal.as_ref(), Read::Latest, now);
            let known = known.await?;
            if known.ended(header).is_some() {
                self.has_ended(&header.id, principal.as_ref());
                return Ok(Decided::Nothing);
            }
            // One that was kept when its principal's others were ended is known by its id, which it has no longer.
            rotated.mark = rotated.mark.max(known.lowest_mark());
        }
        let by = rotated.id.clone();
        let decided = self.sealed(live, draft, rotated)?;
        // Of several that rotate it one does. Whoever ends the session at the same time ends this id, too.
        let replaced = Ended::Replaced { by: by.clone() };
        if engine.end_id(header, &replaced).await?.is_some() {
            self.has_ended(&header.id, principal.as_ref());
            return Ok(Decided::Nothing);
        }
        self.tell(Kind::Rotated, Some(&by));
        Ok(decided)
    }

    /// Ends the session for exactly one caller, where it can be ended. Says how it had ended, if this is not the one.
    pub(super) async fn take_sealed(
        &self,
        header: &Header,
        principal: Option<&Principal>,
    ) -> Result<Option<Ended>, SessionError> {
        let engine = self.engine();
        if let Some(ended) = engine.ended(header, principal, Read::Latest).await? {
            return Ok(Some(ended));
        }
        engine.end_id(header, &Ended::Revoked).await
    }

    fn sealed(
        &self,
        live: &Live<T>,
        draft: Option<Draft<T>>,
        header: Header,
    ) -> Result<Decided<T>, SessionError> {
        let written = draft_or(draft.as_ref(), live.anchor.schema(), live.anchor.payload());
        let value = draft.map_or_else(|| live.value.clone(), |draft| draft.value);
        let header = Header {
            schema: written.schema,
            ..header
        };
        let token = self.engine().seal(&header, &written.payload)?;
        let anchor = Anchor::Sealed {
            header: header.into(),
            payload: written.payload,
            principal: live.anchor.principal().cloned(),
        };
        Ok(Decided::Send(Live { value, anchor }, token))
    }
}
