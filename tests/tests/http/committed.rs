//! What is asked of a session after the response head was sent.

use std::sync::{Arc, Mutex};

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    web::{Bytes, Data, get},
};
use futures_util::stream;
use sessions_actix::{
    CurrentSession, RequiredSession, SessionError, SessionErrorKind, Sessions, SessionsExt,
    protection::Encrypted, storage::MemoryStorage,
};

use crate::support::{Browser, Server, Visits, keys, numbers, ok};

type Kept<T> = Arc<Mutex<Option<T>>>;

fn both() -> [Sessions; 2] {
    let by_id = Sessions::builder().server_side::<Visits>(MemoryStorage::new());
    let by_value = Sessions::builder().client_side::<Visits>(Encrypted::new(&keys()));
    [by_id.build().unwrap(), by_value.build().unwrap()]
}

fn is_too_late<T>(answer: Result<T, SessionError>) -> bool {
    answer.is_err_and(|error| matches!(error.kind(), SessionErrorKind::AlreadyCommitted))
}

/// Tries everything that would change the session.
async fn all_too_late(session: &CurrentSession<Visits>) -> bool {
    is_too_late(session.set(Visits { count: 9 }))
        && is_too_late(session.start(Visits { count: 9 }))
        && is_too_late(session.clear())
        && is_too_late(session.rotate_id())
        && is_too_late(session.update(|visits| visits.count = 9).await)
        && is_too_late(
            session
                .update_or_insert_with(|| Visits { count: 9 }, |visits| visits.count = 9)
                .await,
        )
        && is_too_late(session.take().await)
}

async fn stream(session: CurrentSession<Visits>) -> impl Responder {
    let body = stream::once(async move {
        let seen = session.get().map(|visits| visits.count);
        let live = session.still_live().await.unwrap();
        let late = all_too_late(&session).await;
        ok(Bytes::from(format!("{seen:?} {live} {late}")))
    });
    HttpResponse::Ok().streaming(body)
}

#[actix_web::test]
async fn set_in_a_streaming_body_is_already_committed_and_reading_goes_on() {
    for sessions in both() {
        let server = Server::new(sessions, |config| {
            config
                .configure(numbers::<Visits>(""))
                .route("/stream", get().to(stream));
        })
        .await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        let answer = browser.get("/stream").await;
        assert_eq!(answer.text(), "Some(1) true true");
        assert_eq!(answer.cookies(), []);
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

async fn keep(session: CurrentSession<Visits>, kept: Data<Kept<CurrentSession<Visits>>>) -> impl Responder {
    *kept.lock().unwrap() = Some(session);
    "kept"
}

#[actix_web::test]
async fn set_on_a_handle_that_was_kept_is_already_committed() {
    for sessions in both() {
        let kept: Kept<CurrentSession<Visits>> = Kept::default();
        let data = Data::new(Arc::clone(&kept));
        let server = Server::new(sessions, |config| {
            config
                .app_data(data)
                .configure(numbers::<Visits>(""))
                .route("/keep", get().to(keep));
        })
        .await;
        let mut browser = Browser::new(&server);
        // None yet, and then one.
        browser.get("/keep").await;
        let session = kept.lock().unwrap().take().unwrap();
        assert!(all_too_late(&session).await);
        assert!(session.get().is_none());
        browser.get("/set/1").await;
        browser.get("/keep").await;
        let session = kept.lock().unwrap().take().unwrap();
        assert!(all_too_late(&session).await);
        assert_eq!(session.get().unwrap().count, 1);
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

async fn ask_in_body(request: HttpRequest) -> impl Responder {
    let body = stream::once(async move {
        let late = is_too_late(request.session::<Visits>().await);
        ok(Bytes::from(late.to_string()))
    });
    HttpResponse::Ok().streaming(body)
}

#[actix_web::test]
async fn a_session_first_asked_for_after_the_head_is_already_committed() {
    for sessions in both() {
        let server = Server::new(sessions, |config| {
            config
                .configure(numbers::<Visits>(""))
                .route("/stream", get().to(ask_in_body));
        })
        .await;
        let mut browser = Browser::new(&server);
        assert_eq!(browser.get("/stream").await.text(), "true");
        browser.get("/set/1").await;
        assert_eq!(browser.get("/stream").await.text(), "true");
    }
}

async fn update_in_body(session: RequiredSession<Visits>) -> impl Responder {
    let mut session = session;
    let body = stream::once(async move {
        let late = is_too_late(session.update(|visits| visits.count += 1).await);
        ok(Bytes::from(late.to_string()))
    });
    HttpResponse::Ok().streaming(body)
}

#[actix_web::test]
async fn an_update_of_a_required_session_in_a_body_is_already_committed() {
    for sessions in both() {
        let server = Server::new(sessions, |config| {
            config
                .configure(numbers::<Visits>(""))
                .route("/stream", get().to(update_in_body));
        })
        .await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        assert_eq!(browser.get("/stream").await.text(), "true");
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}
