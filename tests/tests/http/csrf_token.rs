//! Tokens against cross-site request forgery: whose request they are good in, and until when.

mod forged;
mod guard;

use std::collections::HashSet;

use actix_web::{
    HttpResponse, Result,
    http::StatusCode,
    test::TestRequest,
    web::{self, Path, ServiceConfig, get, post, scope},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CsrfGuard, CsrfToken, CurrentSession, ManualClock, Session, Sessions, SessionsBuilder,
    protection::{Encrypted, KeyRing, Signed},
    storage::MemoryStorage,
};
use tests::judge::Exception;

use crate::support::{Browser, MINUTE, Numbered, Server, Visits, keys, numbers};

/// Where what a script calls has its token.
const HEADER: &str = "x-csrf-token";

#[derive(Session, Serialize, Deserialize, Debug)]
#[session(name = "ACCOUNT")]
struct Account {
    #[session(principal)]
    user: Option<String>,
}

/// Routes below `prefix` that issue tokens, verify them, or have a guard around them.
fn forgeable<T: Numbered>(prefix: &'static str) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let at = |path: &str| format!("{prefix}{path}");
        config
            .configure(numbers::<T>(prefix))
            .route(&at("/issue"), get().to(issue::<T>))
            .route(&at("/start-and-issue"), get().to(start_and_issue::<T>))
            .route(&at("/rotate-and-issue"), get().to(rotate_and_issue::<T>))
            .route(&at("/set-rotate-and-issue"), get().to(set_rotate_and_issue::<T>))
            .route(&at("/fail/{what}"), get().to(fail::<T>))
            .route(&at("/renew"), get().to(renew::<T>))
            .route(&at("/verify"), post().to(verify::<T>))
            .route(&at("/change/{what}"), post().to(change_and_verify::<T>))
            .service(
                scope(&at("/api"))
                    .wrap(CsrfGuard::<T>::new())
                    .default_service(web::to(async || "valid")),
            );
    }
}

async fn issue<T: Session>(csrf: CsrfToken<T>) -> Result<String> {
    Ok(csrf.issue()?)
}

async fn start_and_issue<T: Numbered>(session: CurrentSession<T>, csrf: CsrfToken<T>) -> Result<String> {
    session.start(T::of(2))?;
    Ok(csrf.issue()?)
}

async fn rotate_and_issue<T: Session>(session: CurrentSession<T>, csrf: CsrfToken<T>) -> Result<String> {
    session.rotate_id()?;
    // Twice: both are good.
    csrf.issue()?;
    Ok(csrf.issue()?)
}

async fn set_rotate_and_issue<T: Numbered>(session: CurrentSession<T>, csrf: CsrfToken<T>) -> Result<String> {
    session.set(T::of(3))?;
    session.rotate_id()?;
    Ok(csrf.issue()?)
}

/// Does it, issues a token, and fails all the same.
async fn fail<T: Numbered>(
    session: CurrentSession<T>,
    csrf: CsrfToken<T>,
    what: Path<String>,
) -> Result<HttpResponse> {
    match what.as_str() {
        "start" => session.start(T::of(4))?,
        _ => session.rotate_id()?,
    }
    Ok(HttpResponse::InternalServerError().body(csrf.issue()?))
}

async fn renew<T: Session>(session: CurrentSession<T>) -> Result<&'static str> {
    session.renew_id()?;
    Ok("renewed")
}

async fn verify<T: Session>(csrf: CsrfToken<T>, token: String) -> Result<&'static str> {
    csrf.verify(&token)?;
    Ok("valid")
}

/// Verifies what came with the request after something else was asked for.
async fn change_and_verify<T: Numbered>(
    session: CurrentSession<T>,
    csrf: CsrfToken<T>,
    what: Path<String>,
    token: String,
) -> Result<&'static str> {
    match what.as_str() {
        "start" => session.start(T::of(5))?,
        "set" => session.set(T::of(5))?,
        "clear" => session.clear()?,
        _ => session.rotate_id()?,
    }
    csrf.verify(&token)?;
    Ok("valid")
}

/// By id, by id with a signature, and by value, each with the same keys for its tokens.
fn every_way(keys: &KeyRing) -> [SessionsBuilder; 3] {
    [
        Sessions::builder().server_side::<Visits>(MemoryStorage::new()),
        Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| o.signed(keys)),
        Sessions::builder().client_side::<Visits>(Signed::new(keys)),
    ]
    .map(|builder| builder.csrf::<Visits>(keys))
}

async fn server(builder: SessionsBuilder) -> Server {
    let server = Server::new(builder.build().unwrap(), forgeable::<Visits>("")).await;
    // A token has the public id in it, which the net takes for a secret where it stands in a signed token.
    server.except(Exception::ShownToken);
    server
}

/// Whether the session's handlers take the token in a request of this browser; the guard has to agree with them.
async fn is_good(browser: &mut Browser, prefix: &str, token: &str) -> bool {
    let field = TestRequest::post()
        .uri(&format!("{prefix}/verify"))
        .set_payload(token.to_owned());
    let header = TestRequest::post()
        .uri(&format!("{prefix}/api/orders"))
        .insert_header((HEADER, token));
    let mut answers = Vec::new();
    for request in [field, header] {
        let answer = browser.send(request).await;
        let good = answer.status == StatusCode::OK && answer.text() == "valid";
        assert!(
            good || answer.status == StatusCode::FORBIDDEN && answer.body.is_empty(),
            "{answer:?}"
        );
        answers.push(good);
    }
    assert_eq!(answers[0], answers[1], "the extractor and the guard");
    answers[0]
}

async fn token_of(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.text().to_owned()
}

#[actix_web::test]
async fn a_token_is_good_for_its_session_as_often_as_it_comes() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let token = token_of(&mut browser, "/issue").await;
        for _ in 0..3 {
            assert!(is_good(&mut browser, "", &token).await);
            // Writing leaves it good.
            browser.get("/update").await;
            browser.get("/set/7").await;
        }
    }
}

#[actix_web::test]
async fn each_token_is_another_one_and_needs_no_escaping() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let token = token_of(&mut browser, "/issue").await;
            let plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
            assert!(token.bytes().all(plain), "{token}");
            assert!(is_good(&mut browser, "", &token).await);
            assert!(seen.insert(token));
        }
    }
}

#[actix_web::test]
async fn a_token_is_refused_for_every_other_session() {
    for builder in every_way(&keys()) {
        let server = server(builder).await;
        let (mut one, mut other) = (Browser::new(&server), Browser::new(&server));
        one.get("/set/1").await;
        other.get("/set/1").await;
        let token = token_of(&mut one, "/issue").await;
        assert!(!is_good(&mut other, "", &token).await);
        assert!(is_good(&mut one, "", &token).await);
    }
}

#[actix_web::test]
async fn after_a_login_the_old_token_is_refused_and_one_of_the_same_response_is_good() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let old = token_of(&mut browser, "/issue").await;
        let new = token_of(&mut browser, "/start-and-issue").await;
        assert!(!is_good(&mut browser, "", &old).await);
        assert!(is_good(&mut browser, "", &new).await);
        // And where there was no session before.
        let mut fresh = browser.clone();
        fresh.get("/clear").await;
        let first = token_of(&mut fresh, "/start-and-issue").await;
        assert!(is_good(&mut fresh, "", &first).await);
        assert!(!is_good(&mut fresh, "", &new).await);
    }
}

#[actix_web::test]
async fn a_set_that_changes_the_user_ends_the_token_as_a_login_does() {
    async fn be(
        session: CurrentSession<Account>,
        csrf: CsrfToken<Account>,
        user: Path<String>,
    ) -> Result<String> {
        let user = Some(user.into_inner()).filter(|user| user != "nobody");
        session.set(Account { user })?;
        Ok(csrf.issue()?)
    }
    let keys = keys();
    for builder in [
        Sessions::builder().server_side::<Account>(MemoryStorage::new()),
        Sessions::builder().client_side::<Account>(Encrypted::new(&keys)),
    ] {
        let sessions = builder.csrf::<Account>(&keys).build().unwrap();
        let server = Server::new(sessions, |config| {
            config
                .route("/be/{user}", get().to(be))
                .route("/verify", post().to(verify::<Account>));
        })
        .await;
        let mut browser = Browser::new(&server);
        let mut tokens = Vec::new();
        for user in ["nobody", "ada", "eve"] {
            tokens.push(token_of(&mut browser, &format!("/be/{user}")).await);
            let mut good = Vec::new();
            for token in &tokens {
                let request = TestRequest::post().uri("/verify").set_payload(token.clone());
                good.push(browser.send(request).await.status == StatusCode::OK);
            }
            let (last, before) = good.split_last().unwrap();
            assert!(*last && !before.contains(&true), "{user} {good:?}");
        }
    }
}

#[actix_web::test]
async fn after_a_rotation_the_old_token_is_refused_and_one_of_the_same_response_is_good() {
    for path in ["/rotate-and-issue", "/set-rotate-and-issue"] {
        for builder in every_way(&keys()) {
            let mut browser = Browser::new(&server(builder).await);
            browser.get("/set/1").await;
            let mut old = token_of(&mut browser, "/issue").await;
            for _ in 0..3 {
                let new = token_of(&mut browser, path).await;
                assert!(!is_good(&mut browser, "", &old).await, "{path}");
                assert!(is_good(&mut browser, "", &new).await, "{path}");
                old = new;
            }
        }
    }
}

#[actix_web::test]
async fn what_a_failed_response_has_dropped_needs_the_token_of_before() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let old = token_of(&mut browser, "/issue").await;
        let started = browser.get("/fail/start").await;
        assert!(is_good(&mut browser, "", &old).await, "the login is dropped");
        assert!(!is_good(&mut browser, "", started.text()).await);
        let rotated = browser.get("/fail/rotate").await;
        assert!(!is_good(&mut browser, "", &old).await, "the rotation is not");
        assert!(is_good(&mut browser, "", rotated.text()).await);
    }
}

#[actix_web::test]
async fn a_renewal_leaves_the_token_good_by_the_old_session_token_and_by_the_new() {
    let keys = keys();
    let clock = ManualClock::default();
    for builder in [
        Sessions::builder()
            .server_side_with::<Visits>(MemoryStorage::new(), |o| o.renew_every(MINUTE).grace(MINUTE)),
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(&keys), |o| o.renew_every(MINUTE)),
    ] {
        let mut browser = Browser::new(&server(builder.csrf::<Visits>(&keys).clock(clock.clone())).await);
        browser.get("/set/1").await;
        let token = token_of(&mut browser, "/issue").await;
        for _ in 0..3 {
            clock.advance(MINUTE);
            let mut late = browser.clone();
            let renewed = browser.get("/get").await;
            assert!(renewed.cookie("VISITS").is_some(), "it is renewed");
            assert!(is_good(&mut browser, "", &token).await);
            assert!(is_good(&mut late, "", &token).await, "in its grace");
        }
        clock.advance(MINUTE / 2);
        browser.get("/renew").await;
        assert!(is_good(&mut browser, "", &token).await);
    }
}

#[actix_web::test]
async fn a_token_is_checked_against_the_session_that_came_whatever_is_asked_of_it() {
    for builder in every_way(&keys()) {
        let server = server(builder).await;
        for what in ["start", "set", "clear", "rotate"] {
            let (mut browser, mut other) = (Browser::new(&server), Browser::new(&server));
            browser.get("/set/1").await;
            other.get("/set/1").await;
            let path = format!("/change/{what}");
            let of_another = token_of(&mut other, "/issue").await;
            let request = TestRequest::post().uri(&path).set_payload(of_another);
            assert_eq!(
                browser.clone().send(request).await.status,
                StatusCode::FORBIDDEN,
                "{what}"
            );
            let mut another = Browser::new(&server);
            another.get("/set/1").await;
            let token = token_of(&mut another, "/issue").await;
            let request = TestRequest::post().uri(&path).set_payload(token);
            assert_eq!(another.send(request).await.status, StatusCode::OK, "{what}");
        }
    }
}

/// What [`Visits`] is in a later release.
#[derive(Session, Serialize, Deserialize, Debug)]
#[session(name = "VISITS", version = 2, previous = Visits)]
struct Later {
    counts: Vec<u32>,
}

impl From<&Later> for Visits {
    fn from(later: &Later) -> Self {
        Self {
            count: later.counts[0],
        }
    }
}

impl From<Visits> for Later {
    fn from(visits: Visits) -> Self {
        Self {
            counts: vec![visits.count],
        }
    }
}

impl Numbered for Later {
    fn of(number: u32) -> Self {
        Self { counts: vec![number] }
    }

    fn number(&mut self) -> &mut u32 {
        &mut self.counts[0]
    }

    fn shown(&self) -> u32 {
        self.counts[0]
    }
}

#[actix_web::test]
async fn nodes_of_two_releases_take_each_others_tokens() {
    let (keys, storage) = (keys(), MemoryStorage::new());
    let earlier = Sessions::builder().server_side::<Visits>(storage.clone());
    let earlier = server(earlier.csrf::<Visits>(&keys)).await;
    let later = Sessions::builder().server_side::<Later>(storage);
    let later = later.csrf::<Later>(&keys).build().unwrap();
    let later = Server::new(later, forgeable::<Later>("")).await;
    let mut browser = Browser::new(&later);
    browser.get("/set/1").await;
    let of_later = token_of(&mut browser, "/issue").await;
    // It cannot read the session, and can end it.
    let mut on_earlier = browser.clone().on(&earlier);
    assert_eq!(on_earlier.get("/status").await.text(), "Foreign");
    assert!(is_good(&mut on_earlier, "", &of_later).await);
    assert!(!is_good(&mut on_earlier, "", "x").await);
    let of_earlier = token_of(&mut on_earlier, "/issue").await;
    assert!(is_good(&mut browser, "", &of_earlier).await);
}

#[actix_web::test]
async fn keys_and_a_format_may_be_given_in_any_order() {
    let keys = keys();
    let builder = || Sessions::builder().server_side::<Later>(MemoryStorage::new());
    for builder in [
        builder().csrf::<Later>(&keys).write_previous::<Later>(),
        builder().write_previous::<Later>().csrf::<Later>(&keys),
    ] {
        let server = Server::new(builder.build().unwrap(), forgeable::<Later>("")).await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        let token = token_of(&mut browser, "/issue").await;
        assert!(is_good(&mut browser, "", &token).await);
    }
}
