//! The bare framework, and this library with what it has by default.

use std::sync::Arc;

use actix_web::{
    App,
    http::header::{HeaderName, HeaderValue},
};
use sessions_actix::{
    Sessions, Transport,
    protection::{Encrypted, Key, KeyRing, Protection, Signed},
    storage::{DirectoryStorage, MemoryStorage, SessionStorage},
};
use tempfile::TempDir;

use crate::{
    Account, Carrier, Contestant, Failure, Workload, Writes,
    handlers::{with_sessions, without_sessions},
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
    let keys = KeyRing::new(Key::generate()?);
    let memory = server_side(MemoryStorage::new())?;
    let folder = Arc::new(TempDir::new()?);
    let directory = server_side(DirectoryStorage::open(folder.path())?.cached())?;
    let encrypted = client_side(Encrypted::new(&keys))?;
    let signed = client_side(Signed::new(&keys))?;
    Ok(vec![
        with_cookie("memory", memory.clone(), Writes::Update),
        with_cookie("memory, `get` and `set`", memory, Writes::Set).only(&[Workload::Write]),
        in_header("memory, token in a header")?,
        // It is removed with the last application that uses it.
        in_folder("cached directory", directory, folder),
        with_cookie("encrypted cookie", encrypted.clone(), Writes::Update),
        with_cookie("encrypted cookie, `get` and `set`", encrypted, Writes::Set).only(&[Workload::Write]),
        with_cookie("signed cookie", signed, Writes::Update),
    ])
}

/// These sessions, whose token is in a cookie.
#[must_use]
pub fn with_cookie(name: &'static str, sessions: Sessions, writes: Writes) -> Contestant {
    Contestant::actix(name, Carrier::Cookie, None, move || {
        App::new().configure(with_sessions(writes)).wrap(sessions.clone())
    })
}

fn in_header(name: &'static str) -> Result<Contestant, Failure> {
    let header = HeaderName::from_static("x-account");
    let sessions = Sessions::builder()
        .server_side_with::<Account>(MemoryStorage::new(), |options| {
            options.name("X-Account").transport(Transport::Header)
        })
        .build()?;
    Ok(Contestant::actix(
        name,
        Carrier::Header(header),
        None,
        move || {
            App::new()
                .configure(with_sessions(Writes::Update))
                .wrap(sessions.clone())
        },
    ))
}

fn in_folder(name: &'static str, sessions: Sessions, folder: Arc<TempDir>) -> Contestant {
    let contestant = Contestant::actix(name, Carrier::Cookie, None, move || {
        let _kept = &folder;
        App::new()
            .configure(with_sessions(Writes::Update))
            .wrap(sessions.clone())
    });
    contestant.waiting_in(&[Workload::Write, Workload::Login])
}

/// Sessions in `storage`, with all that is the default.
///
/// # Errors
/// None, if the library is right about itself.
pub fn server_side(storage: impl SessionStorage) -> Result<Sessions, Failure> {
    Ok(Sessions::builder().server_side::<Account>(storage).build()?)
}

fn client_side(protection: impl Protection) -> Result<Sessions, Failure> {
    Ok(Sessions::builder().client_side::<Account>(protection).build()?)
}
