//! A storage that fails, hangs or panics, in each thing that it does, under each thing that a request does: it costs the
//! requests that need it, for a bounded time, and nothing else.

use std::{panic::AssertUnwindSafe, time::Duration};

use actix_web::{
    Result,
    web::{ServiceConfig, get},
};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, Session, SessionAdmin, SessionError, SessionErrorKind, Sessions,
    storage::{CachedStorage, SessionStorage},
};
use tokio::time::{self, Instant};

use crate::support::{Answer, Browser, MINUTE, Numbered, Server, Spy, Trouble, numbers};

const TIMEOUT: Duration = Duration::from_millis(100);
/// The write, and what is made good or looked for after it.
const CALLS: u32 = 4;

/// How long a request may take that goes this way. Time that is let pass goes in steps of a millisecond.
fn longest(path: &str) -> Duration {
    match path {
        // These may have to read all sessions.
        "/admin/count" | "/admin/revoke_everyone" => MINUTE + TIMEOUT,
        _ => CALLS * TIMEOUT + TIMEOUT / 2,
    }
}

/// What a request asks the storage for, and what it does with its session. Each begins with the number 1.
const NEEDS: [(&str, &str); 29] = [
    ("load", "/get"),
    ("load", "/set/2"),
    ("load", "/start/2"),
    ("load", "/update"),
    ("load", "/insert"),
    ("load", "/take"),
    ("load", "/rotate"),
    ("load", "/clear"),
    ("load", "/id"),
    ("reserve", "/start/2"),
    ("create", "/start/2"),
    ("confirm", "/start/2"),
    ("delete", "/start/2"),
    ("replace", "/set/2"),
    ("replace", "/update"),
    ("replace", "/insert"),
    ("replace", "/rotate"),
    ("delete", "/take"),
    ("delete", "/clear"),
    ("load", "/admin/revoke"),
    ("delete", "/admin/revoke"),
    ("members", "/admin/list"),
    ("load", "/admin/list"),
    ("cut_off", "/admin/revoke_all"),
    ("delete", "/admin/revoke_all"),
    ("load", "/admin/revoke_others"),
    ("cut_off", "/admin/revoke_others"),
    ("count", "/admin/count"),
    ("delete_some", "/admin/revoke_everyone"),
];

#[derive(Session, Serialize, Deserialize, Debug)]
#[session(name = "ACCOUNT")]
struct Account {
    #[session(principal)]
    user: String,
    count: u32,
}

impl Numbered for Account {
    fn of(number: u32) -> Self {
        Self {
            user: "ada".to_owned(),
            count: number,
        }
    }

    fn number(&mut self) -> &mut u32 {
        &mut self.count
    }

    fn shown(&self) -> u32 {
        self.count
    }
}

type Current = CurrentSession<Account>;
type Admin = SessionAdmin<Account>;

fn routes(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Account>(""))
        .route("/swallow", get().to(swallow))
        .route("/admin/revoke", get().to(revoke))
        .route("/admin/list", get().to(list))
        .route("/admin/revoke_all", get().to(revoke_all))
        .route("/admin/revoke_others", get().to(revoke_others))
        .route("/admin/count", get().to(count))
        .route("/admin/revoke_everyone", get().to(revoke_everyone));
}

async fn swallow(session: Result<Current, SessionError>) -> &'static str {
    match session {
        Ok(_) => "opened",
        Err(error) => {
            assert!(matches!(error.kind(), SessionErrorKind::Unavailable(_)));
            "swallowed"
        }
    }
}

async fn revoke(session: Current, admin: Admin) -> Result<String> {
    Ok(admin.revoke(&session.public_id().unwrap()).await?.to_string())
}

async fn list(admin: Admin) -> Result<String> {
    Ok(admin.list("ada").await?.len().to_string())
}

async fn revoke_all(admin: Admin) -> Result<String> {
    Ok(admin.revoke_all("ada").await?.to_string())
}

async fn revoke_others(session: Current, admin: Admin) -> Result<String> {
    let keep = session.public_id().unwrap();
    Ok(admin.revoke_others("ada", &keep).await?.to_string())
}

async fn count(admin: Admin) -> Result<String> {
    Ok(admin.count().await?.to_string())
}

async fn revoke_everyone(admin: Admin) -> Result<String> {
    Ok(admin.revoke_everyone().await?.to_string())
}

/// A server over this storage, and a browser that has a session of the number 1.
async fn one_session(storage: impl SessionStorage, clock: &ManualClock) -> Browser {
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .storage_timeout(TIMEOUT)
        .server_side::<Account>(storage)
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, routes).await);
    assert_eq!(browser.get("/start/1").await.text(), "1");
    browser
}

/// The answer; `None` if the request panics, of which the server makes a closed connection.
async fn ask(browser: &mut Browser, path: &str) -> Option<Answer> {
    AssertUnwindSafe(browser.get(path)).catch_unwind().await.ok()
}

/// All that there was before is there, and whatever is asked for happens.
async fn works_again(browser: &mut Browser, clock: &ManualClock, what: &str) {
    works_again_with(1, browser, clock, what).await;
}

/// The same, where in the end the principal has so many sessions.
async fn works_again_with(sessions: usize, browser: &mut Browser, clock: &ManualClock, what: &str) {
    let sessions = sessions.to_string();
    assert_eq!(browser.get("/get").await.text(), "1", "{what}");
    assert_eq!(browser.get("/update").await.text(), "2", "{what}");
    assert_eq!(browser.get("/set/3").await.text(), "3", "{what}");
    browser.get("/rotate").await;
    assert_eq!(browser.get("/get").await.text(), "3", "{what}");
    clock.advance(MINUTE);
    assert_eq!(browser.get("/start/4").await.text(), "4", "{what}");
    assert_eq!(browser.get("/get").await.text(), "4", "{what}");
    assert_eq!(browser.get("/admin/list").await.text(), sessions, "{what}");
    assert_eq!(browser.get("/admin/revoke_all").await.text(), sessions, "{what}");
    assert_eq!(browser.get("/get").await.text(), "none", "{what}");
}

#[actix_web::test]
async fn whoever_needs_a_storage_in_trouble_is_told_503_and_nothing_has_happened() {
    time::pause();
    for (operation, path) in NEEDS {
        for trouble in [Trouble::Fails, Trouble::Hangs] {
            let what = format!("{operation} {trouble:?} under {path}");
            let (spy, clock) = (Spy::default(), ManualClock::default());
            let mut browser = one_session(spy.clone(), &clock).await;
            let token = browser.value("ACCOUNT").unwrap().to_owned();
            spy.trouble(operation, trouble);
            let began = Instant::now();
            let answer = browser.get(path).await;
            assert!(began.elapsed() <= longest(path), "{what}: {:?}", began.elapsed());
            assert_eq!((answer.status.as_u16(), answer.text()), (503, ""), "{what}");
            assert_eq!(answer.cookies(), [], "{what}");
            assert_eq!(browser.value("ACCOUNT"), Some(token.as_str()), "{what}");
            spy.mend();
            works_again(&mut browser, &clock, &what).await;
        }
    }
}

/// The whole storage hangs from some call of a request on, not one operation alone.
#[actix_web::test]
async fn a_storage_that_hangs_from_any_call_of_a_request_on_costs_it_a_bounded_time() {
    time::pause();
    let mut paths = NEEDS.map(|(_, path)| path).to_vec();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        for answered in 0.. {
            let what = format!("{path}, {answered} calls answered");
            let spy = Spy::default();
            let mut browser = one_session(spy.clone(), &ManualClock::default()).await;
            spy.calls();
            spy.hang_after(answered);
            let began = Instant::now();
            let answer = browser.get(path).await;
            // The limit is of each operation, and a request waits for a few of them.
            let waited = began.elapsed();
            assert!(waited < longest(path), "{what}: {waited:?}");
            let calls = spy.calls();
            let hung = calls.get(answered..).unwrap_or_default();
            if hung.is_empty() {
                assert_eq!(answer.status.as_u16(), 200, "{what}");
                break;
            }
            // The place of a session that has ended lapses by itself: some say that it is done, and some that it is not.
            if hung.iter().all(|call| *call == "release") {
                assert!(matches!(answer.status.as_u16(), 200 | 503), "{what}");
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.text()), (503, ""), "{what}");
            assert_eq!(answer.cookies(), [], "{what}");
            assert_eq!(browser.get("/untouched").await.text(), "untouched", "{what}");
        }
    }
}

#[actix_web::test]
async fn whoever_does_not_need_it_is_answered_as_before() {
    time::pause();
    for trouble in [Trouble::Fails, Trouble::Hangs, Trouble::Panics] {
        for (operation, _) in NEEDS {
            let spy = Spy::default();
            let mut browser = one_session(spy.clone(), &ManualClock::default()).await;
            let before = browser.get("/untouched").await;
            spy.trouble(operation, trouble);
            spy.calls();
            let began = Instant::now();
            let answer = browser.get("/untouched").await;
            assert_eq!(
                (answer.status, answer.text()),
                (before.status, before.text()),
                "{operation} {trouble:?}"
            );
            assert_eq!(format!("{:?}", answer.headers), format!("{:?}", before.headers));
            assert_eq!(spy.calls(), [""; 0], "{operation} {trouble:?}");
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    }
}

#[actix_web::test]
async fn a_handler_that_takes_the_error_keeps_its_answer() {
    time::pause();
    for trouble in [Trouble::Fails, Trouble::Hangs] {
        let (spy, clock) = (Spy::default(), ManualClock::default());
        let mut browser = one_session(spy.clone(), &clock).await;
        spy.trouble("load", trouble);
        let answer = browser.get("/swallow").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "swallowed"));
        assert_eq!(answer.cookies(), []);
        spy.mend();
        assert_eq!(browser.get("/swallow").await.text(), "opened");
        works_again(&mut browser, &clock, "swallowed").await;
    }
}

#[actix_web::test]
async fn a_touch_in_trouble_fails_no_answer() {
    time::pause();
    for trouble in [Trouble::Fails, Trouble::Hangs] {
        let (spy, clock) = (Spy::default(), ManualClock::default());
        let mut browser = one_session(spy.clone(), &clock).await;
        clock.advance(5 * MINUTE);
        spy.trouble("touch", trouble);
        spy.calls();
        let answer = browser.get("/get").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "1"), "{trouble:?}");
        assert_eq!(answer.cookies(), [], "{trouble:?}");
        assert_eq!(spy.calls(), ["load", "touch"], "{trouble:?}");
        spy.mend();
        works_again(&mut browser, &clock, "touched").await;
    }
}

/// A panic takes its own request with it and no other: neither a lock nor what a thread keeps for its requests stays as
/// it was in the middle of something.
#[actix_web::test]
async fn a_storage_that_panics_costs_its_request_alone() {
    for (operation, path) in NEEDS.into_iter().chain([("touch", "/get")]) {
        let what = format!("{operation} panics under {path}");
        let (spy, clock) = (Spy::default(), ManualClock::default());
        let mut browser = one_session(spy.clone(), &clock).await;
        clock.advance(5 * MINUTE);
        spy.trouble(operation, Trouble::Panics);
        assert!(ask(&mut browser, path).await.is_none(), "{what}");
        assert_eq!(browser.get("/untouched").await.text(), "untouched", "{what}");
        spy.mend();
        // As with a crash there: the new session has its place, and nobody its token.
        let left_over = (operation, path) == ("delete", "/start/2");
        works_again_with(1 + usize::from(left_over), &mut browser, &clock, &what).await;
    }
}

/// With what is read afterwards: the session from before, the one from after, or none.
#[actix_web::test]
async fn a_storage_that_panics_behind_a_cache_leaves_no_copy_of_what_has_changed() {
    for trouble in [Trouble::Panics, Trouble::PanicsAfterwards] {
        for (operation, path, changed) in [
            ("create", "/start/2", "1"),
            ("replace", "/set/2", "2"),
            ("replace", "/update", "2"),
            // The new token was never sent, and the old one is no good any more.
            ("replace", "/rotate", "none"),
            ("delete", "/clear", "none"),
            ("touch", "/get", "1"),
            ("delete_some", "/admin/revoke_everyone", "none"),
        ] {
            let what = format!("{operation} {trouble:?} under {path}");
            let (spy, clock) = (Spy::default(), ManualClock::default());
            let mut browser = one_session(CachedStorage::new(spy.clone()), &clock).await;
            clock.advance(5 * MINUTE);
            spy.trouble(operation, trouble);
            assert!(ask(&mut browser, path).await.is_none(), "{what}");
            spy.mend();
            if trouble == Trouble::Panics {
                works_again(&mut browser, &clock, &what).await;
            } else {
                assert_eq!(browser.get("/get").await.text(), changed, "{what}");
                browser.get("/start/1").await;
                assert_eq!(browser.get("/update").await.text(), "2", "{what}");
            }
        }
    }
}
