//! A client that is another one than the one that has logged in: allowed, asked to log in again, or thrown out (ASVS 5.0,
//! 8.2.4).

use actix_web::{
    http::{StatusCode, header::USER_AGENT},
    test::TestRequest,
    web::{ServiceConfig, get, post},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    ClientContext, ContextVerdict, CurrentSession, FreshSession, RequestView, RequiredSession, Session,
    Sessions, storage::MemoryStorage,
};

use crate::support::{Browser, Server, ok};

#[derive(Session, Serialize, Deserialize)]
#[session(name = "__Host-login")]
struct Login {
    #[session(principal)]
    user: String,
}

struct SameBrowser(ContextVerdict);

impl ClientContext for SameBrowser {
    fn observe(&self, request: &dyn RequestView) -> Vec<u8> {
        request.header("user-agent").unwrap_or_default().to_vec()
    }

    fn judge(&self, stored: Option<&[u8]>, observed: &[u8]) -> ContextVerdict {
        if stored == Some(observed) {
            ContextVerdict::Allow
        } else {
            self.0
        }
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .route(
            "/login",
            post().to(async |session: CurrentSession<Login>| {
                session.start(Login {
                    user: "alice".to_owned(),
                })?;
                ok("")
            }),
        )
        .route(
            "/",
            get().to(async |session: RequiredSession<Login>| {
                format!("{}, step up: {}", session.user, session.current().needs_step_up())
            }),
        )
        .route(
            "/pay",
            post().to(async |session: FreshSession<Login, 300>| format!("{} has paid", session.user)),
        );
}

/// A server that says this of another browser, and a fox that has logged in there.
async fn logged_in(verdict: ContextVerdict) -> Browser {
    let sessions = Sessions::builder()
        .server_side_with::<Login>(MemoryStorage::new(), |options| {
            options.client_context(SameBrowser(verdict))
        })
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, routes).await);
    browser.send(by("fox", TestRequest::post().uri("/login"))).await;
    browser
}

fn by(browser: &'static str, request: TestRequest) -> TestRequest {
    request.insert_header((USER_AGENT, browser))
}

fn index() -> TestRequest {
    TestRequest::get().uri("/")
}

fn pay() -> TestRequest {
    TestRequest::post().uri("/pay")
}

#[actix_web::test]
async fn the_same_browser_goes_on() {
    let mut browser = logged_in(ContextVerdict::Revoke).await;
    assert_eq!(
        browser.send(by("fox", index())).await.text(),
        "alice, step up: false"
    );
    assert_eq!(browser.send(by("fox", pay())).await.text(), "alice has paid");
}

#[actix_web::test]
async fn another_browser_that_is_allowed_may_do_everything() {
    let mut browser = logged_in(ContextVerdict::Allow).await;
    assert_eq!(browser.send(by("cat", pay())).await.text(), "alice has paid");
}

#[actix_web::test]
async fn another_browser_that_has_to_step_up_reads_and_does_not_pay_until_it_logs_in() {
    let mut browser = logged_in(ContextVerdict::StepUp).await;
    assert_eq!(
        browser.send(by("cat", index())).await.text(),
        "alice, step up: true"
    );
    assert_eq!(
        browser.send(by("cat", pay())).await.status,
        StatusCode::UNAUTHORIZED
    );
    browser.send(by("cat", TestRequest::post().uri("/login"))).await;
    assert_eq!(browser.send(by("cat", pay())).await.text(), "alice has paid");
}

#[actix_web::test]
async fn another_browser_that_is_thrown_out_takes_the_session_with_it() {
    let mut browser = logged_in(ContextVerdict::Revoke).await;
    let mut thief = browser.clone();
    let answer = thief.send(by("cat", index())).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.cookie("__Host-login").unwrap().is_removal());
    assert_eq!(
        browser.send(by("fox", index())).await.status,
        StatusCode::UNAUTHORIZED
    );
}
