//! From the client's tokens to what is known of the session.

use std::{fmt, sync::Arc};

use super::{
    Engine, Place, Slot,
    reader::Unread,
    sealed,
    server::Server,
    state::{Anchor, Live, Opened},
    token,
};
use crate::{
    Payload, PublicId, Record, RequestView, Session, SessionError, StorageKey, Timestamp, event,
    id::Handles,
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
    handles: Handles,
    found: Opened<T>,
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
        let handles = match &self.0.environment.id_generator {
            None => Handles::Random,
            Some(generator) => Handles::Custom(generator.handles(request)),
        };
        let mut distinct: [&[u8]; MAX_TOKENS] = [&[]; MAX_TOKENS];
        let mut count = 0;
        let mut found = Opened::None;
        for text in tokens {
            if distinct[..count].contains(&text) {
                continue;
            }
            if count == MAX_TOKENS {
                // One that nobody looked at may be good: the others must not have it removed.
                event::stale(self.name(), "more tokens than are looked at");
                found = Opened::Stale;
                break;
            }
            distinct[count] = text;
            count += 1;
        }
        let mut presented = [None, None, None];
        let mut sealed = Vec::new();
        for (text, presented) in distinct[..count].iter().zip(&mut presented) {
            match &self.0.place {
                Place::Client {
                    protection,
                    revocations,
                } => match self.open_sealed(protection.as_ref(), text) {
                    Ok(opened) if revocations.is_some() && !opened.anchors().is_empty() => {
                        sealed.push(opened)
                    }
                    Ok(opened) => found = self.merge(found, opened),
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
                    Err(failure) => match self.refused(failure) {
                        Ok(refused) => found = self.merge(found, refused),
                        Err(failure) => return Opening::Failed(failure),
                    },
                },
            }
        }
        if sealed.is_empty() && presented.iter().all(Option::is_none) {
            return Opening::Ready(Slot::new(self.clone(), found, handles));
        }
        Opening::Loading(Loading {
            engine: self.clone(),
            handles,
            found,
            presented,
            sealed,
        })
    }

    fn refused(&self, failure: ProtectionError) -> Result<Opened<T>, SessionError> {
        Ok(match failure {
            ProtectionError::UnknownKey => {
                event::stale(self.name(), "unknown key or version");
                Opened::Stale
            }
            ProtectionError::RevokedKey => {
                event::rejected(self.name(), "of a revoked key");
                Opened::Dead
            }
            ProtectionError::Forged => {
                event::rejected(self.name(), "malformed or forged");
                Opened::Dead
            }
            // As with a storage that fails: nobody is logged out because somebody's key service is down.
            ProtectionError::Failed(_) => {
                event::protection_failed(self.name(), &failure);
                return Err(failure.into());
            }
        })
    }

    fn open_sealed(&self, protection: &dyn BoundProtection, text: &[u8]) -> Result<Opened<T>, SessionError> {
        let (header, payload) = match sealed::open(protection, text) {
            Ok(opened) => opened,
            Err(failure) => return self.refused(failure),
        };
        let now = self.now();
        if header.times.is_expired(now) {
            event::rejected(self.name(), "expired");
            return Ok(Opened::Dead);
        }
        if header.issued > now.after(MAX_SKEW) {
            // By a node whose clock is right, perhaps: the client is to keep it.
            event::stale(self.name(), "issued in the future");
            return Ok(Opened::Stale);
        }
        let payload = Payload::new(payload);
        Ok(match self.read(header.schema, &payload) {
            Ok(value) => {
                let principal = value.principal();
                Opened::Live(Live {
                    value,
                    anchor: Anchor::Sealed {
                        header,
                        payload,
                        principal,
                    },
                })
            }
            Err(unread) => unread.opened(|| Anchor::Sealed {
                header,
                payload,
                principal: None,
            }),
        })
    }

    async fn open_stored(&self, server: &Server, presented: Presented) -> Result<Opened<T>, SessionError> {
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
            record = self.confirm(server, key, &secret, Arc::clone(found)).await?;
            verdict = self.judge(record.as_deref(), &id, &secret, self.now());
        }
        let Some(record) = record else {
            event::rejected(self.name(), "unknown");
            return Ok(Opened::Dead);
        };
        match verdict {
            Verdict::Dead(reason) => {
                event::rejected(self.name(), reason);
                Ok(Opened::Dead)
            }
            Verdict::Stale => {
                event::stale(self.name(), "a secret that was replaced");
                // Others of the client's requests may have been under way when its token was replaced.
                let late = now.since(record.secrets.since) >= server.grace;
                if server.on_reuse == OnReuse::Revoke && late && ours {
                    event::reused(self.name(), &id);
                    server.end(key, now).await?;
                    server.forget(&record, now).await;
                }
                Ok(Opened::Stale)
            }
            Verdict::Live(_) => {
                let read = self.read(record.schema, &record.payload);
                let anchor = Anchor::Stored { key, secret, record };
                Ok(match read {
                    Ok(value) => Opened::Live(Live { value, anchor }),
                    Err(unread) => unread.opened(|| anchor),
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
            return Verdict::Dead("unknown");
        };
        if *record.name != *self.name()
            || record.application != self.0.environment.application
            || record.public_id != *id
        {
            return Verdict::Dead("another session's record");
        }
        if record.times.is_expired(now) {
            return Verdict::Dead("expired");
        }
        match record.secrets.standing(secret, now) {
            Standing::Stale => Verdict::Stale,
            Standing::Forged => Verdict::Dead("forged"),
            good => Verdict::Live(good),
        }
    }

    /// What two tokens of one request are together: the better one, and with two live ones neither, unless the client
    /// keeps the data, where the later one counts.
    fn merge(&self, one: Opened<T>, other: Opened<T>) -> Opened<T> {
        match (one, other) {
            (Opened::Live(one), Opened::Live(other)) => match (&one.anchor, &other.anchor) {
                (Anchor::Sealed { header, .. }, Anchor::Sealed { header: later, .. }) => {
                    Opened::Live(if later.issued > header.issued { other } else { one })
                }
                // One session under two signatures.
                (Anchor::Stored { key, .. }, Anchor::Stored { key: same, .. }) if key == same => {
                    Opened::Live(one)
                }
                _ => {
                    event::ambiguous(self.name());
                    Opened::Ambiguous(vec![one.anchor, other.anchor])
                }
            },
            (Opened::Ambiguous(mut several), Opened::Live(another)) => {
                if several.iter().all(|one| one.id() != another.anchor.id()) {
                    several.push(another.anchor);
                }
                Opened::Ambiguous(several)
            }
            (one, other) if rank(&one) >= rank(&other) => one,
            (_, other) => other,
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
    Dead(&'static str),
}

fn rank<T>(opened: &Opened<T>) -> u8 {
    match opened {
        Opened::None | Opened::Ended | Opened::Lost(_) => 0,
        Opened::Dead => 1,
        Opened::Stale => 2,
        Opened::Foreign(_) => 3,
        Opened::Live(_) => 4,
        Opened::Ambiguous(_) => 5,
    }
}

impl Unread {
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
    pub async fn finish(self) -> Result<Slot<T>, SessionError> {
        let Self {
            engine,
            handles,
            mut found,
            presented,
            sealed,
        } = self;
        if let Some(server) = engine.server() {
            for presented in presented.into_iter().flatten() {
                found = engine.merge(found, engine.open_stored(server, presented).await?);
            }
        }
        for opened in sealed {
            found = engine.merge(found, engine.unless_ended(opened).await?);
        }
        Ok(Slot::new(engine, found, handles))
    }
}

impl<T: Session> fmt::Debug for Loading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading")
            .field("session", &self.engine.name())
            .finish_non_exhaustive()
    }
}
