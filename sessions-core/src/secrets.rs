//! Which secrets open a session: what one of them is, and how another takes its place.
//!
//! `docs/rotation.md` has the whole story. A session has one current secret. A *renewal* gives its client a successor,
//! which takes over when the client shows it; from then on its predecessor opens the session for a while, the grace,
//! for requests that were under way. A *rotation* takes every other secret's power away at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    PublicId, RandomError, Timestamp,
    lp::put,
    secret::{Secret, SecretHash, random},
};

/// The hashes of the secrets that open a session, or once did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Secrets {
    /// The one that opens it.
    pub current: SecretHash,
    /// Since when it is that.
    pub since: Timestamp,
    /// The successor that has been sent and not yet come back.
    pub next: Option<Box<Successor>>,
    /// The predecessor, which opens it too for as long as its grace lasts.
    pub previous: Option<Box<Predecessor>>,
    /// The latest of those that open it no longer, newest last: a client that shows one is behind, not a forger.
    pub past: Vec<SecretHash>,
}

/// A successor that waits for its confirmation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Successor {
    /// Its hash.
    pub hash: SecretHash,
    /// The salt of its mask.
    pub salt: [u8; 16],
    /// The secret, masked with a key that only the holder of the current secret can derive.
    pub mask: [u8; 32],
}

/// A predecessor that still opens the session for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predecessor {
    /// Its hash.
    pub hash: SecretHash,
    /// The end of its grace.
    pub until: Timestamp,
    /// The salt of the mask.
    pub salt: [u8; 16],
    /// The current secret, masked with a key that only the holder of this one can derive.
    pub mask: [u8; 32],
}

/// What a secret is to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It opens it.
    Current,
    /// It is the successor, which takes over now that it has come back.
    Successor,
    /// It is the predecessor, within its grace.
    Predecessor,
    /// It opened it once.
    Stale,
    /// It never did.
    Forged,
}

impl Secrets {
    /// How many secrets of the past are remembered.
    pub const PAST: usize = 8;

    /// `current` alone.
    pub(crate) fn new(current: SecretHash, now: Timestamp) -> Self {
        Self {
            current,
            since: now,
            next: None,
            previous: None,
            past: Vec::new(),
        }
    }

    /// What this secret is. Each comparison takes the same time whatever it compares; which of them is true is no secret.
    pub(crate) fn standing(&self, secret: &Secret, now: Timestamp) -> Standing {
        let hash = secret.hash();
        if self.current == hash {
            Standing::Current
        } else if self.next.as_ref().is_some_and(|next| next.hash == hash) {
            Standing::Successor
        } else if let Some(previous) = self.previous.as_ref().filter(|previous| previous.hash == hash) {
            if now < previous.until {
                Standing::Predecessor
            } else {
                Standing::Stale
            }
        } else if self.past.contains(&hash) {
            Standing::Stale
        } else {
            Standing::Forged
        }
    }

    /// The secret that whoever shows this one should have instead: a successor that waits, or, within the grace, the
    /// current one.
    pub(crate) fn better(&self, secret: &Secret, owner: &MaskOwner<'_>, now: Timestamp) -> Option<Secret> {
        let graced = self.previous.as_ref().filter(|previous| now < previous.until);
        if self.next.is_none() && graced.is_none() {
            return None;
        }
        let (salt, masked, hash) = match self.standing(secret, now) {
            Standing::Current => self.next.as_ref().map(|next| (&next.salt, &next.mask, next.hash)),
            Standing::Predecessor => graced.map(|previous| (&previous.salt, &previous.mask, self.current)),
            Standing::Successor | Standing::Stale | Standing::Forged => None,
        }?;
        Some(owner.mask(masked, secret, salt)).filter(|better| better.hash() == hash)
    }

    /// Whether a successor can be given out: none waits, and no grace is running, so that at most two secrets are good.
    pub(crate) fn may_renew(&self, now: Timestamp) -> bool {
        self.next.is_none()
            && self
                .previous
                .as_ref()
                .is_none_or(|previous| now >= previous.until)
    }

    /// With a successor for the holder of `current`.
    pub(crate) fn renewed(&self, current: &Secret, owner: &MaskOwner<'_>) -> Result<Self, RandomError> {
        let (next, salt) = (Secret::generate()?, random()?);
        let mask = *owner.mask(next.as_bytes(), current, &salt).as_bytes();
        Ok(Self {
            next: Some(Box::new(Successor {
                hash: next.hash(),
                salt,
                mask,
            })),
            ..self.clone()
        })
    }

    /// The successor has come back and is the current one; its predecessor has a grace that counts from now. `None` if
    /// there is none.
    pub(crate) fn confirmed(&self, now: Timestamp, grace: Duration) -> Option<Self> {
        let next = self.next.as_ref()?;
        let mut past = self.past.clone();
        past.extend(self.previous.as_ref().map(|previous| previous.hash));
        forget(&mut past);
        Some(Self {
            current: next.hash,
            since: now,
            next: None,
            previous: Some(Box::new(Predecessor {
                hash: self.current,
                until: now.after(grace),
                // Of the same two secrets.
                salt: next.salt,
                mask: next.mask,
            })),
            past,
        })
    }

    /// `current` alone opens it from now on.
    pub(crate) fn rotated(&self, current: SecretHash, now: Timestamp) -> Self {
        let mut past = self.past.clone();
        past.extend(self.previous.as_ref().map(|previous| previous.hash));
        past.push(self.current);
        past.extend(self.next.as_ref().map(|next| next.hash));
        forget(&mut past);
        Self {
            past,
            ..Self::new(current, now)
        }
    }
}

fn forget(past: &mut Vec<SecretHash>) {
    past.drain(..past.len().saturating_sub(Secrets::PAST));
}

/// The session whose secrets are masked.
#[derive(Clone, Copy)]
pub(crate) struct MaskOwner<'a> {
    pub(crate) application: &'a str,
    pub(crate) name: &'a str,
    pub(crate) id: &'a PublicId,
}

impl MaskOwner<'_> {
    /// Masks a secret, or takes the mask off again: by a key that the holder of `by` can derive, and nobody who only has
    /// its hash.
    fn mask(&self, secret: &[u8; Secret::LEN], by: &Secret, salt: &[u8; 16]) -> Secret {
        let mut info = Vec::new();
        put(&mut info, b"next");
        put(&mut info, self.application.as_bytes());
        put(&mut info, self.name.as_bytes());
        put(&mut info, self.id.as_bytes());
        Secret::masked(secret, &by.derive(salt, &info))
    }
}
