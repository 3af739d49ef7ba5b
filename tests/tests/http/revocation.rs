//! Sessions that end by the hand of another one.

use std::sync::{Arc, Mutex};

use actix_web::{
    Result, error,
    web::{Data, Path, ServiceConfig, get},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, PublicId, Session, SessionAdmin, SessionErrorKind, Sessions, protection::Encrypted,
    storage::MemoryStorage,
};

use crate::support::{Basket, Browser, Server, Spy, Visits, keys, numbers};

async fn revoke(admin: SessionAdmin<Visits>, id: Path<String>) -> Result<String> {
    let id = id.parse().map_err(error::ErrorBadRequest)?;
    Ok(admin.revoke(&id).await?.to_string())
}

fn routes(config: &mut ServiceConfig) {
    config
        .configure(numbers::<Visits>(""))
        .route("/revoke/{id}", get().to(revoke));
}

#[actix_web::test]
async fn another_session_can_be_cleared_by_its_id() {
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .server_side::<Visits>(spy.clone())
        .build()
        .unwrap();
    let server = Server::new(sessions, routes).await;
    let (mut admin, mut one, mut other) = (
        Browser::new(&server),
        Browser::new(&server),
        Browser::new(&server),
    );
    admin.get("/set/0").await;
    one.get("/set/1").await;
    other.get("/set/2").await;
    let id = one.get("/id").await.text().to_owned();
    spy.calls();
    let answer = admin.get(&format!("/revoke/{id}")).await;
    assert_eq!(answer.text(), "true");
    assert_eq!(answer.cookies(), [], "the admin's own is not touched");
    assert_eq!(
        spy.calls(),
        ["load", "delete"],
        "the index is asked for by what is loaded"
    );
    let ended = one.get("/get").await;
    assert_eq!(ended.text(), "none");
    assert!(ended.cookie("VISITS").unwrap().is_removal());
    assert_eq!(admin.get("/get").await.text(), "0");
    assert_eq!(other.get("/get").await.text(), "2");
    assert_eq!(
        admin.get(&format!("/revoke/{id}")).await.text(),
        "false",
        "only once"
    );
}

#[actix_web::test]
async fn the_id_of_a_session_stays_when_its_token_is_rotated() {
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, routes).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let id = browser.get("/id").await.text().to_owned();
    browser.get("/rotate").await;
    assert_eq!(browser.get("/id").await.text(), id);
    assert_eq!(server.get(&format!("/revoke/{id}")).await.text(), "true");
    assert_eq!(browser.get("/get").await.text(), "none");
}

#[actix_web::test]
async fn an_id_that_nobody_has_ends_nothing() {
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, routes).await;
    assert_eq!(server.get("/revoke/AAAAAAAAAAAAAAAAAAAAAA").await.text(), "false");
    assert_eq!(server.get("/revoke/short").await.status, 400);
}

#[actix_web::test]
async fn an_id_of_one_type_ends_no_session_of_another() {
    let storage = MemoryStorage::new();
    let sessions = Sessions::builder()
        .server_side::<Visits>(storage.clone())
        .server_side::<Basket>(storage)
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.configure(routes).configure(numbers::<Basket>("/basket"));
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/basket/set/1").await;
    let id = browser.get("/basket/id").await.text().to_owned();
    assert_eq!(browser.get(&format!("/revoke/{id}")).await.text(), "false");
    assert_eq!(browser.get("/basket/get").await.text(), "1");
}

#[actix_web::test]
async fn sessions_can_be_ended_from_outside_a_request() {
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .client_side::<Basket>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    let server = Server::new(sessions.clone(), routes).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let id: PublicId = browser.get("/id").await.text().parse().unwrap();
    assert!(sessions.admin::<Visits>().unwrap().revoke(&id).await.unwrap());
    assert_eq!(browser.get("/get").await.text(), "none");
    let by_value = sessions.admin::<Basket>().unwrap().revoke(&id).await.unwrap_err();
    assert!(matches!(by_value.kind(), SessionErrorKind::NotServerSide));
    let unknown = sessions.admin::<Login>().unwrap_err();
    assert!(matches!(unknown.kind(), SessionErrorKind::NotConfigured { .. }));
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "LOGIN")]
struct Login {
    #[session(principal)]
    user: String,
}

/// What the application has noted: whose session has which id.
type Noted = Mutex<Vec<(String, PublicId)>>;

/// Ends the user's other sessions, and notes the new one.
async fn log_in(
    session: CurrentSession<Login>,
    admin: SessionAdmin<Login>,
    user: Path<String>,
    noted: Data<Arc<Noted>>,
) -> Result<String> {
    let user = user.into_inner();
    let others: Vec<_> = {
        let mut noted = noted.lock().unwrap();
        noted.extract_if(.., |(other, _)| *other == user).collect()
    };
    for (_, id) in &others {
        admin.revoke(id).await?;
    }
    session.start(Login { user: user.clone() })?;
    let id = session.public_id().unwrap();
    noted.lock().unwrap().push((user, id));
    Ok(others.len().to_string())
}

async fn who(session: CurrentSession<Login>) -> String {
    session
        .get()
        .map_or("nobody".to_owned(), |login| login.user.clone())
}

#[actix_web::test]
async fn an_exclusive_login_ends_the_users_other_sessions_by_their_ids() {
    let sessions = Sessions::builder()
        .server_side::<Login>(MemoryStorage::new())
        .build()
        .unwrap();
    let noted = Data::new(Arc::<Noted>::default());
    let server = Server::new(sessions, |config| {
        config
            .app_data(noted)
            .route("/login/{user}", get().to(log_in))
            .route("/who", get().to(who));
    })
    .await;
    let (mut desk, mut phone, mut other) = (
        Browser::new(&server),
        Browser::new(&server),
        Browser::new(&server),
    );
    other.get("/login/bob").await;
    assert_eq!(desk.get("/login/ann").await.text(), "0");
    assert_eq!(desk.get("/who").await.text(), "ann");
    assert_eq!(phone.get("/login/ann").await.text(), "1");
    assert_eq!(phone.get("/who").await.text(), "ann");
    assert_eq!(desk.get("/who").await.text(), "nobody");
    assert_eq!(other.get("/who").await.text(), "bob");
    // Back at the desk.
    assert_eq!(desk.get("/login/ann").await.text(), "1");
    assert_eq!(phone.get("/who").await.text(), "nobody");
    assert_eq!(desk.get("/who").await.text(), "ann");
}
