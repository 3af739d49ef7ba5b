//! Sessions that the browser keeps and the server can end.

use std::time::Duration;

use actix_web::{
    Result,
    guard::fn_guard,
    rt::{spawn, time::sleep},
    web::{Data, Path, ServiceConfig, get},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, FreshSession, ManualClock, RequiredSession, Session, SessionAdmin, SessionErrorKind,
    SessionPeek as _, Sessions,
    protection::{Encrypted, KeyRing},
    storage::MemoryStorage,
};

use crate::support::{Browser, MINUTE, Server, Spy, Trouble, Visits, keys, numbers};

const HOUR: Duration = Duration::from_secs(3600);

/// A session that says what its user may do.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "ACCOUNT")]
struct Account {
    #[session(principal)]
    user: String,
    role: String,
}

async fn log_in(path: Path<(String, String)>, account: CurrentSession<Account>) -> Result<&'static str> {
    let (user, role) = path.into_inner();
    account.start(Account { user, role })?;
    Ok("in")
}

async fn role(account: RequiredSession<Account>) -> String {
    account.role.clone()
}

async fn fresh(account: FreshSession<Account, 300>) -> String {
    account.role.clone()
}

async fn others(account: RequiredSession<Account>, admin: SessionAdmin<Account>) -> Result<String> {
    let keep = account.current().public_id().unwrap();
    Ok(admin.revoke_others(&account.user, &keep).await?.to_string())
}

/// Ends every session of the user, or of everyone, then goes on with a new one. Time passes meanwhile, as it does.
async fn anew(
    whose: Path<String>,
    account: CurrentSession<Account>,
    admin: SessionAdmin<Account>,
    clock: Data<ManualClock>,
) -> Result<&'static str> {
    let user = account.get().unwrap().user.clone();
    clock.advance(Duration::from_secs(1));
    match whose.as_str() {
        "mine" => admin.revoke_all(&user).await?,
        _ => admin.revoke_everyone().await?,
    };
    account.start(Account {
        user,
        role: "new".to_owned(),
    })?;
    Ok("anew")
}

/// A login during which somebody else ends the user's sessions.
async fn slow(
    account: CurrentSession<Account>,
    sessions: Data<Sessions>,
    clock: Data<ManualClock>,
) -> Result<&'static str> {
    clock.advance(Duration::from_secs(1));
    sessions.admin::<Account>()?.revoke_all("ada").await?;
    account.start(Account {
        user: "ada".to_owned(),
        role: "slow".to_owned(),
    })?;
    Ok("in")
}

/// Nodes with one key, one storage and one clock.
struct Deployment {
    keys: KeyRing,
    storage: Spy,
    clock: ManualClock,
}

impl Deployment {
    fn new() -> Self {
        Self {
            keys: keys(),
            storage: Spy::default(),
            clock: ManualClock::default(),
        }
    }

    async fn node(&self) -> (Server, Sessions) {
        let sessions = Sessions::builder()
            .clock(self.clock.clone())
            .storage_timeout(Duration::from_millis(100))
            .client_side_with::<Visits>(Encrypted::new(&self.keys), |options| {
                options.revocable(self.storage.clone())
            })
            .client_side_with::<Account>(Encrypted::new(&self.keys), |options| {
                options.revocable(self.storage.clone())
            })
            .build()
            .unwrap();
        let (clock, shared) = (Data::new(self.clock.clone()), Data::new(sessions.clone()));
        let routes = move |config: &mut ServiceConfig| {
            config
                .app_data(clock.clone())
                .app_data(shared.clone())
                .configure(numbers::<Visits>(""))
                .route("/in/{user}/{role}", get().to(log_in))
                .route("/role", get().to(role))
                .route("/fresh", get().to(fresh))
                .route("/others", get().to(others))
                .route("/anew/{whose}", get().to(anew))
                .route("/slow", get().to(slow));
        };
        (Server::new(sessions.clone(), routes).await, sessions)
    }
}

#[actix_web::test]
async fn a_captured_cookie_is_worth_nothing_after_the_logout_at_any_node() {
    let deployment = Deployment::new();
    let ((here, _), (there, _)) = (deployment.node().await, deployment.node().await);
    let mut browser = Browser::new(&here);
    browser.get("/start/1").await;
    let captured = browser.clone();
    browser.get("/clear").await;
    assert_eq!(browser.value("VISITS"), None);
    for server in [&here, &there] {
        let mut thief = captured.clone().on(server);
        let answer = thief.get("/get").await;
        assert_eq!(answer.text(), "none");
        assert!(answer.cookie("VISITS").unwrap().is_removal());
    }
}

#[actix_web::test]
async fn a_captured_cookie_is_worth_nothing_after_a_login_a_rotation_and_a_take() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    for path in ["/start/2", "/rotate", "/take"] {
        let mut browser = Browser::new(&server);
        browser.get("/start/1").await;
        let mut thief = browser.clone();
        browser.get(path).await;
        assert_eq!(thief.get("/get").await.text(), "none", "{path}");
    }
}

#[actix_web::test]
async fn a_request_that_was_under_way_at_a_rotation_does_not_remove_the_new_cookie() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    let mut browser = Browser::new(&server);
    browser.get("/start/1").await;
    let mut late = browser.clone();
    browser.get("/rotate").await;
    let answer = late.get("/get").await;
    assert_eq!((answer.text(), answer.cookies()), ("none", vec![]));
    assert_eq!(browser.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn roles_that_have_changed_hold_from_the_next_request_on() {
    let deployment = Deployment::new();
    let ((here, _), (there, sessions)) = (deployment.node().await, deployment.node().await);
    let mut browser = Browser::new(&here);
    let mut other = Browser::new(&here);
    browser.get("/in/ada/admin").await;
    other.get("/in/bob/admin").await;
    assert_eq!(browser.get("/role").await.text(), "admin");
    sessions
        .admin::<Account>()
        .unwrap()
        .revoke_all("ada")
        .await
        .unwrap();
    for server in [&here, &there] {
        assert_eq!(browser.clone().on(server).get("/role").await.status, 401);
    }
    browser.get("/in/ada/reader").await;
    assert_eq!(browser.get("/role").await.text(), "reader");
    assert_eq!(other.get("/role").await.text(), "admin");
}

#[actix_web::test]
async fn an_account_page_ends_all_sessions_but_its_own() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    let (mut here, mut there) = (Browser::new(&server), Browser::new(&server));
    here.get("/in/ada/here").await;
    there.get("/in/ada/there").await;
    assert_eq!(here.get("/others").await.text(), "0", "nobody can count them");
    assert_eq!(here.get("/role").await.text(), "here");
    assert_eq!(there.get("/role").await.status, 401);
    deployment.clock.advance(10 * MINUTE);
    assert!(
        here.get("/role").await.cookie("ACCOUNT").is_some(),
        "it is sealed anew"
    );
    assert_eq!(here.get("/role").await.text(), "here");
}

#[actix_web::test]
async fn a_request_that_ends_all_sessions_may_start_a_new_one() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    for whose in ["/anew/mine", "/anew/everyones"] {
        let mut browser = Browser::new(&server);
        browser.get("/in/ada/old").await;
        let mut copy = browser.clone();
        assert_eq!(browser.get(whose).await.text(), "anew");
        assert_eq!(browser.get("/role").await.text(), "new", "{whose}");
        assert_eq!(copy.get("/role").await.status, 401);
    }
}

#[actix_web::test]
async fn a_login_during_which_its_users_sessions_were_ended_is_told_503() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/slow").await;
    assert_eq!(answer.status, 503);
    assert_eq!((answer.text(), answer.cookies()), ("", vec![]));
    assert_eq!(browser.get("/in/ada/again").await.text(), "in");
    assert_eq!(browser.get("/role").await.text(), "again");
}

#[actix_web::test]
async fn a_storage_in_trouble_is_503_and_nobody_is_logged_out() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    let mut browser = Browser::new(&server);
    browser.get("/in/ada/admin").await;
    browser.get("/start/1").await;
    for trouble in [Trouble::Fails, Trouble::Hangs] {
        deployment.storage.trouble("load", trouble);
        for path in [
            "/role", "/fresh", "/get", "/set/2", "/start/2", "/clear", "/rotate", "/take",
        ] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, 503, "{path}");
            assert_eq!((answer.text(), answer.cookies()), ("", vec![]), "{path}");
        }
        assert_eq!(browser.get("/untouched").await.text(), "untouched");
        deployment.storage.trouble("create", trouble);
        for path in ["/start/2", "/clear", "/rotate", "/take"] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, 503, "{path}");
            assert_eq!((answer.text(), answer.cookies()), ("", vec![]), "{path}");
        }
        deployment.storage.mend();
        assert_eq!(browser.get("/get").await.text(), "1");
        assert_eq!(browser.get("/role").await.text(), "admin");
    }
}

#[actix_web::test]
async fn what_is_fresh_is_asked_of_the_storage() {
    let deployment = Deployment::new();
    let (server, sessions) = deployment.node().await;
    let mut browser = Browser::new(&server);
    browser.get("/in/ada/admin").await;
    assert_eq!(browser.get("/fresh").await.text(), "admin");
    sessions
        .admin::<Account>()
        .unwrap()
        .revoke_all("ada")
        .await
        .unwrap();
    assert_eq!(browser.get("/fresh").await.status, 401);
}

#[actix_web::test]
async fn a_session_that_nobody_has_ended_leaves_nothing_behind() {
    let deployment = Deployment::new();
    let (server, _) = deployment.node().await;
    let mut browser = Browser::new(&server);
    for path in ["/start/1", "/get", "/set/2", "/update", "/untouched", "/get"] {
        browser.get(path).await;
    }
    deployment.clock.advance(10 * MINUTE);
    browser.get("/get").await;
    let calls = deployment.storage.calls();
    assert!(calls.iter().all(|call| *call == "load"), "{calls:?}");
}

#[actix_web::test]
async fn a_guard_that_peeks_asks_no_storage() {
    let deployment = Deployment::new();
    let (_, sessions) = deployment.node().await;
    let peeks = fn_guard(|context| context.peek::<Visits>().is_some());
    let server = Server::new(sessions, |config| {
        config
            .configure(numbers::<Visits>(""))
            .route("/peek", get().guard(peeks).to(async || "seen"));
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/start/1").await;
    deployment.storage.calls();
    assert_eq!(browser.get("/peek").await.status, 404);
    assert_eq!(deployment.storage.calls(), [""; 0]);
}

#[actix_web::test]
async fn upkeep_frees_what_is_known_of_sessions_that_would_have_ended() {
    tokio::time::pause();
    let (clock, storage) = (ManualClock::default(), MemoryStorage::new());
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .client_side_with::<Visits>(Encrypted::new(&keys()), |options| {
            options.revocable(storage.clone())
        })
        .build()
        .unwrap();
    spawn(sessions.upkeep(HOUR));
    let server = Server::new(sessions.clone(), |config| {
        config.configure(numbers::<Visits>(""));
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/start/1").await;
    browser.get("/clear").await;
    let kept = |sessions: u32| format!("MemoryStorage {{ sessions: {sessions}, principals: 0 }}");
    assert_eq!(format!("{storage:?}"), kept(1));
    clock.advance(12 * HOUR);
    sleep(HOUR).await;
    assert_eq!(format!("{storage:?}"), kept(1), "clocks may be apart");
    clock.advance(Duration::from_secs(10));
    sleep(HOUR).await;
    assert_eq!(format!("{storage:?}"), kept(0));
}

#[actix_web::test]
async fn what_clients_keep_can_be_ended_from_outside_a_request_and_not_be_listed() {
    let deployment = Deployment::new();
    let (server, sessions) = deployment.node().await;
    let mut browser = Browser::new(&server);
    browser.get("/start/1").await;
    let id = browser.get("/id").await.text().parse().unwrap();
    let admin = sessions.admin::<Visits>().unwrap();
    for error in [
        admin.list("ada").await.unwrap_err(),
        admin.count().await.unwrap_err(),
        admin.revoke_of("ada", &id).await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), SessionErrorKind::NotServerSide));
    }
    assert!(admin.revoke(&id).await.unwrap());
    assert!(!admin.revoke(&id).await.unwrap());
    assert_eq!(browser.get("/get").await.text(), "none");
    assert_eq!(admin.purge_expired(10).await.unwrap(), 0);
}
