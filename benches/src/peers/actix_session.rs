//! actix-session, with cookies and with the memory that its users write for it, as it has none.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use actix_session::{
    Session, SessionGetError, SessionInsertError, SessionMiddleware,
    config::CookieContentSecurity,
    storage::{
        CookieSessionStore, LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key,
    },
};
use actix_web::{
    App, HttpResponse,
    cookie::{Key, time::Duration},
    error::ErrorUnauthorized,
    web::{self, ServiceConfig},
};
use workloads::{Account, Carrier, Contestant, WELCOME};

/// The name of the contestant that keeps sessions in memory.
pub const MEMORY: &str = "actix-session memory";
/// The name of the one that signs cookies.
pub const SIGNED: &str = "actix-session signed cookie";
/// The name of the one that encrypts cookies, which is its default.
pub const PRIVATE: &str = "actix-session private cookie";

/// All of them.
#[must_use]
pub fn all() -> Vec<Contestant> {
    let memory = Map::default();
    let key = Key::generate();
    let (for_signed, for_private) = (key.clone(), key.clone());
    vec![
        Contestant::actix(MEMORY, Carrier::Cookie, None, move || {
            let sessions = SessionMiddleware::new(memory.clone(), key.clone());
            App::new().configure(routes).wrap(sessions)
        }),
        Contestant::actix(SIGNED, Carrier::Cookie, None, move || {
            let sessions = SessionMiddleware::builder(CookieSessionStore::default(), for_signed.clone())
                .cookie_content_security(CookieContentSecurity::Signed);
            App::new().configure(routes).wrap(sessions.build())
        }),
        Contestant::actix(PRIVATE, Carrier::Cookie, None, move || {
            let sessions = SessionMiddleware::new(CookieSessionStore::default(), for_private.clone());
            App::new().configure(routes).wrap(sessions)
        }),
    ]
}

const ACCOUNT: &str = "account";

fn routes(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(untouched))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/login", web::get().to(login));
}

async fn untouched() -> HttpResponse {
    HttpResponse::Ok().body(WELCOME)
}

async fn read(session: Session) -> actix_web::Result<HttpResponse> {
    let account = account(&session)?;
    Ok(HttpResponse::Ok().body(account.user_id.to_string()))
}

async fn write(session: Session) -> actix_web::Result<HttpResponse> {
    let mut account = account(&session)?;
    account.page_views += 1;
    session.insert(ACCOUNT, &account)?;
    Ok(HttpResponse::Ok().body(account.page_views.to_string()))
}

async fn login(session: Session) -> Result<HttpResponse, SessionInsertError> {
    session.insert(ACCOUNT, Account::new())?;
    Ok(HttpResponse::Ok().body(WELCOME))
}

fn account(session: &Session) -> actix_web::Result<Account> {
    let account: Result<Option<Account>, SessionGetError> = session.get(ACCOUNT);
    account?.ok_or_else(|| ErrorUnauthorized("no session"))
}

/// What is written where somebody needs a memory: nothing in it ever expires.
#[derive(Clone, Default)]
struct Map(Arc<Mutex<HashMap<String, HashMap<String, String>>>>);

impl Map {
    fn with<R>(&self, f: impl FnOnce(&mut HashMap<String, HashMap<String, String>>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SessionStore for Map {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        Ok(self.with(|map| map.get(key.as_ref()).cloned()))
    }

    async fn save(&self, state: HashMap<String, String>, _: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        self.with(|map| map.insert(key.as_ref().to_owned(), state));
        Ok(key)
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        _: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        self.with(|map| map.insert(key.as_ref().to_owned(), state));
        Ok(key)
    }

    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> anyhow::Result<()> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.with(|map| map.remove(key.as_ref()));
        Ok(())
    }
}
