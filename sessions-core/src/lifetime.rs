//! When a session ends by itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The points in time of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When it was started. Never moves.
    pub created: Timestamp,
    /// When its user last proved who they are, where there is a user.
    pub authenticated: Option<Timestamp>,
    /// The last request that is known of, exact to the touch interval.
    pub last_seen: Timestamp,
    /// It ends here unless it is used before. Only ever moves forward.
    pub idle_deadline: Timestamp,
    /// It ends here, however much it is used. Never moves.
    pub absolute_deadline: Timestamp,
    /// A cap of its own.
    pub not_after: Option<Timestamp>,
    /// Its own idle timeout and lifetime, if it is one to be remembered: its cookie then outlasts the browser.
    pub remembered: Option<Duration>,
}

impl Times {
    /// The first of its deadlines.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.idle_deadline.min(self.end())
    }

    /// When it ends, however much it is used.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        let end = self.absolute_deadline;
        self.not_after.map_or(end, |cap| end.min(cap))
    }

    /// Whether it has ended: at its deadline it has.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.deadline()
    }
}

/// The limits of one session type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) idle_timeout: Duration,
    pub(crate) absolute_lifetime: Duration,
    pub(crate) touch_interval: Duration,
}

/// What a request wants of the session that it starts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) remember: Option<Duration>,
    pub(crate) not_after: Option<Timestamp>,
}

impl Lifetimes {
    /// The deadlines of a session that starts now.
    pub(crate) fn start(&self, now: Timestamp, authenticated: bool, wishes: &Wishes) -> Times {
        let absolute_deadline = now.after(wishes.remember.unwrap_or(self.absolute_lifetime));
        Times {
            created: now,
            authenticated: authenticated.then_some(now),
            last_seen: now,
            idle_deadline: now
                .after(wishes.remember.unwrap_or(self.idle_timeout))
                .min(absolute_deadline),
            absolute_deadline,
            not_after: wishes.not_after,
            remembered: wishes.remember,
        }
    }

    /// The same session, used now.
    pub(crate) fn used(&self, times: &Times, now: Timestamp) -> Times {
        Times {
            last_seen: times.last_seen.max(now),
            idle_deadline: now
                .after(times.remembered.unwrap_or(self.idle_timeout))
                .min(times.absolute_deadline)
                .max(times.idle_deadline),
            ..*times
        }
    }

    /// Whether its activity should be written down: not more often than the touch interval.
    pub(crate) fn touch_is_due(&self, times: &Times, now: Timestamp) -> bool {
        now.since(times.last_seen) >= self.touch_interval
    }

    /// Whether a token that carries its own times should be sealed anew: that takes more than a write, so only where its
    /// life becomes longer by it.
    pub(crate) fn reseal_is_due(&self, times: &Times, now: Timestamp) -> bool {
        self.touch_is_due(times, now) && self.used(times, now).idle_deadline > times.idle_deadline
    }
}
