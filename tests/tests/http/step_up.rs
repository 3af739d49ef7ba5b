//! Routes that ask for a login of a short while ago.

use std::time::Duration;

use actix_web::{
    Result,
    web::{Path, ServiceConfig, get},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, FreshSession, ManualClock, Session, Sessions, SessionsBuilder, challenge,
    protection::Encrypted, storage::CachedStorage,
};

use crate::support::{Browser, Server, Spy, keys};

#[derive(Session, Serialize, Deserialize)]
#[session(name = "LOGIN")]
struct Login {
    #[session(principal)]
    user: Option<String>,
}

/// How long a login is recent.
const LIMIT: Duration = Duration::from_secs(300);
const SECOND: Duration = Duration::from_secs(1);

fn routes(config: &mut ServiceConfig) {
    config
        .route("/login/{user}", get().to(log_in))
        .route("/visit", get().to(visit))
        .route("/who", get().to(who))
        .route("/rotate", get().to(rotate))
        .route("/renew", get().to(renew))
        .route("/logout", get().to(log_out))
        .route("/password", get().to(new_password));
}

async fn log_in(session: CurrentSession<Login>, user: Path<String>) -> Result<&'static str> {
    session.start(Login {
        user: Some(user.into_inner()),
    })?;
    Ok("in")
}

async fn visit(session: CurrentSession<Login>) -> Result<&'static str> {
    session.set(Login { user: None })?;
    Ok("seen")
}

async fn who(session: CurrentSession<Login>) -> String {
    let login = session.get();
    let user = login.as_ref().and_then(|login| login.user.as_deref());
    user.unwrap_or("nobody").to_owned()
}

async fn rotate(session: CurrentSession<Login>) -> Result<&'static str> {
    session.rotate_id()?;
    Ok("rotated")
}

async fn renew(session: CurrentSession<Login>) -> Result<&'static str> {
    session.renew_id()?;
    Ok("renewed")
}

async fn log_out(session: CurrentSession<Login>) -> Result<&'static str> {
    session.clear()?;
    Ok("out")
}

async fn new_password(login: FreshSession<Login, { LIMIT.as_secs() }>) -> String {
    let session = login.clone().into_required();
    let is_the_same = session.current().public_id() == login.current().public_id();
    format!("{} {is_the_same}", login.user.as_deref().unwrap_or("nobody"))
}

async fn server(builder: SessionsBuilder, clock: &ManualClock) -> Server {
    Server::new(builder.clock(clock.clone()).build().unwrap(), routes).await
}

async fn servers(clock: &ManualClock) -> [Server; 2] {
    [
        server(Sessions::builder().server_side::<Login>(Spy::default()), clock).await,
        server(
            Sessions::builder().client_side::<Login>(Encrypted::new(&keys())),
            clock,
        )
        .await,
    ]
}

#[actix_web::test]
async fn a_login_is_recent_until_the_second_of_its_limit() {
    let clock = ManualClock::default();
    for server in servers(&clock).await {
        let mut browser = Browser::new(&server);
        browser.get("/login/ada").await;
        assert_eq!(browser.get("/password").await.text(), "ada true");
        clock.advance(LIMIT - SECOND);
        assert_eq!(browser.get("/password").await.text(), "ada true");
        clock.advance(SECOND);
        let refused = browser.get("/password").await;
        assert_eq!((refused.status.as_u16(), refused.text()), (401, ""));
        assert_eq!(refused.lines("vary"), ["cookie"]);
        assert_eq!(refused.cookies(), [], "it is a session still");
        assert_eq!(browser.get("/who").await.text(), "ada");
    }
}

#[actix_web::test]
async fn only_another_login_makes_it_recent_again() {
    let clock = ManualClock::default();
    for server in servers(&clock).await {
        let mut browser = Browser::new(&server);
        browser.get("/login/ada").await;
        clock.advance(LIMIT);
        for path in ["/who", "/rotate", "/renew"] {
            browser.get(path).await;
            assert_eq!(browser.get("/password").await.status, 401, "{path}");
        }
        browser.get("/login/ada").await;
        clock.advance(LIMIT - SECOND);
        assert_eq!(browser.get("/password").await.text(), "ada true");
    }
}

#[actix_web::test]
async fn a_session_of_nobody_is_never_recent() {
    let clock = ManualClock::default();
    for server in servers(&clock).await {
        let mut browser = Browser::new(&server);
        assert_eq!(browser.get("/password").await.status, 401, "no session at all");
        browser.get("/visit").await;
        let refused = browser.get("/password").await;
        assert_eq!((refused.status.as_u16(), refused.cookies()), (401, vec![]));
    }
}

#[actix_web::test]
async fn a_challenge_sends_who_was_away_to_the_login_page_and_leaves_the_session() {
    let clock = ManualClock::default();
    let builder = Sessions::builder()
        .server_side::<Login>(Spy::default())
        .challenge::<Login>(challenge::redirect_to("/login"));
    let mut browser = Browser::new(&server(builder, &clock).await);
    browser.get("/login/ada").await;
    clock.advance(LIMIT);
    let redirect = browser.get("/password").await;
    assert_eq!(
        (redirect.status.as_u16(), redirect.lines("location")),
        (303, vec!["/login"])
    );
    assert_eq!(redirect.lines("vary"), ["cookie"]);
    assert_eq!(browser.get("/who").await.text(), "ada");
}

#[actix_web::test]
async fn a_copy_in_a_cache_is_not_believed() {
    let (clock, spy) = (ManualClock::default(), Spy::default());
    let cached = Sessions::builder().server_side::<Login>(CachedStorage::new(spy.clone()));
    let here = server(cached, &clock).await;
    let there = server(Sessions::builder().server_side::<Login>(spy.clone()), &clock).await;
    let mut browser = Browser::new(&here);
    browser.get("/login/ada").await;
    assert_eq!(browser.get("/password").await.text(), "ada true");
    let elsewhere = browser.clone().on(&there).get("/logout").await;
    assert_eq!(elsewhere.text(), "out");
    assert_eq!(browser.get("/who").await.text(), "ada", "the copy");
    assert_eq!(browser.get("/password").await.status, 401);
}

#[actix_web::test]
async fn a_storage_that_fails_is_neither_recent_nor_a_challenge() {
    let (clock, spy) = (ManualClock::default(), Spy::default());
    let builder = Sessions::builder()
        .server_side::<Login>(CachedStorage::new(spy.clone()))
        .challenge::<Login>(challenge::redirect_to("/login"));
    let mut browser = Browser::new(&server(builder, &clock).await);
    browser.get("/login/ada").await;
    browser.get("/who").await;
    spy.fail("load");
    assert_eq!(browser.get("/who").await.text(), "ada", "the copy");
    let failed = browser.get("/password").await;
    assert_eq!((failed.status.as_u16(), failed.text()), (503, ""));
    spy.mend();
    assert_eq!(browser.get("/password").await.text(), "ada true");
}
