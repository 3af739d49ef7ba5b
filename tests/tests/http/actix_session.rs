//! What actix-session and actix-identity prove of themselves, in this library's terms.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, Result, guard,
    web::{Path, Redirect, ServiceConfig, get, post, scope},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, RequiredSession, Session, SessionPeek, Sessions, SessionsBuilder,
    SessionsExt,
    protection::{Encrypted, Signed},
    storage::{DirectoryStorage, MemoryStorage},
};
use tempfile::TempDir;

use crate::support::{Browser, MINUTE, Server, Spy, Visits, keys, numbers, ok};

#[derive(Session, Serialize, Deserialize, Clone, Default)]
#[session(name = "CART")]
struct Cart {
    counter: u32,
    #[session(principal)]
    user: Option<String>,
}

/// What of the session a client may see.
fn shown(cart: Option<&Cart>) -> String {
    let cart = cart.cloned().unwrap_or_default();
    format!("{:?} {}", cart.user, cart.counter)
}

async fn index(session: CurrentSession<Cart>) -> String {
    shown(session.get().as_deref())
}

async fn count(session: CurrentSession<Cart>) -> Result<String> {
    session
        .update_or_insert_with(Cart::default, |cart| cart.counter += 1)
        .await?;
    Ok(shown(session.get().as_deref()))
}

async fn log_in(session: CurrentSession<Cart>, user: Path<String>) -> Result<String> {
    let mut cart = session.get().map_or_else(Cart::default, Arc::unwrap_or_clone);
    cart.user = Some(user.into_inner());
    // Another principal: a new session, and no word of fixation in the handler.
    session.set(cart)?;
    Ok(shown(session.get().as_deref()))
}

async fn log_out(session: RequiredSession<Cart>) -> Result<Redirect> {
    session.current().clear()?;
    Ok(Redirect::to("/").see_other())
}

fn workflow(config: &mut ServiceConfig) {
    config
        .route("/", get().to(index))
        .route("/count", post().to(count))
        .route("/login/{user}", post().to(log_in))
        .route("/logout", post().to(log_out))
        .route(
            "/members",
            get()
                .guard(guard::fn_guard(|context| {
                    context.peek::<Cart>().is_some_and(|cart| cart.user.is_some())
                }))
                .to(async || "welcome"),
        );
}

/// Every way of keeping the session; and whether an old token ends with a logout.
fn every_way(folder: &TempDir) -> Vec<(SessionsBuilder, bool)> {
    let directory = DirectoryStorage::open(folder.path()).unwrap();
    let keys = keys();
    let by_id = [
        Sessions::builder().server_side::<Cart>(MemoryStorage::new()),
        Sessions::builder().server_side_with::<Cart>(MemoryStorage::new(), |o| o.signed(&keys)),
        Sessions::builder().server_side::<Cart>(directory.cached()),
    ];
    let by_value = [
        Sessions::builder().client_side::<Cart>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Cart>(Signed::new(&keys)),
    ];
    let by_id = by_id.into_iter().map(|builder| (builder, true));
    by_id
        .chain(by_value.into_iter().map(|builder| (builder, false)))
        .collect()
}

#[actix_web::test]
async fn basic_workflow() {
    let keys = keys();
    for sessions in [
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(&keys), |o| {
            o.name("actix-test")
                .path("/test/")
                .domain("localhost")
                .max_age(100 * MINUTE)
        }),
        Sessions::builder().client_side_with::<Visits>(Signed::new(&keys), |o| {
            o.name("actix-test")
                .path("/test/")
                .domain("localhost")
                .max_age(100 * MINUTE)
        }),
        Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| {
            o.name("actix-test")
                .path("/test/")
                .domain("localhost")
                .max_age(100 * MINUTE)
        }),
    ] {
        let server = Server::new(sessions.build().unwrap(), |config| {
            config
                .configure(numbers::<Visits>(""))
                .configure(numbers::<Visits>("/test"));
        })
        .await;
        let mut browser = Browser::new(&server);
        let cookie = browser.get("/set/100").await.cookie("actix-test").unwrap();
        assert_eq!(cookie.attribute("Path"), Some("/test/"));
        assert_eq!(cookie.attribute("Domain"), Some("localhost"));
        assert!(cookie.has("Max-Age"));
        assert_eq!(browser.get("/test/get").await.text(), "100");
        assert_eq!(
            browser.get("/get").await.text(),
            "none",
            "the path does not cover it"
        );
    }
}

#[actix_web::test]
async fn complex_workflow() {
    let folder = TempDir::new().unwrap();
    for (builder, ends_everywhere) in every_way(&folder) {
        let server = Server::new(builder.build().unwrap(), workflow).await;
        let mut browser = Browser::new(&server);
        // 1: nothing yet, and no cookie for that.
        let answer = browser.get("/").await;
        assert_eq!((answer.text(), answer.cookies()), ("None 0", vec![]));
        // 2: the first write sends one.
        let answer = browser.post("/count").await;
        assert_eq!(answer.text(), "None 1");
        assert!(answer.cookie("CART").is_some());
        // 3: reading sends none.
        let answer = browser.get("/").await;
        assert_eq!((answer.text(), answer.cookies()), ("None 1", vec![]));
        // 4
        assert_eq!(browser.post("/count").await.text(), "None 2");
        let before = browser.clone();
        // 5: a login has a new token and the same data.
        let answer = browser.post("/login/ferris").await;
        assert_eq!(answer.text(), "Some(\"ferris\") 2");
        assert_ne!(
            answer.cookie("CART").unwrap().value,
            before.value("CART").unwrap()
        );
        // 6
        assert_eq!(browser.get("/").await.text(), "Some(\"ferris\") 2");
        // 7: the token from before the login has never seen one.
        let expected = if ends_everywhere { "None 0" } else { "None 2" };
        assert_eq!(before.clone().get("/").await.text(), expected);
        // 8
        assert_eq!(browser.post("/count").await.text(), "Some(\"ferris\") 3");
        // 9: the logout removes the cookie.
        let kept = browser.clone();
        let answer = browser.post("/logout").await;
        assert_eq!(answer.status, 303);
        assert!(answer.cookie("CART").unwrap().is_removal());
        // 10: and then there is nothing, also for whoever kept the token of one that is kept here.
        assert_eq!(browser.get("/").await.text(), "None 0");
        assert_eq!(browser.post("/logout").await.status, 401);
        let expected = if ends_everywhere {
            "None 0"
        } else {
            "Some(\"ferris\") 3"
        };
        assert_eq!(kept.clone().get("/").await.text(), expected);
    }
}

#[actix_web::test]
async fn a_guard_refuses_and_then_admits_after_the_login() {
    let sessions = Sessions::builder().client_side::<Cart>(Encrypted::new(&keys()));
    let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), workflow).await);
    assert_eq!(browser.get("/members").await.status, 404);
    browser.post("/count").await;
    assert_eq!(browser.get("/members").await.status, 404);
    browser.post("/login/ferris").await;
    assert_eq!(browser.get("/members").await.text(), "welcome");
    browser.put("CART", "junk");
    assert_eq!(browser.get("/members").await.status, 404);
}

#[actix_web::test]
async fn a_guard_does_not_ask_the_storage() {
    let spy = Spy::default();
    let sessions = Sessions::builder().server_side::<Cart>(spy.clone());
    let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), workflow).await);
    browser.post("/login/ferris").await;
    spy.calls();
    assert_eq!(browser.get("/members").await.status, 404);
    assert!(spy.calls().is_empty());
}

async fn with_max_age(clock: &ManualClock, always: bool) -> Browser {
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .client_side_with::<Visits>(Encrypted::new(&keys()), |o| {
            let o = o.max_age(60 * MINUTE);
            if always { o.always_send() } else { o }
        })
        .build()
        .unwrap();
    Browser::new(&Server::new(sessions, numbers::<Visits>("")).await)
}

#[actix_web::test]
async fn expiration_is_refreshed_on_changes() {
    let clock = ManualClock::default();
    let mut browser = with_max_age(&clock, false).await;
    let begun = browser.get("/set/1").await.cookie("VISITS").unwrap();
    assert_eq!(begun.attribute("Max-Age"), Some("3600"));
    clock.advance(MINUTE);
    assert_eq!(browser.get("/get").await.cookies(), []);
    let changed = browser.get("/set/2").await.cookie("VISITS").unwrap();
    assert_eq!(changed.attribute("Max-Age"), Some("3600"));
    assert_eq!(
        changed.attribute("Expires"),
        Some("Thu, 01 Jan 2026 01:01:00 GMT")
    );
}

#[actix_web::test]
async fn expiration_is_always_refreshed_if_configured_to_refresh_on_every_request() {
    let clock = ManualClock::default();
    let mut browser = with_max_age(&clock, true).await;
    browser.get("/set/1").await;
    clock.advance(MINUTE);
    let read = browser.get("/get").await.cookie("VISITS").unwrap();
    assert_eq!(read.attribute("Max-Age"), Some("3600"));
    assert_eq!(read.attribute("Expires"), Some("Thu, 01 Jan 2026 01:01:00 GMT"));
}

#[actix_web::test]
async fn the_default_lifetimes_are_half_an_hour_idle_and_half_a_day() {
    let folder = TempDir::new().unwrap();
    for (builder, _) in every_way(&folder) {
        let clock = ManualClock::default();
        let sessions = builder.clock(clock.clone()).build().unwrap();
        let server = Server::new(sessions, workflow).await;
        let mut idle = Browser::new(&server);
        idle.post("/count").await;
        let mut busy = idle.clone();
        clock.advance(30 * MINUTE - Duration::from_millis(1));
        assert_eq!(busy.get("/").await.text(), "None 1");
        clock.advance(Duration::from_millis(1));
        assert_eq!(busy.get("/").await.text(), "None 1");

        let mut idle = Browser::new(&server);
        idle.post("/count").await;
        clock.advance(30 * MINUTE);
        assert_eq!(idle.get("/").await.text(), "None 0");

        let mut busy = Browser::new(&server);
        busy.post("/count").await;
        for _ in 0..35 {
            clock.advance(20 * MINUTE);
            assert_eq!(busy.get("/").await.text(), "None 1");
        }
        clock.advance(20 * MINUTE);
        assert_eq!(busy.get("/").await.text(), "None 0", "twelve hours");
    }
}

#[actix_web::test]
async fn invalid_session_keys_are_ignored() {
    let folder = TempDir::new().unwrap();
    let long = "x".repeat(10_000);
    for (builder, _) in every_way(&folder) {
        let server = Server::new(builder.build().unwrap(), workflow).await;
        for key in ["", "=", "x", "../../etc/passwd", "%2e%2e%2f", "\"\"", &long] {
            let mut browser = Browser::new(&server);
            browser.put("CART", key);
            let answer = browser.get("/").await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, "None 0"), "{key}");
            browser.put("CART", key);
            assert_eq!(browser.post("/count").await.text(), "None 1", "{key}");
            assert_eq!(browser.get("/").await.text(), "None 1", "{key}");
        }
    }
}

#[actix_web::test]
async fn each_type_of_session_has_an_entry_of_its_own_in_a_request() {
    #[derive(Session, Serialize, Deserialize)]
    #[session(name = "__Host-other")]
    struct Other(u32);
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .server_side::<Other>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.route(
            "/",
            get().to(
                async |request: actix_web::HttpRequest, one: CurrentSession<Visits>| {
                    one.set(Visits { count: 1 })?;
                    // However it is come by, it is the same session; and another type is another one.
                    let same = request.session::<Visits>().await?;
                    let other = request.session::<Other>().await?;
                    let seen = (same.get().map(|v| v.count), other.get().map(|v| v.0));
                    other.set(Other(2))?;
                    same.clear()?;
                    ok(format!("{seen:?} {}", one.get().is_none()))
                },
            ),
        );
    })
    .await;
    let answer = server.get("/").await;
    assert_eq!(answer.text(), "(Some(1), None) true");
    assert_eq!(answer.cookies().len(), 1);
}

/// After a rotation, whatever else happens to the session in the same request.
macro_rules! rotating {
    ($session:ident => $($then:stmt;)*) => {
        get().to(async |$session: CurrentSession<Visits>| {
            $session.rotate_id()?;
            $($then)*
            ok(HttpResponse::Ok().finish())
        })
    };
}

#[actix_web::test]
async fn a_rotation_stays_whatever_follows_it() {
    for builder in [
        Sessions::builder().server_side::<Visits>(MemoryStorage::new()),
        Sessions::builder().client_side::<Visits>(Encrypted::new(&keys())),
    ] {
        let server = Server::new(builder.build().unwrap(), |config| {
            config
                .configure(numbers::<Visits>(""))
                .route(
                    "/rotate-set",
                    rotating!(session => session.set(Visits { count: 2 })?;),
                )
                .route(
                    "/rotate-update",
                    rotating!(session => let _ = session.update(|visits| visits.count += 1).await?;),
                )
                .route("/rotate-clear", rotating!(session => session.clear()?;));
        })
        .await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        for (path, expected) in [("/rotate", "1"), ("/rotate-set", "2"), ("/rotate-update", "3")] {
            let before = browser.value("VISITS").unwrap().to_owned();
            let answer = browser.get(path).await;
            assert_ne!(answer.cookie("VISITS").unwrap().value, before, "{path}");
            assert_eq!(browser.get("/get").await.text(), expected, "{path}");
        }
        let ended = browser.get("/rotate-clear").await.cookie("VISITS").unwrap();
        assert!(ended.is_removal());
        assert_eq!(browser.get("/get").await.text(), "none");
    }
}

#[actix_web::test]
async fn a_cleared_session_reads_as_none_in_the_same_request() {
    let sessions = Sessions::builder().server_side::<Visits>(MemoryStorage::new());
    let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await);
    browser.get("/set/1").await;
    assert_eq!(browser.get("/clear").await.text(), "none");
}

#[actix_web::test]
async fn logging_in_again_replaces_the_user() {
    let folder = TempDir::new().unwrap();
    for (builder, _) in every_way(&folder) {
        let mut browser = Browser::new(&Server::new(builder.build().unwrap(), workflow).await);
        browser.post("/login/ann").await;
        let first = browser.value("CART").unwrap().to_owned();
        assert_eq!(browser.post("/login/bob").await.text(), "Some(\"bob\") 0");
        assert_ne!(browser.value("CART").unwrap(), first);
        assert_eq!(browser.get("/").await.text(), "Some(\"bob\") 0");
    }
}

#[actix_web::test]
async fn a_logout_can_leave_other_sessions_alone() {
    let sessions = Sessions::builder()
        .server_side::<Cart>(MemoryStorage::new())
        .client_side::<Visits>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config
            .configure(workflow)
            .service(scope("/visits").configure(numbers::<Visits>("")));
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/visits/set/5").await;
    browser.post("/login/ann").await;
    browser.post("/logout").await;
    assert_eq!(browser.get("/").await.text(), "None 0");
    assert_eq!(browser.get("/visits/get").await.text(), "5");
}

#[actix_web::test]
async fn a_login_deadline_passes_however_active_the_user_is_and_a_visit_deadline_only_without() {
    for (deadline, active, expected) in [
        ("login", true, "none"),
        ("login", false, "none"),
        ("visit", true, "1"),
        ("visit", false, "none"),
    ] {
        let clock = ManualClock::default();
        let sessions = Sessions::builder()
            .clock(clock.clone())
            .server_side_with::<Visits>(MemoryStorage::new(), |o| match deadline {
                "login" => o.idle_timeout(60 * MINUTE).absolute_lifetime(60 * MINUTE),
                _ => o.idle_timeout(60 * MINUTE).absolute_lifetime(600 * MINUTE),
            })
            .build()
            .unwrap();
        let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
        browser.get("/start/1").await;
        for _ in 0..2 {
            clock.advance(30 * MINUTE - Duration::from_secs(1));
            if active {
                assert_eq!(browser.get("/get").await.text(), "1");
            }
        }
        clock.advance(Duration::from_secs(2));
        assert_eq!(browser.get("/get").await.text(), expected, "{deadline} {active}");
    }
}
