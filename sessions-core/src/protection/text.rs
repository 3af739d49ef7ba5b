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
    let (mut ids, mut opening) = (Vec::new(), Vec::new());
    for (index, (number, entry)) in entries.into_iter().enumerate() {
        let wrong = |mistake| Mistake::At(number, mistake);
        let (state, text) = state(entry.trim(), index == 0).map_err(wrong)?;
        let (id, of_its_bytes) = match state {
            State::Revoked => named(text).map_err(wrong)?,
            _ => {
                let key = Key::from_text(text).map_err(wrong)?;
                let named = (key.id(), key.ids().to_vec());
                match state {
                    State::Current if current.is_some() => return Err(wrong(KeyError::SecondCurrent)),
                    State::Current => current = Some(key),
                    State::Upcoming => upcoming.push(key),
                    _ => retired.push(key),
                }
                named
            }
        };
        // What is revoked is that for every suite. Two suites of one key may be used, and both may be revoked.
        let (those, contradict) = match state {
            State::Revoked => (&mut revoked, &opening),
            _ => (&mut opening, &revoked),
        };
        if ids.contains(&id) || of_its_bytes.iter().any(|id| contradict.contains(id)) {
            return Err(wrong(KeyError::Listed));
        }
        ids.push(id);
        for id in of_its_bytes {
            if !those.contains(&id) {
                those.push(id);
            }
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

/// The id of a revoked key, and what its bytes are called for every suite, if it is the key that is listed.
fn named(text: &str) -> Result<(KeyId, Vec<KeyId>), KeyError> {
    if let Ok(id) = text.parse() {
        return Ok((id, vec![id]));
    }
    let key = Key::from_text(text)?;
    Ok((key.id(), key.ids().to_vec()))
}
