//! The bare framework, and this library with what it has by default.

use actix_web::{App, http::header::HeaderValue};
use sessions_actix::{
    Sessions,
    protection::{Encrypted, Key, KeyRing},
    storage::{MemoryStorage, SessionStorage},
};

use crate::{
    Account, Carrier, Contestant, Failure, Workload,
    handlers::{Writes, with_sessions, without_sessions},
};

/// What all others are compared with: the framework alone. Its client sends a cookie that nobody reads.
#[must_use]
pub fn bare() -> Contestant {
    let token =
        HeaderValue::from_static("__Host-account=QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w");
    Contestant::actix("bare actix-web", Carrier::Cookie, Some(token), || {
        App::new().configure(without_sessions)
    })
}

/// This library, in each way that the tables have.
///
/// # Errors
/// No random bytes, or no folder.
pub fn ours() -> Result<Vec<Contestant>, Failure> {
    let write = &[Workload::Write];
    let keys = KeyRing::new(Key::generate()?);
    let encrypted = Sessions::builder()
        .client_side::<Account>(Encrypted::new(&keys))
        .build()?;
    let memory = server_side(MemoryStorage::new())?;
    Ok(vec![
        contestant("memory", memory.clone(), Writes::Update),
        contestant("memory, `get` and `set`", memory, Writes::Set).only(write),
        contestant("encrypted cookie", encrypted.clone(), Writes::Update),
        contestant("encrypted cookie, `get` and `set`", encrypted, Writes::Set).only(write),
    ])
}

/// Sessions in `storage`, with a cookie.
fn server_side(storage: impl SessionStorage) -> Result<Sessions, Failure> {
    Ok(Sessions::builder().server_side::<Account>(storage).build()?)
}

fn contestant(name: &'static str, sessions: Sessions, writes: Writes) -> Contestant {
    Contestant::actix(name, Carrier::Cookie, None, move || {
        App::new().configure(with_sessions(writes)).wrap(sessions.clone())
    })
}
