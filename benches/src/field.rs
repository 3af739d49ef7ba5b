//! Who is compared with whom.

use workloads::{Contestant, Failure, bare, ours};

use crate::peers;

/// A contestant, and who it is compared with.
#[derive(Debug)]
pub struct Entry {
    /// Who is measured.
    pub contestant: Contestant,
    /// The bare framework under it; of which this is one itself, if there is none.
    pub floor: Option<&'static str>,
    /// What of actix-session it is compared with.
    pub rival: Option<&'static str>,
}

/// Everyone, each bare framework before those that are built on it.
///
/// # Errors
/// A contestant cannot be set up.
pub fn field() -> Result<Vec<Entry>, Failure> {
    let floor = bare();
    let actix = Some(floor.name);
    let mut field = vec![Entry {
        contestant: floor,
        floor: None,
        rival: None,
    }];
    for contestant in ours()? {
        let rival = match contestant.name {
            name if name.starts_with("encrypted cookie") => peers::actix_session::PRIVATE,
            name if name.starts_with("signed cookie") => peers::actix_session::SIGNED,
            _ => peers::actix_session::MEMORY,
        };
        field.push(Entry {
            contestant,
            floor: actix,
            rival: Some(rival),
        });
    }
    field.extend(peers::actix_session::all().into_iter().map(|contestant| Entry {
        contestant,
        floor: actix,
        rival: None,
    }));
    Ok(field)
}
