//! What is written when the head is ready, by requests of several sessions and by several requests.

use std::sync::Arc;

use actix_web::{
    App, HttpResponse,
    http::{StatusCode, header},
    test, web,
};
use futures_util::{future::join_all, join, poll};
use sessions_actix::{
    CurrentSession, RequiredSession, SessionAdmin, SessionError, SessionErrorKind, SessionStatus, Sessions,
};
use tests::judge::Exception;

use crate::support::{
    Basket, Behaviour, Call, Login, Preferences, Spy, begin, builder, get, get_with, login, send,
    send_except, sessions, theme, user,
};

/// Several types, in one installation.
fn shop(logins: &Arc<Spy>, items: &Arc<Spy>) -> Sessions {
    builder(logins)
        .server_side::<Basket>(Arc::clone(items))
        .build()
        .unwrap()
}

async fn set_all(
    basket: CurrentSession<Basket>,
    preferences: CurrentSession<Preferences>,
    login: CurrentSession<Login>,
) -> actix_web::Result<&'static str> {
    login.set(crate::support::login("ada"))?;
    preferences.set(theme("dark"))?;
    basket.set(Basket { items: 1 })?;
    Ok("set")
}

#[actix_web::test]
async fn sessions_are_written_in_the_order_in_which_they_were_asked_for() {
    let (logins, items) = (Spy::new(), Spy::new());
    let app = App::new()
        .wrap(shop(&logins, &items))
        .route("/", web::get().to(set_all));
    let answer = send(&test::init_service(app).await, get("/")).await;
    let names: Vec<_> = answer
        .set_cookies()
        .iter()
        .map(|line| line.split('=').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["BASKET", "PREFERENCES", "LOGIN"]);
}

#[actix_web::test]
async fn a_commit_that_fails_last_keeps_the_tokens_of_what_is_written() {
    let (logins, items) = (Spy::new(), Spy::new());
    let app = App::new()
        .wrap(shop(&logins, &items))
        .route("/", web::get().to(set_all));
    logins.on(Call::Create, Behaviour::Fail);
    let answer = send(&test::init_service(app).await, get("/")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.is_empty());
    assert!(answer.sent("BASKET").is_some() && answer.sent("PREFERENCES").is_some());
    assert_eq!(answer.set_cookies().len(), 2);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(items.calls(), [Call::Create]);
}

#[actix_web::test]
async fn a_commit_that_fails_first_makes_the_others_those_of_a_failed_request() {
    let (logins, items) = (Spy::new(), Spy::new());
    let app = App::new()
        .wrap(shop(&logins, &items))
        .route("/", web::get().to(set_all));
    items.on(Call::Create, Behaviour::Fail);
    let answer = send(&test::init_service(app).await, get("/")).await;
    assert!(answer.is_bare(StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    assert_eq!(logins.calls(), []);
}

#[actix_web::test]
async fn a_logout_happens_also_after_another_commit_failed() {
    let (logins, items) = (Spy::new(), Spy::new());
    let sessions = shop(&logins, &items);
    let token = begin(&sessions, login("ada")).await;
    let set_and_clear = |basket: CurrentSession<Basket>, login: CurrentSession<Login>| async move {
        basket.set(Basket { items: 1 })?;
        login.clear()?;
        Ok::<_, SessionError>("done")
    };
    let app = App::new().wrap(sessions).route("/", web::get().to(set_and_clear));
    let app = test::init_service(app).await;
    items.on(Call::Create, Behaviour::Fail);
    logins.calls();
    let answer = send(&app, get_with("/", &token)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.removes("LOGIN"));
    assert_eq!(logins.calls(), [Call::Load, Call::Delete]);
}

#[actix_web::test]
async fn a_failed_commit_sends_no_token_and_leaves_the_old_session() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let start =
        |session: CurrentSession<Login>| async move { session.start(login("eve")).map(|()| "started") };
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = App::new()
        .wrap(sessions)
        .route("/start", web::get().to(start))
        .route("/read", web::get().to(read));
    let app = test::init_service(app).await;
    storage.on(Call::Create, Behaviour::Fail);
    let answer = send(&app, get_with("/start", &token)).await;
    assert!(answer.is_bare(StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    assert_eq!(send(&app, get_with("/read", &token)).await.text(), "ada");
}

#[actix_web::test]
async fn the_failed_response_drops_what_the_handler_had_answered() {
    let storage = Spy::new();
    let secret = |session: CurrentSession<Login>| async move {
        session.start(login("ada"))?;
        Ok::<_, SessionError>(
            HttpResponse::Ok()
                .insert_header(("x-secret", "1"))
                .body("welcome"),
        )
    };
    let app = App::new()
        .wrap(sessions(&storage))
        .route("/", web::get().to(secret));
    storage.on(Call::Create, Behaviour::Fail);
    let answer = send(&test::init_service(app).await, get("/")).await;
    assert!(answer.is_bare(StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    assert!(!answer.headers.contains_key("x-secret"));
}

async fn count(session: RequiredSession<Login>) -> actix_web::Result<String> {
    let mut session = session;
    let visits = session
        .update(|login| {
            login.visits += 1;
            login.visits
        })
        .await?;
    Ok(visits.to_string())
}

fn visits(config: &mut web::ServiceConfig) {
    config
        .route("/count", web::get().to(count))
        .route(
            "/read",
            web::get().to(|session: CurrentSession<Login>| async move {
                session
                    .get()
                    .map_or_else(|| "-".to_owned(), |login| login.visits.to_string())
            }),
        )
        .route(
            "/logout",
            web::get().to(|session: CurrentSession<Login>| async move { session.clear().map(|()| "bye") }),
        )
        .route(
            "/set",
            web::get().to(|session: CurrentSession<Login>| async move {
                session.set(login("slow"))?;
                Ok::<_, SessionError>("set")
            }),
        );
}

#[actix_web::test]
async fn of_two_updates_at_once_both_count() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).configure(visits)).await;
    let permits = storage.hold(Call::Replace);
    // Both have read the same revision before either writes.
    let (mut one, mut two) = (
        Box::pin(send(&app, get_with("/count", &token))),
        Box::pin(send(&app, get_with("/count", &token))),
    );
    assert!(poll!(&mut one).is_pending() && poll!(&mut two).is_pending());
    permits.add_permits(9);
    let (one, two) = join!(one, two);
    let mut seen = [one.text(), two.text()];
    seen.sort_unstable();
    assert_eq!(seen, ["1", "2"]);
    storage.recover();
    assert_eq!(send(&app, get_with("/read", &token)).await.text(), "2");
}

#[actix_web::test]
async fn of_many_updates_at_once_each_counts() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = test::init_service(App::new().wrap(sessions).configure(visits)).await;
    let answers = join_all((0..200).map(|_| send(&app, get_with("/count", &token)))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(send(&app, get_with("/read", &token)).await.text(), "200");
}

#[actix_web::test]
async fn a_logout_is_not_undone_by_a_slow_request() {
    for path in ["/count", "/set"] {
        let storage = Spy::new();
        let sessions = sessions(&storage);
        let token = begin(&sessions, login("ada")).await;
        let app = test::init_service(App::new().wrap(sessions).configure(visits)).await;
        let permits = storage.hold(Call::Replace);
        let mut slow = Box::pin(send(&app, get_with(path, &token)));
        assert!(poll!(&mut slow).is_pending());
        let answer = send(&app, get_with("/logout", &token)).await;
        assert!(answer.removes("LOGIN"));
        permits.add_permits(1);
        let slow = slow.await;
        assert_eq!(slow.set_cookies(), Vec::<String>::new(), "{path}");
        assert_eq!(send(&app, get_with("/read", &token)).await.text(), "-");
    }
}

#[actix_web::test]
async fn a_revoked_session_is_not_brought_back_by_the_request_that_revoked_it() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let revoke = |session: CurrentSession<Login>, admin: SessionAdmin<Login>| async move {
        session.set(login("eve"))?;
        let revoked = admin.revoke(&session.public_id().unwrap()).await?;
        Ok::<_, SessionError>(revoked.to_string())
    };
    let app = App::new()
        .wrap(sessions)
        .configure(visits)
        .route("/revoke", web::get().to(revoke));
    let app = test::init_service(app).await;
    assert_eq!(send(&app, get_with("/revoke", &token)).await.text(), "true");
    assert_eq!(send(&app, get_with("/read", &token)).await.text(), "-");
}

#[actix_web::test]
async fn a_change_that_panics_locks_nothing() {
    async fn panicking(session: CurrentSession<Login>) -> actix_web::Result<String> {
        for draft in [false, true] {
            if draft {
                session.set(login("draft"))?;
            }
            let one = session.clone();
            let task =
                tokio::spawn(async move { one.update(|_| -> () { panic!("as the test wants it") }).await });
            assert!(task.await.is_err());
        }
        session.update(|login| login.visits += 1).await?;
        Ok(user(&session))
    }
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let app = App::new()
        .wrap(sessions)
        .configure(visits)
        .route("/panicking", web::get().to(panicking));
    let app = test::init_service(app).await;
    assert_eq!(send(&app, get_with("/panicking", &token)).await.text(), "draft");
    assert_eq!(send(&app, get_with("/read", &token)).await.text(), "1");
}

#[actix_web::test]
async fn of_one_name_there_is_one_set_cookie_and_other_cookies_stay() {
    let own = |session: CurrentSession<Login>| async move {
        session.set(login("ada"))?;
        Ok::<_, SessionError>(
            HttpResponse::Ok()
                .append_header((header::SET_COOKIE, "LOGIN=made-up; Path=/"))
                .append_header((header::SET_COOKIE, "LOGIN2=other"))
                .append_header((header::SET_COOKIE, "LOGIN=again"))
                .append_header((header::SET_COOKIE, "XLOGIN=other"))
                .append_header((header::CACHE_CONTROL, "private"))
                .finish(),
        )
    };
    let app = App::new()
        .wrap(sessions(&Spy::new()))
        .route("/", web::get().to(own));
    let app = test::init_service(app).await;
    let answer = send_except(&app, get("/"), Exception::CacheControl).await;
    let lines = answer.set_cookies();
    assert_eq!(lines[..2], ["LOGIN2=other", "XLOGIN=other"]);
    assert_eq!(lines.len(), 3);
    assert!(!answer.sent("LOGIN").unwrap().contains("made-up"));
    // What the handler says of caches is its own affair.
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("private"));
}

fn sent<T: Send + Sync + Clone + 'static>() {}

fn is_sent<F: Future + Send>(_: F) {}

#[actix_web::test]
async fn what_a_handle_does_can_be_sent() {
    let ask = |session: RequiredSession<Login>| async move {
        let mut required = session.clone();
        is_sent(required.update(|_| ()));
        let current = session.current();
        is_sent(current.update(|_| ()));
        is_sent(current.update_or_insert_with(|| login("ada"), |_| ()));
        is_sent(current.take());
        is_sent(current.still_live());
        "sent"
    };
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let app = App::new().wrap(sessions).route("/", web::get().to(ask));
    let answer = send(&test::init_service(app).await, get_with("/", &token)).await;
    assert_eq!(answer.text(), "sent");
}

#[::core::prelude::v1::test]
fn handles_can_be_sent_and_shared() {
    sent::<CurrentSession<Login>>();
    sent::<RequiredSession<Login>>();
    sent::<SessionAdmin<Login>>();
    sent::<SessionError>();
    sent::<Sessions>();
}

#[actix_web::test]
async fn a_handle_works_in_other_tasks_and_threads() {
    async fn elsewhere(session: CurrentSession<Login>) -> actix_web::Result<String> {
        let one = session.clone();
        tokio::spawn(async move { one.update(|login| login.visits += 1).await })
            .await
            .unwrap()?;
        let another = session.clone();
        web::block(move || another.set(login("another thread")))
            .await?
            .unwrap();
        Ok(user(&session))
    }
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let app = App::new()
        .wrap(sessions)
        .configure(visits)
        .route("/elsewhere", web::get().to(elsewhere));
    let app = test::init_service(app).await;
    storage.calls();
    let answer = send(&app, get_with("/elsewhere", &token)).await;
    assert_eq!(answer.text(), "another thread");
    assert_eq!(storage.calls(), [Call::Load, Call::Replace, Call::Replace]);
}

#[actix_web::test]
async fn a_session_that_is_begun_too_late_to_be_sent_is_not_kept() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::rc::Rc::new(std::cell::Cell::new(Some(tell)));
    let begin = move |session: CurrentSession<Login>| {
        let tell = tell.take().unwrap();
        tokio::spawn(async move {
            let begun = session.update_or_insert_with(|| login("ada"), |_| ()).await;
            tell.send((session, begun)).unwrap();
        });
        async {
            tokio::task::yield_now().await;
            "begun"
        }
    };
    let storage = Spy::new();
    let app = App::new()
        .wrap(sessions(&storage))
        .route("/", web::get().to(begin));
    let app = test::init_service(app).await;
    let permits = storage.hold(Call::Create);
    let answer = send(&app, get("/")).await;
    assert_eq!((answer.text(), answer.set_cookies().len()), ("begun", 0));
    assert_eq!(storage.calls(), [Call::Create]);
    permits.add_permits(1);
    let (session, begun) = told.await.unwrap();
    assert!(matches!(
        begun.unwrap_err().kind(),
        SessionErrorKind::AlreadyCommitted
    ));
    assert_eq!(storage.calls(), [Call::Delete]);
    assert_eq!(session.status(), SessionStatus::Absent);
}

#[actix_web::test]
async fn a_task_that_outlives_the_request_can_only_read() {
    let (hand_over, handed_over) = tokio::sync::oneshot::channel();
    let hand_over = std::rc::Rc::new(std::cell::Cell::new(Some(hand_over)));
    let keep = move |session: CurrentSession<Login>| {
        let _ = hand_over.take().unwrap().send(session);
        async { "kept" }
    };
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let app = App::new()
        .wrap(sessions)
        .configure(visits)
        .route("/keep", web::get().to(keep));
    let app = test::init_service(app).await;
    send(&app, get_with("/keep", &token)).await;
    let session = handed_over.await.unwrap();
    assert_eq!(user(&session), "ada");
    assert!(session.still_live().await.unwrap());
    assert!(session.set(login("eve")).is_err() && session.start(login("eve")).is_err());
    assert!(session.clear().is_err() && session.rotate_id().is_err());
    assert!(session.update(|login| login.visits += 1).await.is_err());
    assert!(session.take().await.is_err());
    send(&app, get_with("/logout", &token)).await;
    assert!(!session.still_live().await.unwrap());
    assert_eq!(
        session.status(),
        SessionStatus::Live,
        "as it was when the head was sent"
    );
}
