//! The sessions of one principal, as an account page lists and ends them.

use std::time::Duration;

use actix_web::{
    Result,
    test::TestRequest,
    web::{Data, Form, Json, Path, ServiceConfig, get, post},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, PublicId, RequiredSession, Session, SessionAdmin, SessionErrorKind,
    Sessions, options::OverLimit, protection::Encrypted, storage::MemoryStorage,
};

use crate::support::{Browser, Server, keys};

#[derive(Session, Serialize, Deserialize)]
#[session(name = "ACCOUNT")]
struct Account {
    #[session(principal)]
    user: String,
}

async fn log_in(user: Path<String>, account: CurrentSession<Account>) -> Result<&'static str> {
    account.label("a browser")?;
    account.start(Account {
        user: user.into_inner(),
    })?;
    Ok("in")
}

async fn devices(account: RequiredSession<Account>, admin: SessionAdmin<Account>) -> Result<String> {
    let sessions = admin.list(&account.user).await?;
    let labels: Vec<_> = sessions
        .iter()
        .map(|session| session.label.as_deref().unwrap_or("?"))
        .collect();
    Ok(labels.join(", "))
}

async fn others(account: RequiredSession<Account>, admin: SessionAdmin<Account>) -> Result<String> {
    let keep = account.current().public_id().unwrap();
    Ok(admin.revoke_others(&account.user, &keep).await?.to_string())
}

/// Ends every session, then goes on with a new one. Time passes meanwhile, as it does.
async fn new_password(
    account: CurrentSession<Account>,
    admin: SessionAdmin<Account>,
    clock: Data<ManualClock>,
) -> Result<String> {
    let user = account.get().unwrap().user.clone();
    clock.advance(Duration::from_secs(1));
    let ended = admin.revoke_all(&user).await?;
    account.start(Account { user })?;
    Ok(ended.to_string())
}

/// A login that is slower than somebody else's new password.
async fn slow_log_in(
    account: CurrentSession<Account>,
    sessions: Data<Sessions>,
    clock: Data<ManualClock>,
) -> Result<&'static str> {
    clock.advance(Duration::from_secs(1));
    sessions.admin::<Account>()?.revoke_all("ada").await?;
    account.start(Account {
        user: "ada".to_owned(),
    })?;
    Ok("in")
}

async fn server() -> (Server, Sessions) {
    let clock = ManualClock::default();
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .server_side::<Account>(MemoryStorage::new())
        .build()
        .unwrap();
    let (clock, shared) = (Data::new(clock), Data::new(sessions.clone()));
    let routes = move |config: &mut ServiceConfig| {
        config
            .app_data(clock.clone())
            .app_data(shared.clone())
            .route("/in/{user}", get().to(log_in))
            .route("/devices", get().to(devices))
            .route("/others", get().to(others))
            .route("/password", get().to(new_password))
            .route("/slow", get().to(slow_log_in));
    };
    (Server::new(sessions.clone(), routes).await, sessions)
}

#[actix_web::test]
async fn an_account_page_lists_its_principals_sessions_and_ends_the_others() {
    let (server, sessions) = server().await;
    let [mut here, mut there, mut bob] = [
        Browser::new(&server),
        Browser::new(&server),
        Browser::new(&server),
    ];
    for browser in [&mut here, &mut there] {
        browser.get("/in/ada").await;
    }
    bob.get("/in/bob").await;
    assert_eq!(here.get("/devices").await.text(), "a browser, a browser");
    assert_eq!(here.get("/others").await.text(), "1");
    assert_eq!(here.get("/devices").await.text(), "a browser");
    assert_eq!(there.get("/devices").await.status, 401);
    assert_eq!(bob.get("/devices").await.text(), "a browser");
    let admin = sessions.admin::<Account>().unwrap();
    assert_eq!(admin.count().await.unwrap(), 2);
    assert_eq!(admin.revoke_everyone().await.unwrap(), 2);
    assert_eq!(here.get("/devices").await.status, 401);
}

#[actix_web::test]
async fn a_request_that_ends_all_sessions_may_start_a_new_one() {
    let (server, _) = server().await;
    let [mut here, mut there] = [Browser::new(&server), Browser::new(&server)];
    for browser in [&mut here, &mut there] {
        browser.get("/in/ada").await;
    }
    let answer = here.get("/password").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "2"));
    assert_eq!(here.get("/devices").await.text(), "?");
    assert_eq!(there.get("/devices").await.status, 401);
}

#[actix_web::test]
async fn a_login_that_began_before_all_sessions_were_ended_is_a_503_and_no_session() {
    let (server, sessions) = server().await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/slow").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, ""));
    assert_eq!(answer.cookies(), []);
    assert_eq!(sessions.admin::<Account>().unwrap().count().await.unwrap(), 0);
}

#[actix_web::test]
async fn a_login_beyond_the_limit_is_a_409() {
    let sessions = Sessions::builder()
        .server_side_with::<Account>(MemoryStorage::new(), |options| {
            options.max_per_principal(1, OverLimit::Reject)
        })
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.route("/in/{user}", get().to(log_in));
    })
    .await;
    assert_eq!(Browser::new(&server).get("/in/ada").await.status, 200);
    let refused = Browser::new(&server).get("/in/ada").await;
    assert_eq!((refused.status.as_u16(), refused.text()), (409, ""));
    assert_eq!(refused.cookies(), []);
    assert_eq!(Browser::new(&server).get("/in/bob").await.status, 200);
}

#[actix_web::test]
async fn sessions_that_the_client_keeps_cannot_be_listed() {
    let sessions = Sessions::builder()
        .client_side::<Account>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    let admin = sessions.admin::<Account>().unwrap();
    let refused = admin.list("ada").await.unwrap_err();
    assert!(matches!(refused.kind(), SessionErrorKind::NotServerSide));
}

#[actix_web::test]
async fn a_public_id_is_text_in_paths_forms_and_json() {
    #[derive(Deserialize)]
    struct Chosen {
        id: PublicId,
    }

    async fn of_path(id: Path<PublicId>) -> String {
        id.to_string()
    }

    async fn of_form(form: Form<Chosen>) -> Json<PublicId> {
        Json(form.into_inner().id)
    }

    let server = Server::without_sessions(|config| {
        config
            .route("/path/{id}", get().to(of_path))
            .route("/form", post().to(of_form));
    })
    .await;
    let id = PublicId::from_bytes(&[255; 20]).unwrap().to_string();
    assert_eq!(server.get(&format!("/path/{id}")).await.text(), id);
    assert_eq!(server.get("/path/short").await.status, 404);
    for (text, status) in [(&*id, 200), ("short", 400), ("", 400)] {
        let request = TestRequest::post().uri("/form").set_form([("id", text)]);
        let answer = server.call(request.to_request()).await;
        assert_eq!(answer.status, status);
        if status == 200 {
            assert_eq!(answer.text(), format!("\"{id}\""));
        }
    }
}
