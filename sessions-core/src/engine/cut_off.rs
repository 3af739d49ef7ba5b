//! The end of many sessions that clients keep at once: of all that had begun until then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{open::MAX_SKEW, sealed::Header};
use crate::{Principal, PublicId, Timestamp, storage::Roster};

/// Which sessions are over: a principal's, or everyone's.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CutOff {
    /// When they were ended. A login whose request began before that is refused.
    at: Timestamp,
    /// Those whose mark is not above this one.
    mark: Timestamp,
    except: Option<Kept>,
}

/// The one that stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    id: PublicId,
    /// Unless its mark is not above this one: then it was over before.
    above: Option<Timestamp>,
}

/// Whose sessions are ended.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    /// A principal's, except perhaps for one.
    Principal(&'a Principal, Option<&'a PublicId>),
    Everyone,
}

impl CutOff {
    /// One that ends whatever was begun until now, by nodes whose clocks are up to `MAX_SKEW` apart. `before` is the one in
    /// whose place it comes, and `above` everyone's, where this one is a principal's.
    pub(super) fn new(whose: Whose<'_>, now: Timestamp, before: Option<&Self>, above: Option<&Self>) -> Self {
        let at = before.map(|before| before.at).filter(|at| is_believed(*at, now));
        let (mark, except) = match whose {
            Whose::Principal(_, keep) => {
                let known = before.into_iter().chain(above);
                let mark = known.map(|known| next(known.mark)).max().unwrap_or_default();
                (mark.max(now.after(MAX_SKEW)), keep)
            }
            // Nobody knows all principals', and marks are above those. They may be two skews ahead of this clock, and a
            // millisecond more for each that came in the same one: the third skew has room for thousands.
            Whose::Everyone => {
                let mark = before.map(|before| before.mark.after(MAX_SKEW));
                (mark.unwrap_or_default().max(now.after(3 * MAX_SKEW)), None)
            }
        };
        Self {
            at: at.unwrap_or_default().max(now),
            mark,
            except: except.map(|id| Kept::over(before, id)),
        }
    }

    /// The lowest mark that is above it.
    pub(super) fn lowest_mark(&self) -> Timestamp {
        next(self.mark)
    }

    /// Whether a login is too late whose request began at this time.
    pub(super) fn refuses(&self, began: Timestamp, now: Timestamp) -> bool {
        began < self.at && is_believed(self.at, now)
    }

    /// Whether the session with this header is over.
    pub(super) fn ends(&self, header: &Header) -> bool {
        let is_kept = |kept: &Kept| kept.id == header.id && Some(header.mark) > kept.above;
        header.mark <= self.mark && !self.except.as_ref().is_some_and(is_kept)
    }
}

impl Kept {
    /// Whoever keeps a session does not bring it back.
    fn over(before: Option<&CutOff>, id: &PublicId) -> Self {
        match before {
            Some(CutOff {
                except: Some(kept), ..
            }) if kept.id == *id => kept.clone(),
            before => Self {
                id: id.clone(),
                above: before.map(|before| before.mark),
            },
        }
    }
}

/// One that is ahead was made by a clock that was wrong and has been set back: it would lock people out.
fn is_believed(at: Timestamp, now: Timestamp) -> bool {
    at.since(now) <= Roster::LEASE
}

fn next(mark: Timestamp) -> Timestamp {
    mark.after(Duration::from_millis(1))
}
