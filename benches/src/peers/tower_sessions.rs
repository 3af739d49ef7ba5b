//! tower-sessions with its memory, over axum; and axum alone.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

use axum::{
    Router,
    http::{HeaderValue, StatusCode},
    routing::get,
};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use workloads::{Account, Contestant, WELCOME};

use super::axum_party::contestant;

/// axum alone. Its client sends a cookie that nobody reads.
#[must_use]
pub fn bare() -> Contestant {
    let router = Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read_nothing))
        .route("/write", get(write_nothing))
        .route("/login", get(untouched));
    let token = HeaderValue::from_static("id=QUJDREVGR0hJSktMTU5PUA");
    contestant("bare axum", router, Some(token))
}

/// Sessions in the memory that tower-sessions has.
#[must_use]
pub fn memory() -> Contestant {
    let router = Router::new()
        .route("/untouched", get(untouched))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/login", get(login))
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    contestant("tower-sessions memory", router, None)
}

const ACCOUNT: &str = "account";

async fn untouched() -> &'static str {
    WELCOME
}

async fn read_nothing() -> String {
    black_box(81_237_123_u64).to_string()
}

async fn write_nothing() -> String {
    static PAGE_VIEWS: AtomicU32 = AtomicU32::new(1_000_000);
    let page_views = PAGE_VIEWS.fetch_add(1, Ordering::Relaxed) + 1;
    page_views.to_string()
}

async fn read(session: Session) -> Result<String, StatusCode> {
    Ok(account(&session).await?.user_id.to_string())
}

async fn write(session: Session) -> Result<String, StatusCode> {
    let mut account = account(&session).await?;
    account.page_views += 1;
    insert(&session, &account).await?;
    Ok(account.page_views.to_string())
}

async fn login(session: Session) -> Result<&'static str, StatusCode> {
    insert(&session, &Account::new()).await?;
    Ok(WELCOME)
}

async fn account(session: &Session) -> Result<Account, StatusCode> {
    let account = session.get(ACCOUNT).await;
    let account = account.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    account.ok_or(StatusCode::UNAUTHORIZED)
}

async fn insert(session: &Session, account: &Account) -> Result<(), StatusCode> {
    let inserted = session.insert(ACCOUNT, account).await;
    inserted.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
