//! What an application does when a value of its own is dropped may be anything: it may use the session, too.

use std::cell::{Cell, RefCell};

use actix_web::{App, Error, HttpRequest, http::StatusCode, test, web};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, Session, Sessions, SessionsExt as _, protection::Plain, storage::MemoryStorage,
};

use crate::{
    inner_services::Twice,
    support::{Call, Login, Spy, begin, get_with, login, send, sessions},
};

thread_local! {
    /// The request whose sessions a [`Curious`] value looks at when it is dropped.
    static ASKED: RefCell<Option<HttpRequest>> = const { RefCell::new(None) };
    /// How many values have found one.
    static ANSWERS: Cell<u32> = const { Cell::new(0) };
}

#[derive(Clone, Session, Serialize, Deserialize)]
#[session(name = "CURIOUS")]
struct Curious {
    number: u32,
}

impl Drop for Curious {
    fn drop(&mut self) {
        // Not of those that this looks at in turn.
        let Some(request) = ASKED.take() else { return };
        let login = request.session::<Login>().now_or_never();
        let curious = request.session::<Curious>().now_or_never();
        drop(curious.map(|curious| curious.map(|curious| curious.get())));
        // When the request is over there are none.
        if login.is_some_and(|login| login.is_ok()) {
            ANSWERS.set(ANSWERS.get() + 1);
        }
        ASKED.set(Some(request));
    }
}

/// How many values are dropped by `work`, and have looked at the sessions of the request.
async fn answers<R>(request: &HttpRequest, work: impl Future<Output = R>) -> (u32, R) {
    ANSWERS.set(0);
    ASKED.set(Some(request.clone()));
    let done = work.await;
    ASKED.take();
    (ANSWERS.get(), done)
}

#[actix_web::test]
async fn a_value_that_is_dropped_may_look_at_its_own_session() {
    let sessions = Sessions::builder()
        .server_side::<Curious>(MemoryStorage::new())
        .server_side::<Login>(MemoryStorage::new());
    let sessions = sessions.build().unwrap();
    let token = begin(&sessions, Curious { number: 1 }).await;
    let uses = |request: HttpRequest, curious: CurrentSession<Curious>| async move {
        // Its own write takes the place of what was read; then of what it has written itself.
        for number in 2..4 {
            let (answers, written) =
                answers(&request, curious.update(|curious| curious.number = number)).await;
            assert_eq!((written?, answers > 0), (Some(()), true));
        }
        curious.set(Curious { number: 4 })?;
        let (answers, set) = answers(&request, async { curious.set(Curious { number: 5 }) }).await;
        assert_eq!((set?, answers > 0), ((), true));
        let (answers, cleared) = self::answers(&request, async { curious.clear() }).await;
        assert_eq!((cleared?, answers > 0), ((), true));
        Ok::<_, Error>("")
    };
    let app = App::new().wrap(sessions).route("/", web::get().to(uses));
    let app = test::init_service(app).await;
    assert_eq!(send(&app, get_with("/", &token)).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_value_that_is_dropped_for_a_second_call_may_ask_for_sessions() {
    let storage = Spy::new();
    let outer = sessions(&storage);
    let token = begin(&outer, login("ada")).await;
    let inner = Sessions::builder().client_side::<Curious>(Plain);
    let drops = |request: HttpRequest, _login: CurrentSession<Login>, curious: CurrentSession<Curious>| async move {
        ASKED.take();
        curious.set(Curious { number: 1 })?;
        // It is dropped for the second call.
        ASKED.set(Some(request));
        Ok::<_, Error>("")
    };
    let app = App::new().wrap(outer).service(
        web::resource("/")
            .wrap(inner.build().unwrap())
            .wrap(Twice::OneAfterTheOther)
            .route(web::get().to(drops)),
    );
    let app = test::init_service(app).await;
    storage.calls();
    ANSWERS.set(0);
    let answer = send(&app, get_with("/", &token)).await;
    ASKED.take();
    assert_eq!((answer.status, ANSWERS.get() > 0), (StatusCode::OK, true));
    // The outer installation's session is open, and no other one is opened beside it.
    assert_eq!(storage.calls(), [Call::Load]);
}
