//! Responses that are errors, storages that fail, and requests that cross.

use std::{cell::OnceCell, rc::Rc};

use actix_web::{
    HttpResponse, Result,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error,
    middleware::{Next, from_fn},
    test::TestRequest,
    web::{Data, Path, ServiceConfig, get, scope},
};
use futures_util::future::join_all;
use sessions_actix::{
    CurrentSession, SessionAdmin, Sessions,
    options::OnConflict,
    protection::Encrypted,
    storage::{DirectoryStorage, MemoryStorage},
};
use tests::judge::Exception;

use crate::support::{Answer, Browser, Server, Spy, Visits, keys, numbers, ok};

fn routes(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Visits>(""))
        .route("/{how}/{status}", get().to(failing))
        .route("/err/{how}/{status}", get().to(returning_err))
        .route("/outrun", get().to(outrun));
}

async fn change(session: &CurrentSession<Visits>, how: &str) -> Result<()> {
    match how {
        "put" => session.set(Visits { count: 8 })?,
        "begin" => session.start(Visits { count: 8 })?,
        "end" => session.clear()?,
        "turn" => session.rotate_id()?,
        "raise" => session.update(|visits| visits.count += 1).await.map(drop)?,
        _ => {
            session
                .update_or_insert_with(|| Visits { count: 0 }, |visits| visits.count += 1)
                .await?;
        }
    }
    Ok(())
}

fn status(code: u16) -> actix_web::http::StatusCode {
    code.try_into().unwrap()
}

/// Changes the session and answers with this status.
async fn failing(session: CurrentSession<Visits>, path: Path<(String, u16)>) -> Result<HttpResponse> {
    change(&session, &path.0).await?;
    Ok(HttpResponse::build(status(path.1)).body("told"))
}

/// Changes the session and returns an error of this status.
async fn returning_err(session: CurrentSession<Visits>, path: Path<(String, u16)>) -> Result<HttpResponse> {
    change(&session, &path.0).await?;
    Err(error::InternalError::new("told", status(path.1)).into())
}

/// While it runs, another request ends the session; then it writes.
async fn outrun(session: CurrentSession<Visits>, admin: SessionAdmin<Visits>) -> Result<&'static str> {
    admin.revoke(&session.public_id().unwrap()).await?;
    session.set(Visits { count: 99 })?;
    Ok("written, it thinks")
}

async fn with_spy() -> (Server, Spy) {
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .server_side::<Visits>(spy.clone())
        .build()
        .unwrap();
    (Server::new(sessions, routes).await, spy)
}

async fn by_value() -> Server {
    let sessions = Sessions::builder()
        .client_side::<Visits>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    Server::new(sessions, routes).await
}

#[actix_web::test]
async fn set_and_start_are_kept_with_a_client_error() {
    for server in [with_spy().await.0, by_value().await] {
        for path in ["/put/404", "/begin/422", "/err/put/400", "/err/begin/403"] {
            let mut browser = Browser::new(&server);
            let answer = browser.get(path).await;
            assert!(answer.status.is_client_error(), "{path}");
            assert_eq!(answer.text(), "told");
            assert!(answer.cookie("VISITS").is_some(), "{path}");
            assert_eq!(browser.get("/get").await.text(), "8", "{path}");
        }
    }
}

#[actix_web::test]
async fn set_and_start_are_dropped_with_a_server_error() {
    for server in [with_spy().await.0, by_value().await] {
        for path in ["/put/500", "/begin/503", "/err/put/500", "/err/begin/502"] {
            let mut browser = Browser::new(&server);
            browser.get("/set/1").await;
            let answer = browser.get(path).await;
            assert!(answer.status.is_server_error(), "{path}");
            assert_eq!(answer.text(), "told");
            assert_eq!(answer.cookies(), [], "{path}");
            assert_eq!(browser.get("/get").await.text(), "1", "{path}");
        }
    }
}

#[actix_web::test]
async fn clear_and_rotate_happen_with_a_server_error_too() {
    for server in [with_spy().await.0, by_value().await] {
        for path in ["/end/500", "/err/end/500"] {
            let mut browser = Browser::new(&server);
            browser.get("/set/1").await;
            assert!(
                browser.get(path).await.cookie("VISITS").unwrap().is_removal(),
                "{path}"
            );
            assert_eq!(browser.get("/get").await.text(), "none");
        }
        for path in ["/turn/500", "/err/turn/500"] {
            let mut browser = Browser::new(&server);
            let before = browser.get("/set/1").await.cookie("VISITS").unwrap().value;
            assert_ne!(
                browser.get(path).await.cookie("VISITS").unwrap().value,
                before,
                "{path}"
            );
            assert_eq!(browser.get("/get").await.text(), "1");
        }
    }
}

#[actix_web::test]
async fn a_server_error_does_not_undo_an_update() {
    for server in [with_spy().await.0, by_value().await] {
        for path in ["/raise/500", "/err/raise/500"] {
            let mut browser = Browser::new(&server);
            browser.get("/set/1").await;
            assert_eq!(browser.get(path).await.status, 500);
            assert_eq!(browser.get("/get").await.text(), "2", "{path}");
        }
        for path in ["/count/500", "/err/count/500"] {
            let mut browser = Browser::new(&server);
            assert!(browser.get(path).await.cookie("VISITS").is_some(), "{path}");
            assert_eq!(browser.get("/get").await.text(), "1", "{path}");
        }
    }
}

#[actix_web::test]
async fn an_error_of_a_middleware_inside_counts_by_its_status() {
    async fn told(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>> {
        let code = request
            .path()
            .rsplit('/')
            .next()
            .and_then(|code| code.parse().ok());
        next.call(request).await?;
        Err::<ServiceResponse, _>(error::InternalError::new("told", status(code.unwrap())).into())
    }
    let sessions = Sessions::builder().server_side::<Visits>(MemoryStorage::new());
    let server = Server::new(sessions.build().unwrap(), |config| {
        config.configure(numbers::<Visits>("")).service(
            scope("/told")
                .wrap(from_fn(told))
                .configure(numbers::<Visits>("")),
        );
    })
    .await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/told/set/404").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (404, "told"));
    assert!(answer.cookie("VISITS").is_some());
    assert_eq!(answer.lines("vary"), ["cookie"]);
    assert_eq!(answer.lines("cache-control"), ["no-store"]);
    let answer = browser.get("/told/set/500").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, "told"));
    assert_eq!(answer.cookies(), []);
    assert_eq!(browser.get("/get").await.text(), "404");
}

#[actix_web::test]
async fn a_storage_that_fails_is_a_bare_503_and_sends_no_token() {
    for (operation, path) in [
        ("load", "/get"),
        ("load", "/set/2"),
        ("load", "/start/2"),
        ("create", "/start/2"),
        ("delete", "/start/2"),
        ("replace", "/set/2"),
        ("replace", "/update"),
        ("replace", "/rotate"),
        ("replace", "/err/turn/404"),
        ("delete", "/clear"),
        ("delete", "/take"),
    ] {
        let (server, spy) = with_spy().await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        let token = browser.value("VISITS").unwrap().to_owned();
        spy.fail(operation);
        let answer = browser.get(path).await;
        let what = format!("{operation} {path}");
        assert_eq!((answer.status.as_u16(), answer.text()), (503, ""), "{what}");
        assert_eq!(answer.cookies(), [], "{what}");
        assert_eq!(browser.get("/untouched").await.status, 200, "{what}");
        spy.mend();
        assert_eq!(browser.value("VISITS"), Some(token.as_str()));
        assert_eq!(
            browser.get("/get").await.text(),
            "1",
            "{what}: nothing has happened"
        );
    }
}

#[actix_web::test]
async fn a_create_that_fails_leaves_no_session() {
    let (server, spy) = with_spy().await;
    let mut browser = Browser::new(&server);
    spy.fail("create");
    for path in ["/set/1", "/start/1", "/insert"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (503, ""), "{path}");
        assert_eq!(answer.cookies(), [], "{path}");
    }
    spy.mend();
    assert_eq!(browser.get("/get").await.text(), "none");
}

#[actix_web::test]
async fn a_touch_that_fails_costs_nothing() {
    let clock = sessions_actix::ManualClock::default();
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .server_side::<Visits>(spy.clone())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, routes).await);
    browser.get("/set/1").await;
    clock.advance(5 * crate::support::MINUTE);
    spy.fail("touch");
    spy.calls();
    let answer = browser.get("/get").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "1"));
    assert_eq!(spy.calls(), ["load", "touch"]);
}

#[actix_web::test]
async fn a_slow_write_does_not_bring_back_a_session_that_has_ended() {
    let (server, _) = with_spy().await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let answer = browser.get("/outrun").await;
    assert_eq!((answer.status.as_u16(), answer.cookies()), (200, vec![]));
    assert_eq!(browser.get("/get").await.text(), "none");
}

/// A server whose handlers can ask it something, with the cookies of the request that they answer.
#[derive(Clone, Default)]
struct Own(Rc<OnceCell<Server>>);

impl Own {
    async fn ask(&self, path: &str, request: &actix_web::HttpRequest) -> Answer {
        let cookie = request.headers().get("cookie").unwrap();
        let inner = TestRequest::get().uri(path).insert_header(("cookie", cookie));
        let server = self.0.get().unwrap();
        server.call(inner.to_request()).await
    }
}

/// Another request of the same client comes between this one's opening of the session and its end. The body is the
/// token that the other one was given.
async fn crossed(
    session: CurrentSession<Visits>,
    path: Path<(String, String)>,
    own: Data<Own>,
    request: actix_web::HttpRequest,
) -> Result<String> {
    let (how, other) = path.into_inner();
    let answer = own.ask(&format!("/{}", other.replace('-', "/")), &request).await;
    change(&session, &how).await?;
    Ok(answer
        .cookie("VISITS")
        .map_or(String::new(), |cookie| cookie.value))
}

async fn crossing(on_conflict: OnConflict) -> Server {
    let own = Own::default();
    let sessions = Sessions::builder()
        .server_side_with::<Visits>(MemoryStorage::new(), |o| o.on_conflict(on_conflict))
        .build()
        .unwrap();
    let data = Data::new(own.clone());
    let server = Server::new(sessions, |config| {
        config
            .app_data(data)
            .configure(numbers::<Visits>(""))
            .route("/crossed/{how}/{other}", get().to(crossed));
    })
    .await;
    assert!(own.0.set(server.clone()).is_ok());
    // The other request's, which is how the test gets at it.
    server.except(Exception::ShownToken);
    server
}

#[actix_web::test]
async fn of_requests_that_cross_no_update_is_lost() {
    let mut browser = Browser::new(&crossing(OnConflict::Overwrite).await);
    browser.get("/set/1").await;
    browser.get("/crossed/raise/update").await;
    assert_eq!(browser.get("/get").await.text(), "3");
}

#[actix_web::test]
async fn of_many_requests_at_once_no_update_is_lost() {
    let folder = tempfile::TempDir::new().unwrap();
    let sessions = Sessions::builder()
        .server_side::<Visits>(DirectoryStorage::open(folder.path()).unwrap())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    browser.get("/set/0").await;
    let mut copies = vec![browser.clone(); 20];
    let answers = join_all(copies.iter_mut().map(|copy| copy.get("/update"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(browser.get("/get").await.text(), "20");
}

#[actix_web::test]
async fn of_many_requests_at_once_exactly_one_takes() {
    let folder = tempfile::TempDir::new().unwrap();
    let sessions = Sessions::builder()
        .server_side::<Visits>(DirectoryStorage::open(folder.path()).unwrap())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    browser.get("/set/5").await;
    let mut copies = vec![browser.clone(); 10];
    let answers = join_all(copies.iter_mut().map(|copy| copy.get("/take"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.text() == "5").count(), 1);
}

#[actix_web::test]
async fn of_requests_that_cross_the_last_set_wins() {
    let mut browser = Browser::new(&crossing(OnConflict::Overwrite).await);
    browser.get("/set/1").await;
    assert_eq!(browser.get("/crossed/put/set-5").await.status, 200);
    assert_eq!(browser.get("/get").await.text(), "8");
}

#[actix_web::test]
async fn of_requests_that_cross_the_later_set_is_a_conflict_where_that_is_asked_for() {
    let mut browser = Browser::new(&crossing(OnConflict::Reject).await);
    browser.get("/set/1").await;
    let answer = browser.get("/crossed/put/set-5").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (409, ""));
    assert_eq!(browser.get("/get").await.text(), "5");
}

#[actix_web::test]
async fn a_logout_wins_over_every_request_that_it_crosses() {
    for how in ["put", "raise", "turn"] {
        let mut browser = Browser::new(&crossing(OnConflict::Overwrite).await);
        browser.get("/set/1").await;
        let answer = browser.get(&format!("/crossed/{how}/clear")).await;
        assert_eq!((answer.status.as_u16(), answer.cookies()), (200, vec![]), "{how}");
        assert_eq!(browser.get("/get").await.text(), "none", "{how}");
    }
}

#[actix_web::test]
async fn a_write_from_before_a_rotation_is_dropped() {
    let mut browser = Browser::new(&crossing(OnConflict::Overwrite).await);
    browser.get("/set/1").await;
    let mut rotated = browser.clone();
    // Its own token was rotated away while it ran, so neither its value nor its token count.
    let answer = browser.get("/crossed/put/rotate").await;
    assert_eq!((answer.status.as_u16(), answer.cookies()), (200, vec![]));
    let stale = browser.get("/get").await;
    assert_eq!((stale.text(), stale.cookies()), ("none", vec![]));
    assert_eq!(browser.get("/status").await.text(), "Stale");
    rotated.put("VISITS", answer.text());
    assert_eq!(rotated.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn a_session_too_large_for_its_cookie_is_refused_before_anything_is_sent() {
    use serde::{Deserialize, Serialize};
    use sessions_actix::Session;
    #[derive(Session, Serialize, Deserialize)]
    #[session(name = "NOTES")]
    struct Notes {
        text: String,
    }
    fn notes(config: &mut ServiceConfig) {
        config.route(
            "/{len}",
            get().to(async |session: CurrentSession<Notes>, len: Path<usize>| {
                let before = session.get().map_or(0, |notes| notes.text.len());
                session.set(Notes {
                    text: "x".repeat(*len),
                })?;
                ok(before.to_string())
            }),
        );
    }
    let by_value = Sessions::builder().client_side::<Notes>(Encrypted::new(&keys()));
    let mut browser = Browser::new(&Server::new(by_value.build().unwrap(), notes).await);
    let answer = browser.get("/2800").await;
    let cookie = answer.cookie("NOTES").unwrap();
    assert!("NOTES".len() + cookie.value.len() <= 4096);
    for len in [3100, 100_000] {
        let answer = browser.get(&format!("/{len}")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (500, ""));
        assert_eq!(answer.cookies(), []);
    }
    assert_eq!(browser.get("/1").await.text(), "2800");
    let by_id = Sessions::builder().server_side::<Notes>(MemoryStorage::new());
    let mut browser = Browser::new(&Server::new(by_id.build().unwrap(), notes).await);
    browser.get("/100000").await;
    assert_eq!(browser.get("/1").await.text(), "100000");
}
