//! What a request does, and how it ends.

use std::sync::Arc;

use sessions_core::{Clock as _, ManualClock, SessionError};

use crate::scene::GRACE_PASSES;
use crate::stepped::Stepped;
use crate::support::{Client, Login, Said, hours, login};

/// What a request does, if it finds the session; a start also if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Does {
    /// Reads it, and its activity is written down.
    Look,
    Set,
    Update,
    Renew,
    Rotate,
    SetAndRotate,
    Clear,
    ClearAndSet,
    Start,
    Take,
    Revoke,
    /// Time passes, until the session has expired.
    Expire,
    /// Time passes, until a grace that runs is over.
    GracePasses,
}
use Does::*;

pub(crate) const ALL: [Does; 13] = [
    Look,
    Set,
    Update,
    Renew,
    Rotate,
    SetAndRotate,
    Clear,
    ClearAndSet,
    Start,
    Take,
    Revoke,
    Expire,
    GracePasses,
];

impl Does {
    pub(crate) fn rotates(self) -> bool {
        matches!(self, Rotate | SetAndRotate)
    }

    pub(crate) fn ends(self) -> bool {
        self.deletes() || self == Expire
    }

    pub(crate) fn deletes(self) -> bool {
        matches!(self, Clear | ClearAndSet | Start | Take | Revoke)
    }

    pub(crate) fn begins(self) -> bool {
        matches!(self, ClearAndSet | Start)
    }

    pub(crate) fn sets(self) -> bool {
        matches!(self, Set | SetAndRotate)
    }

    /// Whether it is a request at all.
    pub(crate) fn is_time(self) -> bool {
        matches!(self, Expire | GracePasses)
    }
}

/// The answer was a 409.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// A request that was answered.
pub(crate) struct Answered {
    pub(crate) does: Does,
    /// Whether it found the session.
    pub(crate) found: bool,
    /// Whether its update was acknowledged, or it was the one that took or revoked.
    pub(crate) done: bool,
    pub(crate) end: Result<Said, Refused>,
    pub(crate) client: Client<Login>,
}

impl Answered {
    pub(crate) fn said(&self, said: &Said) -> bool {
        self.end.as_ref() == Ok(said)
    }
}

/// The value that the request of this index sets.
pub(crate) fn value(index: usize) -> Login {
    login("alice", 100 * (u32::try_from(index).unwrap() + 1))
}

/// What waits for its turn before it does anything.
pub(crate) async fn in_turn(
    storage: Arc<Stepped>,
    clock: ManualClock,
    then: impl Future<Output = Answered>,
) -> Answered {
    storage.wait(clock.now()).await;
    then.await
}

pub(crate) async fn time(client: Client<Login>, does: Does, clock: ManualClock) -> Answered {
    clock.advance(if does == Expire { hours(1) } else { GRACE_PASSES });
    Answered {
        does,
        found: true,
        done: true,
        end: Ok(Said::Nothing),
        client,
    }
}

pub(crate) async fn request(mut client: Client<Login>, does: Does, value: Login) -> Answered {
    let slot = client.open().await;
    let id = slot.public_id();
    let found = id.is_some();
    let mut done = false;
    match does {
        Start => slot.start(value).unwrap(),
        _ if !found => {}
        Look | Expire | GracePasses => {}
        Set => slot.set(value).unwrap(),
        Update => done = slot.update(|login| login.visits += 1).await.unwrap().is_some(),
        Renew => slot.renew_id().unwrap(),
        Rotate => slot.rotate_id().unwrap(),
        SetAndRotate => {
            slot.set(value).unwrap();
            slot.rotate_id().unwrap();
        }
        Clear => slot.clear().unwrap(),
        ClearAndSet => {
            slot.clear().unwrap();
            slot.set(value).unwrap();
        }
        Take => done = slot.take().await.unwrap().is_some(),
        Revoke => done = client.engine().revoke(&id.unwrap()).await.unwrap(),
    }
    let end = match client.ends(&slot).await {
        Ok(said) => Ok(said),
        Err(SessionError::Conflict) => Err(Refused),
        Err(failure) => panic!("{does:?}: {failure}"),
    };
    Answered {
        does,
        found,
        done,
        end,
        client,
    }
}
