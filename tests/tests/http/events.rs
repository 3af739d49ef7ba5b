//! A listener and a throttle around an application.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use actix_web::{
    http::{StatusCode, header::COOKIE},
    test::TestRequest,
};
use sessions_actix::{RequestView, SessionEvent, SessionEventKind, Sessions, events::Rejection};

use crate::support::{Browser, Log, Server, Spy, Visits, numbers};

type Counts = Arc<Mutex<HashMap<IpAddr, u32>>>;

/// Counts unknown tokens for each peer, and refuses who has shown three.
fn guarded(storage: &Spy) -> Sessions {
    let unknown = Counts::default();
    let counted = unknown.clone();
    Sessions::builder()
        .server_side::<Visits>(storage.clone())
        .listener(move |event: &SessionEvent<'_>| {
            if event.kind == SessionEventKind::Rejected(Rejection::Unknown) {
                *counted.lock().unwrap().entry(event.peer.unwrap()).or_default() += 1;
            }
        })
        .throttle(move |request: &dyn RequestView| {
            let peer = request.peer_addr().unwrap();
            unknown.lock().unwrap().get(&peer).is_none_or(|tries| *tries < 3)
        })
        .build()
        .unwrap()
}

/// A token that names no session, another one for each number.
fn made_up(number: u8) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("VISITS={}", URL_SAFE_NO_PAD.encode([number; 48]))
}

fn from(peer: &str) -> TestRequest {
    let peer: IpAddr = peer.parse().unwrap();
    TestRequest::get()
        .uri("/get")
        .peer_addr(SocketAddr::new(peer, 4711))
}

#[actix_web::test]
async fn who_guesses_tokens_is_counted_by_address_and_refused_with_429() {
    let storage = Spy::default();
    let server = Server::new(guarded(&storage), numbers::<Visits>("")).await;
    for number in 0..3 {
        let guess = from("192.0.2.7").insert_header((COOKIE, made_up(number)));
        assert_eq!(server.call(guess.to_request()).await.text(), "none");
    }
    storage.calls();
    let refused = from("192.0.2.7").insert_header((COOKIE, made_up(4)));
    let refused = server.call(refused.to_request()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (refused.text(), refused.cookies().len()),
        ("", 0),
        "nothing is removed"
    );
    assert!(storage.calls().is_empty(), "the storage is not asked");

    let other = from("192.0.2.8").insert_header((COOKIE, made_up(5)));
    assert_eq!(server.call(other.to_request()).await.text(), "none");
    let shows_nothing = server.call(from("192.0.2.7").to_request()).await;
    assert_eq!(shows_nothing.text(), "none");
}

#[actix_web::test]
async fn who_has_a_session_is_never_counted() {
    let storage = Spy::default();
    let server = Server::new(guarded(&storage), numbers::<Visits>("")).await;
    let mut browser = Browser::new(&server);
    let at = |path| from("192.0.2.9").uri(path);
    browser.send(at("/set/1")).await;
    for _ in 0..10 {
        assert_eq!(browser.send(at("/get")).await.text(), "1");
    }
    assert_eq!(browser.send(at("/clear")).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn lifecycle_events_are_logged_with_the_public_id_and_the_peer() {
    let log = Log::begin();
    let sessions = Sessions::builder()
        .server_side::<Visits>(Spy::default())
        .build()
        .unwrap();
    let server = Server::new(sessions, numbers::<Visits>("")).await;
    let mut browser = Browser::new(&server);
    browser.send(from("192.0.2.7").uri("/set/1")).await;
    let id = browser.send(from("192.0.2.7").uri("/id")).await.text().to_owned();
    browser.send(from("192.0.2.7").uri("/clear")).await;
    let lines = log.up_to(tracing::Level::DEBUG);
    for said in ["a session was started", "a session was ended by its client"] {
        let line = lines.iter().find(|line| line.contains(said)).unwrap();
        assert!(line.contains(&id) && line.contains("192.0.2.7"), "{line}");
    }
}
