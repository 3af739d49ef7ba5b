//! From the client's tokens to what is known of the session.

use std::{fmt, net::IpAddr, sync::Arc};

use super::{
    Engine, Place, Slot,
    reader::Unread,
    sealed,
    server::Server,
    state::{Anchor, Found, Live, Opened},
    token,
};
use crate::{
    ContextVerdict, PublicId, Record, RequestView, Schema, Session, SessionError, StorageKey, Timestamp,
    context::Caller,
    events::{Rejection, Revocation, SessionEventKind as Kind, Staleness},
    id::Handles,
    log,
    options::OnReuse,
    protection::{BoundProtection, ProtectionError},
    secret::Secret,
    secrets::Standing,
    storage::Read,
};

/// At most this many distinct tokens of one request are looked at.
const MAX_TOKENS: usize = 3;

/// What opening needs: nothing more, or the storage.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "moved once, into the future that finishes it"
)]
pub enum Opening<T: Session> {
    /// There is no more to it.
    Ready(Slot<T>),
    /// The storage has to be asked.
    Loading(Loading<T>),
    /// A protection of one's own failed: whether there is a session is not known.
    Failed(SessionError),
}

/// Tokens of which a storage knows what they are worth.
pub struct Loading<T: Session> {
    engine: Engine<T>,
    caller: Caller,
    handles: Handles,
    found: Found<T>,
    presented: [Option<Presented>; MAX_TOKENS],
    /// Sessions that the client keeps, if they can be ended.
    sealed: Vec<Opened<T>>,
}

/// A token by id, read and not yet believed.
struct Presented {
    key: StorageKey,
    id: PublicId,
    secret: Secret,
}

impl<T: Session> Engine<T> {
    /// Opens what the client showed: the raw octets of each token that came under the session's name.
    pub fn open<'t>(
        &self,
        tokens: impl IntoIterator<Item = &'t [u8]>,
        request: &dyn RequestView,
    ) -> Opening<T> {
        let peer = request.peer_addr();
        let mut distinct: [&[u8]; MAX_TOKENS] = [&[]; MAX_TOKENS];
        let mut count = 0;
        let mut found = Found {
            opened: Opened::None,
            others: Vec::new(),
        };
        for text in tokens {
            if distinct[..count].contains(&text) {
                continue;
            }
            if count == MAX_TOKENS {
                // One that nobody looks at may be the client's own: none of the others is used in its place, and none has it
                // removed.
                self.tell(Kind::Stale(Staleness::TooMany), None, peer);
                found.opened = Opened::Ambiguous(Vec::new());
                break;
            }
            let throttle = self.0.environment.throttle.as_ref();
            if count == 0 && throttle.is_some_and(|admits| !admits(request)) {
                return Opening::Failed(SessionError::Throttled);
            }
            distinct[count] = text;
            count += 1;
        }
        let now = self.now();
        // The application's hooks have work with those only whose tokens are looked at.
        let caller = Caller::of(request, self.0.context.as_ref());
        let handles = match &self.0.environment.id_generator {
            None => Handles::Random,
            Some(generator) => Handles::Custom(generator.handles(request)),
        };
        let mut presented = [None, None, None];
        let mut sealed = Vec::new();
        for (text, presented) in distinct[..count].iter().zip(&mut presented) {
            match &self.0.place {
                Place::Client {
                    protection,
                    revocations,
                } => match self.open_sealed(protection.as_ref(), text, peer, now) {
                    Ok(opened) if revocations.is_some() && !opened.anchors().is_empty() => {
                        sealed.push(opened)
                    }
                    Ok(opened) => self.merge(&mut found, opened, peer),
                    Err(failure) => return Opening::Failed(failure),
                },
                Place::Server(server) => match token::parse(text, server.signed.as_deref()) {
                    Ok((id, secret)) => {
                        *presented = Some(Presented {
                            key: server.key(&id),
                            id,
                            secret,
                        })
                    }
                    Err(failure) => match self.refused(failure, peer) {
                        Ok(refused) => self.merge(&mut found, refused, peer),
                        Err(failure) => return Opening::Failed(failure),
                    },
                },
            }
        }
        if let ([Some(one), None, None], Place::Server(server)) = (&presented, &self.0.place)
            && count == 1
            && let Some((value, record)) = self.at_hand(server, one, &caller, now)
            && let Some(Presented { key, secret, .. }) = presented[0].take()
        {
            let anchor = Anchor::Stored { key, secret, record };
            found.opened = Opened::Live(Live { value, anchor });
        }
        if sealed.is_empty() && presented.iter().all(Option::is_none) {
            let verdict = self.judged(&found.opened, &caller);
            if let (Opened::Live(live), ContextVerdict::Revoke) = (&found.opened, verdict) {
                // Nothing can end it, so that it is refused here alone.
                self.tell(Kind::Rejected(Rejection::Context), Some(live.anchor.id()), peer);
                found.opened = Opened::Dead;
            }
            let slot = Slot::new(self.clone(), found, handles, caller, verdict.trust(), now);
            return Opening::Ready(slot);
        }
        Opening::Loading(Loading {
            engine: self.clone(),
            caller,
            handles,
            found,
            presented,
            sealed,
        })
    }

    fn refused(&self, failure: ProtectionError, peer: Option<IpAddr>) -> Result<Opened<T>, SessionError> {
        Ok(match failure {
            ProtectionError::UnknownKey => {
                self.tell(Kind::Stale(Staleness::UnknownKey), None, peer);
                Opened::Stale
            }
            ProtectionError::RevokedKey => {
                self.tell(Kind::Rejected(Rejection::RevokedKey), None, peer);
                Opened::Dead
            }
            ProtectionError::Forged => {
                self.tell(Kind::Rejected(Rejection::Malformed), None, peer);
                Opened::Dead
            }
            // As with a storage that fails: nobody is logged out because somebody's key service is down.
            ProtectionError::Failed(_) => {
                log::protection_failed(self.name(), &failure);
                return Err(failure.into());
            }
        })
    }

    fn open_sealed(
        &self,
        protection: &dyn BoundProtection,
        text: &[u8],
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Opened<T>, SessionError> {
        let (header, payload) = match sealed::open(protection, text) {
            Ok(opened) => opened,
            Err(failure) => return self.refused(failure, peer),
        };
        if header.times.is_expired(now) {
            self.tell(Kind::Expired, Some(&header.id), peer);
            return Ok(Opened::Dead);
        }
        if header.issued > now.after(MAX_SKEW) {
            // By a node whose clock is right, perhaps: the client is to keep it.
            self.tell(Kind::Stale(Staleness::Future), Some(&header.id), peer);
            return Ok(Opened::Stale);
        }
        Ok(match self.read_fresh(header.schema, &payload).map(Arc::new) {
            Ok(value) => {
                let principal = value.principal();
                Opened::Live(Live {
                    value,
                    anchor: Anchor::Sealed {
                        header: header.into(),
                        payload,
                        principal,
                    },
                })
            }
            Err(unread) => {
                self.tell(unread.event(header.schema), Some(&header.id), peer);
                unread.opened(|| Anchor::Sealed {
                    header: header.into(),
                    payload,
                    principal: None,
                })
            }
        })
    }

    /// The session, if it is in memory and nothing has to be done with it but to read it: what all others take costs more
    /// than the session itself.
    fn at_hand(
        &self,
        server: &Server,
        presented: &Presented,
        caller: &Caller,
        now: Timestamp,
    ) -> Option<(Arc<T>, Arc<Record>)> {
        let Presented { key, id, secret } = presented;
        let record = server.storage.at_hand(*key, now)?;
        let Verdict::Live(Standing::Current) = self.judge(Some(&record), id, secret, now) else {
            return None;
        };
        let value = self.read(record.schema, &record.payload).ok()?;
        let judged = caller.judged(record.client_context.as_ref(), self.0.context.as_ref());
        (judged != ContextVerdict::Revoke).then_some((value, record))
    }

    async fn open_stored(
        &self,
        server: &Server,
        presented: Presented,
        peer: Option<IpAddr>,
    ) -> Result<Opened<T>, SessionError> {
        let Presented { key, id, secret } = presented;
        let now = self.now();
        let mut record = server.load(key, Read::Any, now).await?;
        let mut verdict = self.judge(record.as_deref(), &id, &secret, now);
        if server.storage.may_be_stale() && record.is_some() && !matches!(verdict, Verdict::Live(_)) {
            // That a session is over is never said from a copy.
            record = server.load(key, Read::Latest, now).await?;
            verdict = self.judge(record.as_deref(), &id, &secret, now);
        }
        // A newer version's session is left as it is: its successor is good without a confirmation.
        let ours = record
            .as_ref()
            .is_some_and(|record| record.schema.version <= self.0.schema.version);
        if let (Some(found), Verdict::Live(Standing::Successor), true) = (&record, &verdict, ours) {
            let confirmed = self.confirm(server, key, &secret, Arc::clone(found), peer);
            record = Box::pin(confirmed).await?;
            verdict = self.judge(record.as_deref(), &id, &secret, self.now());
        }
        let Some(record) = record else {
            self.tell(Kind::Rejected(Rejection::Unknown), id.claimed(), peer);
            return Ok(Opened::Dead);
        };
        match verdict {
            Verdict::Dead(why) => {
                self.tell(why, Some(&record.public_id), peer);
                Ok(Opened::Dead)
            }
            Verdict::Stale => {
                self.tell(Kind::Stale(Staleness::Replaced), Some(&id), peer);
                // Others of the client's requests may have been under way when its token was replaced.
                let late = now.since(record.secrets.since) >= server.grace;
                if server.on_reuse == OnReuse::Revoke && late && ours {
                    let ended = Box::pin(server.end(key, now)).await?;
                    Box::pin(server.forget(&record, now)).await;
                    if ended {
                        self.tell(Kind::Revoked(Revocation::Reused), Some(&id), peer);
                    }
                }
                Ok(Opened::Stale)
            }
            Verdict::Live(_) => {
                let read = self.read(record.schema, &record.payload);
                let anchor = Anchor::Stored { key, secret, record };
                Ok(match read {
                    Ok(value) => Opened::Live(Live { value, anchor }),
                    Err(unread) => {
                        self.tell(unread.event(anchor.schema()), Some(&id), peer);
                        unread.opened(|| anchor)
                    }
                })
            }
        }
    }

    /// Whether the record is the session that the token names, and the token opens it.
    pub(super) fn judge(
        &self,
        record: Option<&Record>,
        id: &PublicId,
        secret: &Secret,
        now: Timestamp,
    ) -> Verdict {
        let Some(record) = record else {
            return Verdict::Dead(Kind::Rejected(Rejection::Unknown));
        };
        if *record.name != *self.name()
            || record.application != self.0.environment.application
            || record.public_id != *id
        {
            return Verdict::Dead(Kind::Rejected(Rejection::Mismatched));
        }
        if record.times.is_expired(now) {
            return Verdict::Dead(Kind::Expired);
        }
        match record.secrets.standing(secret, now) {
            Standing::Stale => Verdict::Stale,
            Standing::Forged => Verdict::Dead(Kind::Rejected(Rejection::Forged)),
            good => Verdict::Live(good),
        }
    }
}

/// How far another node's clock may be ahead.
pub(super) const MAX_SKEW: std::time::Duration = std::time::Duration::from_secs(5);

/// What a token is to a record.
pub(super) enum Verdict {
    /// It opens it, as what it stands for.
    Live(Standing),
    Stale,
    Dead(Kind),
}

impl Unread {
    fn event(&self, stored: Schema) -> Kind {
        match self {
            Self::Foreign => Kind::Foreign {
                version: stored.version,
            },
            Self::Schema => Kind::Stale(Staleness::Schema),
            Self::Damaged => Kind::Rejected(Rejection::Undecodable),
        }
    }

    fn opened<T>(self, anchor: impl FnOnce() -> Anchor) -> Opened<T> {
        match self {
            Self::Foreign => Opened::Foreign(anchor()),
            Self::Schema => Opened::Stale,
            Self::Damaged => Opened::Dead,
        }
    }
}

impl<T: Session> Loading<T> {
    /// Asks the storage.
    ///
    /// # Errors
    /// [`SessionError::Unavailable`] when the storage failed, or did not answer in time.
    #[expect(
        clippy::manual_async_fn,
        reason = "the future of an `async fn` has room for all of it twice"
    )]
    pub fn finish(mut self) -> impl Future<Output = Result<Slot<T>, SessionError>> {
        async move {
            let (engine, peer) = (&self.engine, self.caller.peer);
            if let Some(server) = engine.server() {
                for presented in self.presented.iter_mut().filter_map(Option::take) {
                    let opened = engine.open_stored(server, presented, peer).await?;
                    engine.merge(&mut self.found, opened, peer);
                }
            }
            // What few requests do is boxed, here and above.
            for opened in self.sealed.drain(..) {
                let opened = Box::pin(engine.unless_ended(opened, peer)).await?;
                engine.merge(&mut self.found, opened, peer);
            }
            let verdict = engine.judged(&self.found.opened, &self.caller);
            if let (Opened::Live(live), ContextVerdict::Revoke) = (&self.found.opened, verdict) {
                Box::pin(engine.end_for_context(live, &self.caller)).await?;
                self.found.opened = Opened::Dead;
            }
            let began = engine.now();
            let trust = verdict.trust();
            Ok(Slot::new(
                self.engine,
                self.found,
                self.handles,
                self.caller,
                trust,
                began,
            ))
        }
    }
}

impl<T: Session> fmt::Debug for Loading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading")
            .field("session", &self.engine.name())
            .finish_non_exhaustive()
    }
}
