//! A session that is required and not there.

use actix_web::{
    App, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    test, web,
};
use sessions_actix::{RequiredSession, Sessions, SessionsBuilder, challenge};

use crate::support::{
    Answer, Behaviour, Call, Login, Preferences, Spy, begin, builder, get, get_with, login, send, sessions,
};

type Required = RequiredSession<Login>;

async fn ask(sessions: Sessions, cookie: &str) -> Answer {
    let app = test::init_service(
        App::new()
            .wrap(sessions)
            .route(
                "/private/{page}",
                web::get().to(|session: Required| async move { session.user.clone() }),
            )
            .route(
                "/optional",
                web::get().to(|session: Option<Required>| async move {
                    session.map_or_else(|| "nobody".to_owned(), |session| session.user.clone())
                }),
            )
            .route(
                "/result",
                web::get().to(|session: Result<Required, actix_web::Error>| async move {
                    match session {
                        Ok(session) => HttpResponse::Ok().body(session.user.clone()),
                        Err(error) => {
                            HttpResponse::Ok().body(error.as_response_error().status_code().to_string())
                        }
                    }
                }),
            ),
    )
    .await;
    let (path, cookie) = cookie.split_once(' ').unwrap_or((cookie, ""));
    if cookie.is_empty() {
        send(&app, get(path)).await
    } else {
        send(&app, get_with(path, cookie)).await
    }
}

fn challenged(challenge: impl Fn(SessionsBuilder) -> SessionsBuilder) -> (std::sync::Arc<Spy>, Sessions) {
    let storage = Spy::new();
    let sessions = challenge(builder(&storage)).build().unwrap();
    (storage, sessions)
}

#[actix_web::test]
async fn without_a_session_it_is_a_bare_401() {
    let answer = ask(sessions(&Spy::new()), "/private/1").await;
    assert!(answer.is_bare(StatusCode::UNAUTHORIZED), "{answer:?}");
    // A cache must not serve it to somebody who has one.
    assert_eq!(answer.header(header::VARY), Some("cookie"));
}

#[actix_web::test]
async fn with_a_session_the_handler_reads_it() {
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    let answer = ask(sessions, &format!("/private/1 {token}")).await;
    assert_eq!(answer.text(), "ada");
}

#[actix_web::test]
async fn a_dead_token_is_401_and_taken_away() {
    let answer = ask(sessions(&Spy::new()), "/private/1 LOGIN=junk").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.removes("LOGIN"));
}

#[actix_web::test]
async fn a_challenge_can_redirect() {
    let (_, sessions) = challenged(|builder| builder.challenge::<Login>(challenge::redirect_to("/login")));
    let answer = ask(sessions, "/private/1 LOGIN=junk").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), Some("/login"));
    assert!(answer.removes("LOGIN"));
}

#[actix_web::test]
async fn a_challenge_can_ask_for_credentials() {
    let (_, sessions) = challenged(|builder| builder.challenge::<Login>(challenge::unauthorized("Bearer")));
    let answer = ask(sessions, "/private/1").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer"));
}

#[actix_web::test]
async fn a_challenge_sees_the_request() {
    let (_, sessions) = challenged(|builder| {
        builder.challenge::<Login>(|request| {
            HttpResponseBuilder::new(StatusCode::FORBIDDEN).body(format!(
                "{} {}",
                request.uri(),
                request.match_info().query("page")
            ))
        })
    });
    let answer = ask(sessions, "/private/7?a=b").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.text(), "/private/7?a=b 7");
}

#[actix_web::test]
async fn a_challenge_is_its_own_types_alone() {
    let (_, sessions) =
        challenged(|builder| builder.challenge::<Preferences>(challenge::redirect_to("/preferences")));
    let answer = ask(sessions, "/private/1").await;
    assert!(answer.is_bare(StatusCode::UNAUTHORIZED), "{answer:?}");
}

#[actix_web::test]
async fn a_storage_that_fails_is_no_missing_session() {
    let (storage, sessions) =
        challenged(|builder| builder.challenge::<Login>(challenge::redirect_to("/login")));
    let token = begin(&sessions, login("ada")).await;
    storage.on(Call::Load, Behaviour::Fail);
    let answer = ask(sessions.clone(), &format!("/private/1 {token}")).await;
    assert!(answer.is_bare(StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    assert_eq!(answer.header(header::LOCATION), None);
    let answer = ask(sessions.clone(), &format!("/result {token}")).await;
    assert_eq!(answer.text(), "503 Service Unavailable");
    // As documented: an `Option` cannot tell the two apart.
    let answer = ask(sessions, &format!("/optional {token}")).await;
    assert_eq!(answer.text(), "nobody");
}

#[actix_web::test]
async fn it_may_be_optional() {
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    assert_eq!(ask(sessions.clone(), "/optional").await.text(), "nobody");
    let answer = ask(sessions, &format!("/optional {token}")).await;
    assert_eq!(answer.text(), "ada");
}

#[actix_web::test]
async fn it_may_be_a_result() {
    let sessions = sessions(&Spy::new());
    let token = begin(&sessions, login("ada")).await;
    assert_eq!(ask(sessions.clone(), "/result").await.text(), "401 Unauthorized");
    let answer = ask(sessions, &format!("/result {token}")).await;
    assert_eq!(answer.text(), "ada");
}
