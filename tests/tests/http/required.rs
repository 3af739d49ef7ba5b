//! Sessions that a handler requires.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{
    HttpRequest, HttpResponse, Result,
    test::TestRequest,
    web::{Data, ServiceConfig, get},
};
use sessions_actix::{
    RequiredSession, SessionAdmin, Sessions, SessionsBuilder, challenge, protection::Encrypted,
    storage::MemoryStorage,
};

use crate::support::{Basket, Browser, Server, Spy, Visits, keys, numbers};

fn builder() -> SessionsBuilder {
    Sessions::builder().server_side::<Visits>(MemoryStorage::new())
}

fn routes(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Visits>(""))
        .route("/required", get().to(required))
        .route("/counted", get().to(counted))
        .route("/ended", get().to(ended))
        .route("/optional", get().to(optional));
}

/// It reads as the session's own type.
async fn required(session: RequiredSession<Visits>) -> String {
    session.count.to_string()
}

async fn counted(mut session: RequiredSession<Visits>) -> Result<String> {
    let before = session.count;
    let result = session
        .update(|visits| {
            visits.count += 1;
            visits.count
        })
        .await?;
    Ok(format!("{before} {result} {}", session.count))
}

/// Somebody else ends the session while the handler runs.
async fn ended(mut session: RequiredSession<Visits>, admin: SessionAdmin<Visits>) -> Result<String> {
    let id = session.current().public_id().unwrap();
    assert!(admin.revoke(&id).await?);
    session.update(|visits| visits.count += 1).await?;
    Ok("still there".to_owned())
}

async fn optional(session: Option<RequiredSession<Visits>>) -> String {
    session.is_some().to_string()
}

#[actix_web::test]
async fn a_required_session_reads_as_its_type() {
    let server = Server::new(builder().build().unwrap(), routes).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/3").await;
    let answer = browser.get("/required").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "3"));
}

#[actix_web::test]
async fn a_missing_session_is_401_without_a_body() {
    let server = Server::new(builder().build().unwrap(), routes).await;
    let answer = server.get("/required").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (401, ""));
    assert_eq!(answer.cookies(), []);
}

#[actix_web::test]
async fn the_handler_does_not_run_without_the_session_that_it_requires() {
    let ran = Arc::new(AtomicBool::new(false));
    let data = Data::new(Arc::clone(&ran));
    let server = Server::new(builder().build().unwrap(), |config| {
        config.app_data(data).route(
            "/",
            get().to(async |ran: Data<Arc<AtomicBool>>, _: RequiredSession<Visits>| {
                ran.store(true, Ordering::Relaxed);
                "ran"
            }),
        );
    })
    .await;
    assert_eq!(server.get("/").await.status, 401);
    assert!(!ran.load(Ordering::Relaxed));
}

#[actix_web::test]
async fn a_missing_session_can_be_a_redirect() {
    let sessions = builder().challenge::<Visits>(challenge::redirect_to("/login?next=here"));
    let server = Server::new(sessions.build().unwrap(), routes).await;
    let answer = server.get("/required").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (303, ""));
    assert_eq!(answer.lines("location"), ["/login?next=here"]);
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    assert_eq!(browser.get("/required").await.status, 200);
}

#[actix_web::test]
async fn a_missing_session_can_be_a_401_that_names_the_scheme() {
    let sessions = builder().challenge::<Visits>(challenge::unauthorized("Bearer realm=\"shop\""));
    let server = Server::new(sessions.build().unwrap(), routes).await;
    let answer = server.get("/required").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.lines("www-authenticate"), ["Bearer realm=\"shop\""]);
}

#[actix_web::test]
async fn a_missing_session_can_be_answered_by_a_closure_that_sees_the_request() {
    let sessions = builder().challenge::<Visits>(|request: &HttpRequest| {
        if request.headers().contains_key("x-script") {
            HttpResponse::Forbidden().body("log in first")
        } else {
            let next = format!("/login?next={}", request.path());
            HttpResponse::Found().insert_header(("location", next)).finish()
        }
    });
    let server = Server::new(sessions.build().unwrap(), routes).await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/required").await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.lines("location"), ["/login?next=/required"]);
    let scripted = TestRequest::get()
        .uri("/required")
        .insert_header(("x-script", "1"));
    let answer = browser.send(scripted).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (403, "log in first"));
}

#[actix_web::test]
async fn each_type_has_a_challenge_of_its_own() {
    let sessions = builder()
        .client_side::<Basket>(Encrypted::new(&keys()))
        .challenge::<Basket>(challenge::redirect_to("/shop"))
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config
            .configure(routes)
            .route("/basket", get().to(async |_: RequiredSession<Basket>| "ran"));
    })
    .await;
    assert_eq!(server.get("/required").await.status, 401);
    assert_eq!(server.get("/basket").await.status, 303);
}

#[actix_web::test]
async fn a_challenge_still_removes_a_dead_token() {
    for sessions in [
        builder(),
        builder().challenge::<Visits>(challenge::redirect_to("/login")),
    ] {
        let server = Server::new(sessions.build().unwrap(), routes).await;
        let mut browser = Browser::new(&server);
        browser.put("VISITS", "junk");
        let answer = browser.get("/required").await;
        assert!(answer.status == 401 || answer.status == 303);
        assert!(answer.cookie("VISITS").unwrap().is_removal());
        assert_eq!(answer.lines("vary"), ["cookie"]);
    }
}

#[actix_web::test]
async fn an_update_refreshes_what_a_required_session_reads_as() {
    let server = Server::new(builder().build().unwrap(), routes).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/3").await;
    assert_eq!(browser.get("/counted").await.text(), "3 4 4");
    assert_eq!(browser.get("/required").await.text(), "4");
}

#[actix_web::test]
async fn an_update_of_a_session_that_ended_meanwhile_is_missing() {
    let server = Server::new(builder().build().unwrap(), routes).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/3").await;
    assert_eq!(browser.get("/ended").await.status, 401);
    assert_eq!(browser.get("/get").await.text(), "none");
}

#[actix_web::test]
async fn a_storage_that_fails_is_no_missing_session() {
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .server_side::<Visits>(spy.clone())
        .challenge::<Visits>(challenge::redirect_to("/login"))
        .build()
        .unwrap();
    let server = Server::new(sessions, routes).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    spy.fail("load");
    let answer = browser.get("/required").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, ""));
    assert_eq!(answer.cookies(), []);
    // Documented: an option cannot tell the two apart.
    assert_eq!(browser.get("/optional").await.text(), "false");
    spy.mend();
    assert_eq!(browser.get("/optional").await.text(), "true");
}
