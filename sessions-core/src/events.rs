//! What happens to sessions, told to the log and to whoever listens: names and public ids, never a token, a payload, a key
//! or a principal.

use std::{
    fmt,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tracing::{debug, error, warn};

use crate::PublicId;

/// Something that has happened to a session, or to a token that is none.
///
/// Told once it has happened: of a write, when the storage has acknowledged it. At most once for each time that this
/// process sees it; what another process does is told there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionEvent<'a> {
    /// The session's name.
    pub session: &'a str,
    /// Which session, where that is known: safe to show and to log. Of a token that was
    /// [`Unknown`](Rejection::Unknown) it is what the client claims.
    pub public_id: Option<&'a PublicId>,
    /// Who sent the request, where its own session is meant and not what it does to others: the other end of the
    /// connection, which is the proxy behind one.
    pub peer: Option<IpAddr>,
    /// What has happened.
    pub kind: SessionEventKind,
}

/// What has happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEventKind {
    /// It was started.
    Created,
    /// Its client has shown the token that takes another one's place, which is good for the grace still; or, where clients
    /// keep it, it was sealed anew.
    Renewed,
    /// Its token was replaced, and no earlier one is good any more. Where clients keep it, it has another id from now on,
    /// which is the one that is told.
    Rotated,
    /// Its own client has ended it: a logout, or a login in its place.
    Cleared,
    /// Somebody or something else has ended it.
    Revoked(Revocation),
    /// Its token came after its end. A session on the server that has expired is no longer there, and its token is
    /// [`Unknown`](Rejection::Unknown).
    Expired,
    /// A token was shown that is no session.
    Rejected(Rejection),
    /// A token was shown that was good once, or is elsewhere; it is left to the client.
    Stale(Staleness),
    /// One request has shown the tokens of several live sessions of one name; none is used.
    Ambiguous,
    /// A newer version of the application wrote it, and it was left alone.
    Foreign {
        /// That version's.
        version: u32,
    },
    /// A write was dropped, because the session has ended or was rotated since the request has read it.
    LostWrite,
    /// A login was refused: the principal has as many sessions as allowed.
    LimitReached,
    /// A value was refused: its token would be longer than what every browser keeps.
    TooLarge {
        /// Bytes of name and token.
        size: usize,
    },
}

/// Who or what has ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The application, by its public id, its principal, or with everybody's. Told once and without an id where several were
    /// ended at once and nobody knows which: everybody's, or a principal's that clients keep.
    Asked,
    /// A newer login, as the principal's oldest session of more than are allowed.
    Evicted,
    /// Somebody has shown a token that was replaced.
    Reused,
    /// The application's [`ClientContext`](crate::ClientContext): its token came from a client that should not have it.
    Context,
}

/// Why a token is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It was not made here for this session, or it was changed: no token at all, or its seal or signature is not right.
    Malformed,
    /// It names no session: one that has ended or expired, or that there never was.
    Unknown,
    /// It is of a session that the client keeps, and that was ended.
    Ended,
    /// It names a session and does not open it: its secret never was that session's.
    Forged,
    /// It names a record that is another session's.
    Mismatched,
    /// It was made under a key that is revoked.
    RevokedKey,
    /// What it opens cannot be decoded.
    Undecodable,
    /// The application's [`ClientContext`](crate::ClientContext) takes it from this client, and nothing can end it, as clients
    /// keep it and it is not `revocable`.
    Context,
}

/// Why a token is of no use here and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Staleness {
    /// It was replaced, and its grace is over.
    Replaced,
    /// It was made under a key or a version that is not known here.
    UnknownKey,
    /// It was issued in the future.
    Future,
    /// Its session has another schema, which nothing here reads.
    Schema,
    /// There are more tokens of this name than are looked at.
    TooMany,
}

/// Who is told of events.
pub type SessionListener = dyn Fn(&SessionEvent<'_>) + Send + Sync;

/// Tells what happens to the sessions of one type.
#[derive(Clone)]
pub(crate) struct Events {
    pub(crate) session: Arc<str>,
    pub(crate) listener: Option<Arc<SessionListener>>,
}

impl Events {
    /// Never while a lock of a session is held.
    pub(crate) fn tell(&self, kind: SessionEventKind, public_id: Option<&PublicId>, peer: Option<IpAddr>) {
        let event = SessionEvent {
            session: &self.session,
            public_id,
            peer,
            kind,
        };
        event.log();
        // What has happened has happened, whatever becomes of those who are told.
        if let Some(listener) = &self.listener
            && catch_unwind(AssertUnwindSafe(|| listener(&event))).is_err()
        {
            error!(session = event.session, ?kind, "the session listener panicked");
        }
    }
}

impl SessionEvent<'_> {
    /// What a client can cause at will is not worth more than `debug`.
    fn log(&self) {
        use SessionEventKind as Kind;
        let (id, peer) = (
            self.public_id.map(tracing::field::display),
            self.peer.map(tracing::field::display),
        );
        match self.kind {
            Kind::LostWrite | Kind::Revoked(Revocation::Reused | Revocation::Context) => {
                warn!(session = self.session, id, peer, "{}", self.kind);
            }
            kind => debug!(session = self.session, id, peer, "{kind}"),
        }
    }
}

/// As a sentence without its subject's name, for logs.
impl fmt::Display for SessionEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "a session was started",
            Self::Renewed => "a session's token was renewed",
            Self::Rotated => "a session's token was replaced",
            Self::Cleared => "a session was ended by its client",
            Self::Revoked(Revocation::Asked) => "a session was revoked",
            Self::Revoked(Revocation::Evicted) => "a session was ended: its principal has begun a newer one",
            Self::Revoked(Revocation::Reused) => {
                "a session was ended: a token that was replaced has been shown again"
            }
            Self::Revoked(Revocation::Context) => {
                "a session was ended: its token came from a client that should not have it"
            }
            Self::Expired => "a token was rejected: its session has expired",
            Self::Rejected(Rejection::Malformed) => "a token was rejected: malformed or forged",
            Self::Rejected(Rejection::Unknown) => "a token was rejected: unknown",
            Self::Rejected(Rejection::Ended) => "a token was rejected: its session was ended",
            Self::Rejected(Rejection::Forged) => "a token was rejected: its secret is not the session's",
            Self::Rejected(Rejection::Mismatched) => "a token was rejected: another session's record",
            Self::Rejected(Rejection::RevokedKey) => "a token was rejected: of a revoked key",
            Self::Rejected(Rejection::Context) => {
                "a token was rejected: it came from a client that should not have it"
            }
            Self::Rejected(Rejection::Undecodable) => "a token was rejected: undecodable",
            Self::Stale(Staleness::Replaced) => "a stale token was presented: a secret that was replaced",
            Self::Stale(Staleness::UnknownKey) => "a stale token was presented: unknown key or version",
            Self::Stale(Staleness::Future) => "a stale token was presented: issued in the future",
            Self::Stale(Staleness::Schema) => "a stale token was presented: its session has another schema",
            Self::Stale(Staleness::TooMany) => "a stale token was presented: more tokens than are looked at",
            Self::Ambiguous => {
                "one request carries the tokens of several sessions of this name; none is used"
            }
            Self::Foreign { version } => {
                return write!(
                    f,
                    "a session of the newer schema version {version} was left alone"
                );
            }
            Self::LostWrite => {
                "a write to a session was dropped: the session has ended, or its id was rotated"
            }
            Self::LimitReached => "a login was refused: its principal has as many sessions as allowed",
            Self::TooLarge { size } => {
                return write!(f, "a session was refused: it takes {size} bytes in its transport");
            }
        })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
