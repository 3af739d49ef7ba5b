//! Over sockets: clients that leave, handlers that panic, connections that are used again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App, Error, HttpRequest, HttpResponse, HttpServer,
    body::MessageBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, ErrorInternalServerError},
    middleware::{Next, from_fn},
    rt, web,
    web::Bytes,
};
use futures_util::stream;
use sessions_actix::{CurrentSession, RequiredSession, Sessions, SessionsExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    time::timeout,
};

use crate::support::{Behaviour, Call, Login, Spy, begin, login, sessions, user};

/// What handlers tell the tests, and wait for.
#[derive(Clone, Default)]
struct Signals {
    arrived: Arc<Notify>,
    dropped: Arc<Notify>,
    proceed: Arc<Notify>,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    signals: Signals,
}

type Current = CurrentSession<Login>;

async fn wait(session: Current, signals: web::Data<Signals>) -> actix_web::Result<&'static str> {
    let _left = OnDrop(Arc::clone(&signals.dropped));
    session.set(login("waited"))?;
    signals.arrived.notify_one();
    signals.proceed.notified().await;
    Ok("waited")
}

async fn panics(session: Current) -> &'static str {
    session.set(login("panicked")).unwrap();
    panic!("as the test wants it");
}

async fn streamed(session: Current, request: HttpRequest) -> actix_web::Result<HttpResponse> {
    session.set(login("streamed"))?;
    let parts = stream::unfold((session, request, 0), |(session, request, part)| async move {
        if part == 3 {
            return None;
        }
        rt::task::yield_now().await;
        let again = request.session::<Login>().await.is_err();
        let refused = session.set(login("late")).is_err() && again;
        let text = format!(
            "{} {refused} {};",
            user(&session),
            session.still_live().await.unwrap()
        );
        Some((Ok::<_, Error>(Bytes::from(text)), (session, request, part + 1)))
    });
    Ok(HttpResponse::Ok().streaming(parts))
}

async fn refuse(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match request.path() {
        "/forbidden" => {
            request.session::<Login>().await?.start(login("forbidden"))?;
            Err(ErrorForbidden("no"))
        }
        "/broken" => {
            request.session::<Login>().await?.start(login("broken"))?;
            Err(ErrorInternalServerError("no"))
        }
        _ => next.call(request).await,
    }
}

/// One worker, so that all requests meet in one thread.
fn serve(sessions: &Sessions) -> Server {
    let signals = Signals::default();
    let (sessions, data) = (sessions.clone(), web::Data::new(signals.clone()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .wrap(from_fn(refuse))
            .wrap(sessions.clone())
            .route(
                "/read",
                web::get().to(|session: Current| async move { user(&session) }),
            )
            .route(
                "/set",
                web::get().to(|session: Current| async move { session.set(login("set")).map(|()| "set") }),
            )
            .route("/wait", web::get().to(wait))
            .route("/panic", web::get().to(panics))
            .route("/stream", web::get().to(streamed))
            .route("/untouched", web::get().to(|| async { "untouched" }))
            .route(
                "/count",
                web::get().to(|mut session: RequiredSession<Login>| async move {
                    let visits = session.update(|login| {
                        login.visits += 1;
                        login.visits
                    });
                    Ok::<_, sessions_actix::SessionError>(visits.await?.to_string())
                }),
            )
    })
    .workers(1)
    .disable_signals()
    .h1_allow_half_closed(false)
    .bind(("127.0.0.1", 0))
    .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);
    Server {
        address,
        handle,
        signals,
    }
}

impl Server {
    async fn connect(&self) -> Connection {
        Connection(TcpStream::connect(self.address).await.unwrap())
    }

    /// One request on a connection of its own.
    async fn ask(&self, path: &str, cookie: &str) -> String {
        let mut connection = self.connect().await;
        connection.send(path, cookie).await;
        connection.answer().await
    }

    async fn stop(self) {
        self.handle.stop(false).await;
    }
}

struct Connection(TcpStream);

const PATIENCE: Duration = Duration::from_secs(10);

impl Connection {
    async fn send(&mut self, path: &str, cookie: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Head and body of the next answer; nothing if the server closes the connection.
    async fn answer(&mut self) -> String {
        timeout(PATIENCE, async {
            let mut text = Vec::new();
            // One by one, so that nothing of the next answer is taken.
            while !is_complete(&text) {
                match self.0.read_u8().await {
                    Ok(octet) => text.push(octet),
                    Err(_) => break,
                }
            }
            String::from_utf8(text).unwrap()
        })
        .await
        .unwrap()
    }
}

fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map(|length| length.parse::<usize>().unwrap());
    length.map_or_else(|| body.ends_with("0\r\n\r\n"), |length| body.len() >= length)
}

fn token(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    line.unwrap().split(';').next().unwrap().to_owned()
}

fn has_token(answer: &str) -> bool {
    answer.contains("\nset-cookie: LOGIN=")
}

#[actix_web::test]
async fn a_client_that_leaves_while_its_handler_waits_changes_nothing() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let server = serve(&sessions);
    storage.calls();
    for _ in 0..5 {
        let mut connection = server.connect().await;
        connection.send("/wait", &token).await;
        server.signals.arrived.notified().await;
        drop(connection);
        timeout(PATIENCE, server.signals.dropped.notified())
            .await
            .unwrap();
        assert_eq!(storage.calls(), [Call::Load]);
        assert!(server.ask("/read", &token).await.ends_with("\r\n\r\nada"));
        assert!(server.ask("/read", "").await.ends_with("\r\n\r\n-"));
        storage.calls();
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_client_that_leaves_while_the_storage_hangs_locks_nothing() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let server = serve(&sessions);
    storage.calls();
    for (path, call) in [
        ("/read", Call::Load),
        ("/set", Call::Replace),
        ("/count", Call::Replace),
    ] {
        storage.on(call, Behaviour::Hang);
        let mut connection = server.connect().await;
        connection.send(path, &token).await;
        while !storage.calls().contains(&call) {
            tokio::task::yield_now().await;
        }
        drop(connection);
        assert!(server.ask("/untouched", &token).await.ends_with("untouched"));
        storage.recover();
        assert!(
            server.ask("/read", &token).await.ends_with("\r\n\r\nada"),
            "{path}"
        );
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_handler_that_panics_changes_nothing_and_locks_nothing() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let server = serve(&sessions);
    for _ in 0..5 {
        storage.calls();
        assert_eq!(server.ask("/panic", &token).await, "");
        assert_eq!(storage.calls(), [Call::Load]);
        assert!(server.ask("/read", &token).await.ends_with("\r\n\r\nada"));
        let answer = server.ask("/set", "").await;
        assert!(has_token(&answer));
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_storage_that_panics_closes_the_connection_of_its_request_alone() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let server = serve(&sessions);
    for (call, path, cookie) in [
        (Call::Load, "/read", &*token),
        (Call::Create, "/set", ""),
        (Call::Replace, "/set", &token),
        (Call::Replace, "/count", &token),
    ] {
        let mut before = server.connect().await;
        before.send("/read", &token).await;
        assert!(before.answer().await.ends_with("\r\n\r\nada"));
        storage.on(call, Behaviour::Panic);
        assert_eq!(server.ask(path, cookie).await, "", "{call:?} {path}");
        let untouched = server.ask("/untouched", &token).await;
        assert!(untouched.ends_with("\r\n\r\nuntouched"));
        storage.recover();
        // On a connection that was there before, in the same thread.
        before.send("/read", &token).await;
        assert!(before.answer().await.ends_with("\r\n\r\nada"), "{call:?} {path}");
    }
    assert!(server.ask("/count", &token).await.ends_with("\r\n\r\n1"));
    server.stop().await;
}

#[actix_web::test]
async fn requests_on_one_connection_have_sessions_of_their_own() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let (ada, eve) = (
        begin(&sessions, login("ada")).await,
        begin(&sessions, login("eve")).await,
    );
    let server = serve(&sessions);
    let mut connection = server.connect().await;
    for _ in 0..20 {
        for (path, cookie, body) in [
            ("/read", ada.as_str(), "ada"),
            ("/read", "", "-"),
            ("/untouched", ada.as_str(), "untouched"),
            ("/read", eve.as_str(), "eve"),
            ("/set", "", "set"),
            ("/read", "a=1", "-"),
        ] {
            connection.send(path, cookie).await;
            let answer = connection.answer().await;
            assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{path}: {answer}");
            assert_eq!(has_token(&answer), path == "/set");
        }
    }
    server.stop().await;
}

#[actix_web::test]
async fn pipelined_requests_have_sessions_of_their_own() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let (ada, eve) = (
        begin(&sessions, login("ada")).await,
        begin(&sessions, login("eve")).await,
    );
    let server = serve(&sessions);
    let mut connection = server.connect().await;
    let sequence = [
        ("/read", ada.as_str(), "ada"),
        ("/count", ada.as_str(), "1"),
        ("/untouched", eve.as_str(), "untouched"),
        ("/read", eve.as_str(), "eve"),
        ("/count", ada.as_str(), "2"),
        ("/read", "", "-"),
    ];
    let mut all = String::new();
    for (path, cookie, _) in sequence {
        all += &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
    }
    connection.0.write_all(all.as_bytes()).await.unwrap();
    for (_, _, body) in sequence {
        let answer = connection.answer().await;
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn requests_that_wait_and_requests_that_pass_them_keep_apart() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let (ada, eve) = (
        begin(&sessions, login("ada")).await,
        begin(&sessions, login("eve")).await,
    );
    let server = serve(&sessions);
    let mut slow = server.connect().await;
    slow.send("/wait", &ada).await;
    server.signals.arrived.notified().await;
    for _ in 0..10 {
        assert!(server.ask("/read", &eve).await.ends_with("\r\n\r\neve"));
        // Not written yet.
        assert!(server.ask("/read", &ada).await.ends_with("\r\n\r\nada"));
    }
    server.signals.proceed.notify_one();
    assert!(slow.answer().await.ends_with("waited"));
    assert!(server.ask("/read", &ada).await.ends_with("\r\n\r\nwaited"));
    server.stop().await;
}

#[actix_web::test]
async fn a_stream_that_outlives_its_handler_reads_on() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let ada = begin(&sessions, login("ada")).await;
    let server = serve(&sessions);
    let mut connection = server.connect().await;
    for _ in 0..3 {
        connection.send("/stream", &ada).await;
        let answer = connection.answer().await;
        assert_eq!(answer.matches("streamed true true;").count(), 3, "{answer}");
        assert!(!has_token(&answer));
        // On the same connection, and so perhaps at the same address.
        connection.send("/read", "").await;
        assert!(connection.answer().await.ends_with("\r\n\r\n-"));
    }
    assert!(server.ask("/read", &ada).await.ends_with("\r\n\r\nstreamed"));
    server.stop().await;
}

#[actix_web::test]
async fn an_error_without_a_request_carries_its_cookies_to_the_client() {
    let storage = Spy::new();
    let server = serve(&sessions(&storage));
    let answer = server.ask("/forbidden", "").await;
    assert!(
        answer.starts_with("HTTP/1.1 403") && answer.ends_with("\r\n\r\nno"),
        "{answer}"
    );
    let cookie = token(&answer);
    assert!(server.ask("/read", &cookie).await.ends_with("\r\n\r\nforbidden"));
    let answer = server.ask("/broken", "").await;
    assert!(
        answer.starts_with("HTTP/1.1 500") && !has_token(&answer),
        "{answer}"
    );
    storage.on(Call::Create, Behaviour::Fail);
    let answer = server.ask("/forbidden", "").await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && !has_token(&answer),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n"));
    server.stop().await;
}
