//! A storage that fails or hangs costs the requests that need it, for a bounded time, and no others.

use std::time::Duration;

use actix_web::{
    App,
    http::{StatusCode, header},
    test, web,
};
use futures_util::poll;
use sessions_actix::{CurrentSession, SessionError, SessionErrorKind, SessionsExt as _};
use tokio::time::{self, Instant};

use crate::support::{
    Answer, Behaviour, Call, Login, Spy, begin, builder, get_with, login, send, sessions, user,
};

const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Asks for this path while one call of the storage misbehaves.
async fn ask(path: &str, call: Call, behaviour: Behaviour) -> Answer {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).configure(routes)).await;
    storage.on(call, behaviour);
    let began = Instant::now();
    let answer = send(&app, get_with(path, &token)).await;
    // The default limit is two seconds for each call, and there are at most two: the write, and looking for it.
    assert!(began.elapsed() < Duration::from_secs(5));
    storage.recover();
    let after = send(&app, get_with("/read", &token)).await;
    assert_eq!(after.status, StatusCode::OK);
    answer
}

fn routes(config: &mut web::ServiceConfig) {
    type Current = CurrentSession<Login>;
    config
        .route("/untouched", web::get().to(|| async { "untouched" }))
        .route(
            "/read",
            web::get().to(|session: Current| async move { user(&session) }),
        )
        .route(
            "/set",
            web::get().to(|session: Current| async move { session.set(login("eve")).map(|()| "set") }),
        )
        .route(
            "/start",
            web::get().to(|session: Current| async move { session.start(login("eve")).map(|()| "started") }),
        )
        .route(
            "/clear",
            web::get().to(|session: Current| async move { session.clear().map(|()| "cleared") }),
        )
        .route(
            "/rotate",
            web::get().to(|session: Current| async move { session.rotate_id().map(|()| "rotated") }),
        )
        .route(
            "/update",
            web::get().to(|session: Current| async move {
                session.update(|login| login.visits += 1).await.map(|_| "updated")
            }),
        )
        .route(
            "/swallow",
            web::get().to(|session: Result<Current, SessionError>| async move {
                match session {
                    Ok(session) => user(&session),
                    Err(error) => {
                        assert!(matches!(error.kind(), SessionErrorKind::Unavailable(_)));
                        "swallowed".to_owned()
                    }
                }
            }),
        );
}

#[actix_web::test]
async fn a_load_that_fails_is_a_bare_503() {
    for path in ["/read", "/set", "/clear", "/update"] {
        let answer = ask(path, Call::Load, Behaviour::Fail).await;
        assert!(answer.is_bare(UNAVAILABLE), "{path}: {answer:?}");
    }
}

#[actix_web::test]
async fn a_load_that_hangs_is_a_bare_503_in_bounded_time() {
    time::pause();
    for path in ["/read", "/set", "/clear", "/update"] {
        let answer = ask(path, Call::Load, Behaviour::Hang).await;
        assert!(answer.is_bare(UNAVAILABLE), "{path}: {answer:?}");
    }
}

#[actix_web::test]
async fn the_time_limit_of_a_storage_can_be_set() {
    let storage = Spy::new();
    let limit = Duration::from_millis(50);
    let sessions = builder(&storage).storage_timeout(limit).build().unwrap();
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).configure(routes)).await;
    storage.on(Call::Load, Behaviour::Hang);
    time::pause();
    let began = Instant::now();
    let answer = send(&app, get_with("/read", &token)).await;
    assert!(answer.is_bare(UNAVAILABLE));
    assert!((limit..2 * limit).contains(&began.elapsed()));
}

#[actix_web::test]
async fn a_write_that_fails_is_a_bare_503() {
    for (path, call) in [
        ("/set", Call::Replace),
        ("/start", Call::Create),
        ("/start", Call::Delete),
        ("/clear", Call::Delete),
        ("/rotate", Call::Replace),
        ("/update", Call::Replace),
    ] {
        let answer = ask(path, call, Behaviour::Fail).await;
        assert!(answer.is_bare(UNAVAILABLE), "{path}: {answer:?}");
    }
}

#[actix_web::test]
async fn a_write_that_hangs_is_a_bare_503_in_bounded_time() {
    time::pause();
    for (path, call) in [
        ("/set", Call::Replace),
        ("/start", Call::Create),
        ("/clear", Call::Delete),
        ("/rotate", Call::Replace),
        ("/update", Call::Replace),
    ] {
        let answer = ask(path, call, Behaviour::Hang).await;
        assert!(answer.is_bare(UNAVAILABLE), "{path}: {answer:?}");
    }
}

#[actix_web::test]
async fn a_handler_that_swallows_the_failure_keeps_its_response() {
    time::pause();
    for behaviour in [Behaviour::Fail, Behaviour::Hang] {
        let answer = ask("/swallow", Call::Load, behaviour).await;
        assert_eq!(answer.text(), "swallowed");
        assert_eq!(answer.set_cookies(), Vec::<String>::new());
        assert_eq!(answer.header(header::VARY), Some("cookie"));
    }
}

#[actix_web::test]
async fn a_failed_load_is_not_tried_again_in_the_same_request() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let twice = |request: actix_web::HttpRequest| async move {
        let first = request.session::<Login>().await.is_err();
        let second = request.session::<Login>().await.is_err();
        format!("{first} {second}")
    };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(twice))).await;
    storage.on(Call::Load, Behaviour::Fail);
    storage.calls();
    assert_eq!(send(&app, get_with("/", &token)).await.text(), "true true");
    assert_eq!(storage.calls(), [Call::Load]);
}

#[actix_web::test]
async fn untouched_routes_answer_while_the_storage_hangs() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).configure(routes)).await;
    storage.on_all(&Behaviour::Hang);
    let mut hanging = Box::pin(send(&app, get_with("/read", &token)));
    assert!(poll!(&mut hanging).is_pending());
    assert_eq!(
        send(&app, get_with("/untouched", &token)).await.text(),
        "untouched"
    );
    // Nor does anything ask the storage for a client that has no token.
    assert_eq!(send(&app, get_with("/read", "a=1")).await.text(), "-");
    time::pause();
    assert!(hanging.await.is_bare(UNAVAILABLE));
}

#[actix_web::test]
async fn a_failed_touch_fails_no_response() {
    time::pause();
    let clock = sessions_actix::ManualClock::default();
    let storage = Spy::new();
    let sessions = sessions_actix::Sessions::builder()
        .clock(clock.clone())
        .server_side::<Login>(std::sync::Arc::clone(&storage))
        .build()
        .unwrap();
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).configure(routes)).await;
    for behaviour in [Behaviour::Fail, Behaviour::Hang] {
        clock.advance(Duration::from_secs(120));
        storage.on(Call::Touch, behaviour);
        storage.calls();
        let answer = send(&app, get_with("/read", &token)).await;
        assert_eq!((answer.text(), answer.set_cookies().len()), ("ada", 0));
        assert_eq!(storage.calls(), [Call::Load, Call::Touch]);
    }
}

#[actix_web::test]
async fn a_storage_that_fails_tells_the_client_nothing_about_why() {
    let answer = ask("/read", Call::Load, Behaviour::Fail).await;
    let names: Vec<_> = answer.headers.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["vary"]);
}
