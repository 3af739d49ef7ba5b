//! A ring as text.

use super::{Key, KeyError, KeyId, ring::Keys};

/// Why a list of keys is no ring. Never shows what the list holds.
pub(super) enum Mistake {
    /// This entry of it is of no use.
    At(usize, KeyError),
    /// None of the keys is the current one.
    NoCurrent,
}

/// What a key can be.
enum State {
    Current,
    Upcoming,
    Retired,
    Revoked,
}

/// The keys of a list, whose entries are numbered.
pub(super) fn keys<'t>(entries: impl IntoIterator<Item = (usize, &'t str)>) -> Result<Keys, Mistake> {
    let (mut current, mut upcoming, mut retired, mut revoked) = (None, Vec::new(), Vec::new(), Vec::new());
    let mut ids = Vec::new();
    for (index, (number, entry)) in entries.into_iter().enumerate() {
        let wrong = |mistake| Mistake::At(number, mistake);
        let (state, text) = state(entry.trim(), index == 0).map_err(wrong)?;
        let id = match state {
            State::Revoked => id(text).map_err(wrong)?,
            _ => {
                let key = Key::from_text(text).map_err(wrong)?;
                let id = key.id();
                match state {
                    State::Current if current.is_some() => return Err(wrong(KeyError::SecondCurrent)),
                    State::Current => current = Some(key),
                    State::Upcoming => upcoming.push(key),
                    _ => retired.push(key),
                }
                id
            }
        };
        if ids.contains(&id) {
            return Err(wrong(KeyError::Listed));
        }
        ids.push(id);
        if let State::Revoked = state {
            revoked.push(id);
        }
    }
    Ok(Keys {
        current: current.ok_or(Mistake::NoCurrent)?,
        upcoming,
        retired,
        revoked,
    })
}

/// The state that an entry says, and what is left of it.
fn state(entry: &str, first: bool) -> Result<(State, &str), KeyError> {
    let Some((state, text)) = entry.split_once([' ', '\t']) else {
        let state = if first { State::Current } else { State::Retired };
        return Ok((state, entry));
    };
    let state = match state {
        "current" => State::Current,
        "upcoming" => State::Upcoming,
        "retired" => State::Retired,
        "revoked" => State::Revoked,
        _ => return Err(KeyError::State),
    };
    Ok((state, text.trim()))
}

/// The id of a revoked key, or that of the key itself.
fn id(text: &str) -> Result<KeyId, KeyError> {
    text.parse().or_else(|_| Ok(Key::from_text(text)?.id()))
}
