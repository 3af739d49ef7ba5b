//! What the tests share: a server, a browser that keeps cookies, and sessions that hold one number.

mod answer;
mod browser;
mod numbered;
mod server;
mod spy;

pub(crate) use leaks::Log;

pub(crate) use self::{
    answer::{Answer, SetCookie},
    browser::Browser,
    numbered::{Basket, Numbered, Visits, numbers},
    server::Server,
    spy::{Spy, Trouble},
};

use sessions_actix::protection::{Key, KeyRing};

/// A ring of one new key, which nobody may show.
pub(crate) fn keys() -> KeyRing {
    leaks::watch();
    let key = Key::generate().unwrap();
    leaks::remember_key(&key.expose_base64());
    KeyRing::new(key)
}

/// What a handler returns, in closures that cannot name it.
pub(crate) fn ok<T>(value: T) -> actix_web::Result<T> {
    Ok(value)
}

pub(crate) const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
