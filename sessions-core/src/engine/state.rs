//! What is known of a session during one request, and what the handler has asked for.

use std::sync::Arc;

use super::{
    sealed::Header,
    writer::{Encoded, Written},
};
use crate::{
    Payload, Principal, PublicId, Record, Schema, StorageKey, Times, Timestamp, Token, lifetime::Wishes,
    secret::Secret,
};

/// What came out of opening, and, later in the request, what storage and client are known to hold.
pub(super) enum Opened<T> {
    /// No token came.
    None,
    /// A token that is no session: malformed, forged, expired, unknown or unreadable.
    Dead,
    /// A token that was good once, or may be elsewhere.
    Stale,
    /// A session that a newer version of the application wrote.
    Foreign(Anchor),
    /// Several live sessions.
    Ambiguous(Vec<Anchor>),
    /// The session.
    Live(Live<T>),
    /// This request has ended it.
    Ended,
    /// Somebody else has ended it, or rotated its id, since it was opened: nothing that this request knows of it may
    /// bring it back.
    Lost(Option<Principal>),
}

/// What all of a request's tokens are together.
pub(super) struct Found<T> {
    pub(super) opened: Opened<T>,
    /// Other sessions of the user whose session was opened, which the client keeps besides.
    pub(super) others: Vec<Anchor>,
}

/// A live session: its value, and where that is kept.
pub(super) struct Live<T> {
    pub(super) value: Arc<T>,
    pub(super) anchor: Anchor,
}

/// A session that is authenticated.
#[derive(Clone)]
pub(super) enum Anchor {
    /// Kept on the server, and the secret that opens it.
    Stored {
        key: StorageKey,
        secret: Secret,
        record: Arc<Record>,
    },
    /// Kept by the client.
    Sealed {
        header: Arc<Header>,
        payload: Payload,
        principal: Option<Principal>,
    },
}

/// A value that is to be written.
pub(super) struct Draft<T> {
    pub(super) value: Arc<T>,
    pub(super) encoded: Encoded,
    pub(super) principal: Option<Principal>,
    pub(super) issue: Issue,
}

/// What the client will be given for a draft.
#[derive(Clone)]
pub(super) enum Issue {
    /// What it has.
    Nothing,
    /// A new session on the server.
    ById {
        id: PublicId,
        secret: Secret,
        times: Times,
    },
    /// The sealed value.
    ByValue { header: Arc<Header>, token: Token },
}

/// What becomes of the session that was opened, whatever becomes of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// It gets another token, which overlaps with the one that it has.
    Renew,
    /// It gets another token, and no other is good from then on.
    Rotate,
    End,
}

/// What is to be written; dropped when the response is a server error.
pub(super) enum Write<T> {
    Nothing,
    /// Into the session that was opened.
    Set(Draft<T>),
    /// Into a new one, in whose favour all that was opened is ended.
    Start(Draft<T>),
}

/// What the client has to be told for what has been written already.
#[derive(Clone, Debug)]
pub(super) enum Owed {
    Nothing,
    Send(Token, Times),
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// The response head has been decided.
    Committed,
}

pub(super) struct State<T> {
    pub(super) phase: Phase,
    pub(super) opened: Opened<T>,
    /// Whoever ends what was opened ends these, too: each would log its user in again.
    pub(super) others: Vec<Anchor>,
    pub(super) fate: Fate,
    pub(super) write: Write<T>,
    pub(super) owed: Owed,
    /// Whether the session in `opened` was created in this request.
    pub(super) created_here: bool,
    pub(super) certainty: Certainty,
    /// When the request came to the session: a login of before its principal's sessions were ended is refused.
    pub(super) began: Timestamp,
    /// The device label of a session that this request starts.
    pub(super) label: Option<Arc<str>>,
    /// How long that one is to live.
    pub(super) wishes: Wishes,
}

/// Whether the storage is known to hold what `opened` shows, other requests' writes aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    Known,
    /// A write of this request was begun, and perhaps its caller did not wait for its end.
    Unsure,
}

/// What the handler sees.
#[derive(Clone, Copy)]
pub(super) enum View<'a, T> {
    /// No session.
    Nothing,
    /// The session that was opened.
    Live(&'a Live<T>),
    /// The session that was opened, with another value.
    Set(&'a Live<T>, &'a Draft<T>),
    /// A new session.
    Start(&'a Draft<T>),
}

impl<T> State<T> {
    pub(super) fn new(found: Found<T>, began: Timestamp) -> Self {
        Self {
            phase: Phase::Open,
            opened: found.opened,
            others: found.others,
            fate: Fate::Keep,
            write: Write::Nothing,
            owed: Owed::Nothing,
            created_here: false,
            certainty: Certainty::Known,
            began,
            label: None,
            wishes: Wishes::default(),
        }
    }

    /// What ends with a logout, or in favour of a new session.
    pub(super) fn to_end(&self) -> Vec<Anchor> {
        [self.opened.anchors(), &self.others].concat()
    }

    pub(super) fn view(&self) -> View<'_, T> {
        match (&self.write, self.fate, &self.opened) {
            (Write::Start(draft), ..) => View::Start(draft),
            (Write::Set(draft), Fate::Keep | Fate::Renew | Fate::Rotate, Opened::Live(live)) => {
                View::Set(live, draft)
            }
            (Write::Nothing, Fate::Keep | Fate::Renew | Fate::Rotate, Opened::Live(live)) => View::Live(live),
            _ => View::Nothing,
        }
    }
}

impl<T> View<'_, T> {
    pub(super) fn value(&self) -> Option<&Arc<T>> {
        match self {
            View::Nothing => None,
            View::Live(live) => Some(&live.value),
            View::Set(_, draft) | View::Start(draft) => Some(&draft.value),
        }
    }

    pub(super) fn id_and_times(&self) -> Option<(&PublicId, &Times)> {
        match self {
            View::Nothing => None,
            View::Live(live) | View::Set(live, _) => Some((live.anchor.id(), live.anchor.times())),
            View::Start(draft) => match &draft.issue {
                Issue::ById { id, times, .. } => Some((id, times)),
                Issue::ByValue { header, .. } => Some((&header.id, &header.times)),
                Issue::Nothing => None,
            },
        }
    }
}

impl Anchor {
    pub(super) fn id(&self) -> &PublicId {
        match self {
            Self::Stored { record, .. } => &record.public_id,
            Self::Sealed { header, .. } => &header.id,
        }
    }

    pub(super) fn times(&self) -> &Times {
        match self {
            Self::Stored { record, .. } => &record.times,
            Self::Sealed { header, .. } => &header.times,
        }
    }

    pub(super) fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Stored { record, .. } => record.principal.as_ref(),
            Self::Sealed { principal, .. } => principal.as_ref(),
        }
    }

    /// What was known of the client that has started it.
    pub(super) fn context(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Stored { record, .. } => record.client_context.as_ref(),
            Self::Sealed { header, .. } => header.context.as_ref(),
        }
    }

    pub(super) fn payload(&self) -> &Payload {
        match self {
            Self::Stored { record, .. } => &record.payload,
            Self::Sealed { payload, .. } => payload,
        }
    }

    /// Whether that is what it has already.
    pub(super) fn holds(&self, written: &Written) -> bool {
        self.schema() == written.schema && *self.payload() == written.payload
    }

    pub(super) fn schema(&self) -> Schema {
        match self {
            Self::Stored { record, .. } => record.schema,
            Self::Sealed { header, .. } => header.schema,
        }
    }
}

impl<T> Opened<T> {
    /// The sessions that the client can prove.
    pub(super) fn anchors(&self) -> &[Anchor] {
        match self {
            Self::Live(live) => std::slice::from_ref(&live.anchor),
            Self::Foreign(anchor) => std::slice::from_ref(anchor),
            Self::Ambiguous(several) => several,
            Self::None | Self::Dead | Self::Stale | Self::Ended | Self::Lost(_) => &[],
        }
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            anchor: self.anchor.clone(),
        }
    }
}

impl<T> Clone for Draft<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            encoded: self.encoded.clone(),
            principal: self.principal.clone(),
            issue: self.issue.clone(),
        }
    }
}

impl<T> Clone for Opened<T> {
    fn clone(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Dead => Self::Dead,
            Self::Stale => Self::Stale,
            Self::Foreign(anchor) => Self::Foreign(anchor.clone()),
            Self::Ambiguous(several) => Self::Ambiguous(several.clone()),
            Self::Live(live) => Self::Live(live.clone()),
            Self::Ended => Self::Ended,
            Self::Lost(principal) => Self::Lost(principal.clone()),
        }
    }
}

impl<T> Clone for Write<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Set(draft) => Self::Set(draft.clone()),
            Self::Start(draft) => Self::Start(draft.clone()),
        }
    }
}
