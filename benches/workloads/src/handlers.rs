//! What the contestants of this workspace answer. All answer alike, so that all pay for the same response.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use sessions_actix::{CurrentSession, RequiredSession, SessionError};

use crate::Account;

/// With what a handler changes its session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Writes {
    /// `update`, which loses no other request's change.
    Update,
    /// `get` and `set`, as the handlers of other libraries do.
    Set,
}

/// The answer of a handler that asks for no session.
pub const WELCOME: &str = "welcome";

async fn untouched() -> HttpResponse {
    HttpResponse::Ok().body(WELCOME)
}

pub(crate) fn with_sessions(writes: Writes) -> impl Fn(&mut ServiceConfig) {
    move |config| {
        let write = match writes {
            Writes::Update => web::get().to(update),
            Writes::Set => web::get().to(set),
        };
        config
            .route("/untouched", web::get().to(untouched))
            .route("/read", web::get().to(read))
            .route("/write", write)
            .route("/login", web::get().to(login));
    }
}

async fn read(account: RequiredSession<Account>) -> HttpResponse {
    HttpResponse::Ok().body(account.user_id.to_string())
}

async fn update(mut account: RequiredSession<Account>) -> Result<HttpResponse, SessionError> {
    let page_views = account
        .update(|account| {
            account.page_views += 1;
            account.page_views
        })
        .await?;
    Ok(HttpResponse::Ok().body(page_views.to_string()))
}

async fn set(account: RequiredSession<Account>) -> Result<HttpResponse, SessionError> {
    let mut changed = Account::clone(&account);
    changed.page_views += 1;
    let page_views = changed.page_views;
    account.current().set(changed)?;
    Ok(HttpResponse::Ok().body(page_views.to_string()))
}

async fn login(account: CurrentSession<Account>) -> Result<HttpResponse, SessionError> {
    account.start(Account::new())?;
    Ok(HttpResponse::Ok().body(WELCOME))
}

/// The same answers of nothing that is kept.
pub(crate) fn without_sessions(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(untouched))
        .route("/read", web::get().to(read_nothing))
        .route("/write", web::get().to(write_nothing))
        .route("/login", web::get().to(untouched));
}

async fn read_nothing() -> HttpResponse {
    HttpResponse::Ok().body(black_box(81_237_123_u64).to_string())
}

async fn write_nothing() -> HttpResponse {
    static PAGE_VIEWS: AtomicU32 = AtomicU32::new(1_000_000);
    let page_views = PAGE_VIEWS.fetch_add(1, Ordering::Relaxed) + 1;
    HttpResponse::Ok().body(page_views.to_string())
}
