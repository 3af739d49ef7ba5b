//! What several tokens of one request are together.

use std::{mem, net::IpAddr};

use super::{
    Engine,
    state::{Anchor, Found, Live, Opened},
};
use crate::{Session, events::SessionEventKind as Kind};

impl<T: Session> Engine<T> {
    /// What one more token makes of a request's: the better one counts. Of two live ones neither does, unless they are of one
    /// session, or are kept by the client for one user: then the later one counts.
    pub(super) fn merge(&self, found: &mut Found<T>, other: Opened<T>, peer: Option<IpAddr>) {
        if let Opened::None = found.opened {
            found.opened = other;
            return;
        }
        let one = mem::replace(&mut found.opened, Opened::None);
        found.opened = match (one, other) {
            (Opened::Live(one), Opened::Live(other)) => match kinship(&one.anchor, &other.anchor) {
                Kinship::Strangers => {
                    self.tell(Kind::Ambiguous, None, peer);
                    Opened::Ambiguous(vec![one.anchor, other.anchor])
                }
                Kinship::SameSession => Opened::Live(later(one, other).0),
                Kinship::SameUser => {
                    let (later, earlier) = later(one, other);
                    found.others.push(earlier.anchor);
                    Opened::Live(later)
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
        };
    }
}

/// What two live sessions are to each other.
enum Kinship {
    SameSession,
    /// A client may keep an older session of its user, under another path or domain.
    SameUser,
    /// Another host of the site may have set one of the two, for its own user. Nobody's may be anybody's.
    Strangers,
}

fn kinship(one: &Anchor, other: &Anchor) -> Kinship {
    match (one, other) {
        (Anchor::Sealed { header, .. }, Anchor::Sealed { header: same, .. }) if header.id == same.id => {
            Kinship::SameSession
        }
        // Under two signatures.
        (Anchor::Stored { key, .. }, Anchor::Stored { key: same, .. }) if key == same => Kinship::SameSession,
        (
            Anchor::Sealed {
                principal: Some(user),
                ..
            },
            Anchor::Sealed {
                principal: Some(same),
                ..
            },
        ) if user == same => Kinship::SameUser,
        _ => Kinship::Strangers,
    }
}

/// The one that was issued later, and the other one.
fn later<T>(one: Live<T>, other: Live<T>) -> (Live<T>, Live<T>) {
    match (&one.anchor, &other.anchor) {
        (Anchor::Sealed { header, .. }, Anchor::Sealed { header: later, .. })
            if later.issued > header.issued =>
        {
            (other, one)
        }
        _ => (one, other),
    }
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
