//! Nothing that is secret stands anywhere but in its token. Every answer of every test is looked through, with the log of
//! its thread at every level; here are the tests that provoke errors, and those of the net itself.

use actix_web::{
    HttpRequest, Result,
    web::{Path, ServiceConfig, get},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, RequiredSession, Session, Sessions, SessionsBuilder,
    protection::{Encrypted, Plain, Signed},
    storage::{CachedStorage, DirectoryStorage, MemoryStorage},
};
use tests::{judge::Exception, leaks};

use crate::support::{Browser, Server, Spy, keys};

/// What only its client and its handlers may know.
const DIARY: &str = "dear diary, today I wrote a test";

#[derive(Session, Serialize, Deserialize, Clone, Debug)]
#[session(name = "DIARY")]
struct Diary {
    #[session(principal)]
    writer: String,
    text: String,
}

/// What becomes of [`Diary`] in a later release that has forgotten about it.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "DIARY")]
struct Forgetful {
    pages: u64,
}

fn diary() -> Diary {
    Diary {
        writer: "ada".to_owned(),
        text: DIARY.to_owned(),
    }
}

fn routes(config: &mut ServiceConfig) {
    config.route("/{what}", get().to(act));
}

async fn act(session: CurrentSession<Diary>, what: Path<String>) -> Result<String> {
    match what.as_str() {
        "set" => session.set(diary())?,
        "large" => session.set(Diary {
            text: DIARY.repeat(1000),
            ..diary()
        })?,
        "start" => session.start(diary())?,
        "another" => session
            .update(|diary| diary.writer = "eve".to_owned())
            .await?
            .unwrap_or_default(),
        "update" => session
            .update(|diary| diary.text.push('.'))
            .await?
            .unwrap_or_default(),
        "rotate" => session.rotate_id()?,
        "renew" => session.renew_id()?,
        "clear" => session.clear()?,
        "take" => drop(session.take().await?),
        "panic" => Err(actix_web::error::ErrorInternalServerError("it had to"))?,
        _ => {}
    }
    // Debug of what a handler holds is where many a log line comes from.
    Ok(format!(
        "{session:?} {:?} {:?}",
        session.public_id(),
        session.status()
    ))
}

fn every_way(folder: &std::path::Path) -> Vec<SessionsBuilder> {
    let keys = keys();
    let directory = DirectoryStorage::open(folder).unwrap();
    vec![
        Sessions::builder().server_side::<Diary>(MemoryStorage::new()),
        Sessions::builder().server_side_with::<Diary>(MemoryStorage::new(), |o| o.signed(&keys)),
        Sessions::builder().server_side::<Diary>(CachedStorage::new(MemoryStorage::new())),
        Sessions::builder().server_side::<Diary>(directory),
        Sessions::builder().client_side::<Diary>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Diary>(Signed::new(&keys)),
        Sessions::builder().client_side::<Diary>(Plain),
    ]
}

const ALL: [&str; 11] = [
    "set", "read", "large", "start", "another", "update", "rotate", "renew", "panic", "take", "clear",
];

#[actix_web::test]
async fn nothing_of_a_session_is_told_whatever_is_done_with_it() {
    leaks::remember(DIARY.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    for builder in every_way(folder.path()) {
        let server = Server::new(builder.build().unwrap(), routes).await;
        for first in ALL {
            for second in ALL {
                let mut browser = Browser::new(&server);
                browser.get("/set").await;
                let mut copy = browser.clone();
                browser.get(&format!("/{first}")).await;
                copy.get(&format!("/{second}")).await;
                browser.get("/read").await;
            }
        }
    }
}

#[actix_web::test]
async fn nothing_of_a_session_is_told_when_its_storage_fails() {
    leaks::remember(DIARY.as_bytes());
    for operation in ["create", "load", "replace", "touch", "delete"] {
        let spy = Spy::default();
        let sessions = Sessions::builder()
            .server_side::<Diary>(spy.clone())
            .build()
            .unwrap();
        let server = Server::new(sessions, routes).await;
        for what in ALL {
            let mut browser = Browser::new(&server);
            browser.get("/set").await;
            spy.fail(operation);
            browser.get(&format!("/{what}")).await;
            spy.mend();
            browser.get("/read").await;
        }
    }
}

#[actix_web::test]
async fn nothing_of_a_token_is_told_when_it_cannot_be_read() {
    leaks::remember(DIARY.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    for builder in every_way(folder.path()) {
        let server = Server::new(builder.build().unwrap(), routes).await;
        let mut browser = Browser::new(&server);
        browser.get("/set").await;
        let token = browser.value("DIARY").unwrap().to_owned();
        for (at, _) in token.char_indices().step_by(7) {
            for broken in [
                token[..at].to_owned(),
                format!("{}*{}", &token[..at], &token[at..]),
                format!("{}{}", &token[..at], &token[at + 1..]),
            ] {
                browser.put("DIARY", &broken);
                browser.get("/read").await;
            }
        }
    }
}

async fn forgotten(session: CurrentSession<Forgetful>) -> String {
    format!("{:?}", session.get().map(|it| it.pages))
}

#[actix_web::test]
async fn nothing_of_a_session_is_told_when_a_later_release_cannot_decode_it() {
    leaks::remember(DIARY.as_bytes());
    let (keys, storage) = (keys(), MemoryStorage::new());
    let builder = Sessions::builder;
    for (before, after) in [
        (
            builder().server_side::<Diary>(storage.clone()),
            builder().server_side::<Forgetful>(storage.clone()),
        ),
        (
            builder().client_side::<Diary>(Encrypted::new(&keys)),
            builder().client_side::<Forgetful>(Encrypted::new(&keys)),
        ),
        (
            builder().client_side::<Diary>(Plain),
            builder().client_side::<Forgetful>(Plain),
        ),
    ] {
        let before = Server::new(before.build().unwrap(), routes).await;
        let after = Server::new(after.build().unwrap(), |config| {
            config.route("/read", get().to(forgotten));
        })
        .await;
        let mut browser = Browser::new(&before);
        browser.get("/set").await;
        assert_eq!(browser.on(&after).get("/read").await.text(), "None");
    }
}

/// One that shows what it should not, in this place.
async fn careless(place: &'static str) {
    let sessions = Sessions::builder().server_side::<Diary>(MemoryStorage::new());
    let server = Server::new(sessions.build().unwrap(), |config| {
        config.configure(routes).route(
            "/show/{place}",
            get().to(
                async |request: HttpRequest, place: Path<String>, _: RequiredSession<Diary>| {
                    let cookies = request.headers().get("cookie").unwrap().to_str().unwrap();
                    match place.as_str() {
                        "body" => Ok(actix_web::HttpResponse::Ok().body(cookies.to_owned())),
                        "header" => Ok(actix_web::HttpResponse::Ok()
                            .insert_header(("x-debug", cookies))
                            .finish()),
                        "log" => {
                            tracing::trace!(target: "sessions_test", cookies);
                            Ok(actix_web::HttpResponse::Ok().finish())
                        }
                        _ => Err(actix_web::error::ErrorBadRequest(cookies.to_owned())),
                    }
                },
            ),
        );
    })
    .await;
    if place == "on purpose" {
        server.except(Exception::ShownToken);
    }
    let mut browser = Browser::new(&server);
    browser.get("/set").await;
    let place = if place == "on purpose" { "body" } else { place };
    browser.get(&format!("/show/{place}")).await;
}

#[actix_web::test]
#[should_panic(expected = "of a secret is in a body")]
async fn a_token_in_a_body_is_caught() {
    careless("body").await;
}

#[actix_web::test]
#[should_panic(expected = "of a secret is in x-debug")]
async fn a_token_in_a_header_is_caught() {
    careless("header").await;
}

#[actix_web::test]
#[should_panic(expected = "of a secret is in the log")]
async fn a_token_in_the_log_is_caught() {
    careless("log").await;
}

#[actix_web::test]
#[should_panic(expected = "of a secret is in a")]
async fn a_token_in_an_error_is_caught() {
    careless("error").await;
}

#[actix_web::test]
async fn a_token_that_is_shown_on_purpose_is_let_through() {
    careless("on purpose").await;
}
