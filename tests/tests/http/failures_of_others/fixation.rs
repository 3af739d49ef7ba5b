//! Ids that somebody else knows, or that several have.

use std::sync::Arc;

use actix_web::{
    Result,
    web::{Path, ServiceConfig, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    Clock as _, CurrentSession, PublicId, Session, SessionErrorKind, Sessions, StorageKey,
    protection::Encrypted,
    storage::{CachedStorage, MemoryStorage, Read, SessionStorage},
};

use super::{Kept, every_storage, scene::Scene};
use crate::support::{Browser, MINUTE, Server, Visits, keys, ok};

/// Whether the storage has anything under this id.
async fn has(scene: &Scene, kept: &Kept, application: &str, id: &PublicId) -> bool {
    let key = StorageKey::new(&kept.application(application), "VISITS", id);
    let found = kept.storage.load(key, Read::Latest, scene.clock.now()).await;
    found.unwrap().is_some()
}

async fn id_of(browser: &mut Browser) -> PublicId {
    browser.get("/id").await.text().parse().unwrap()
}

/// Shows a token that somebody has come up with, and writes: the session has a token of its own, under another id.
async fn is_never_adopted(scene: &Scene, made_up: &str, where_: &str) -> PublicId {
    let mut victim = scene.browser();
    victim.put("VISITS", made_up);
    let sent = victim.get("/set/1").await.cookie("VISITS").unwrap();
    assert!(
        sent.value.len() == 64 && sent.value != made_up,
        "{made_up:?}, {where_}"
    );
    let mut attacker = scene.browser();
    attacker.put("VISITS", made_up);
    assert_eq!(attacker.get("/get").await.text(), "none", "{made_up:?}, {where_}");
    assert_eq!(victim.get("/get").await.text(), "1", "{made_up:?}, {where_}");
    id_of(&mut victim).await
}

/// Fiber: an id that the client had chosen was taken, and stored.
#[actix_web::test]
async fn cve_2024_38513_an_id_that_a_client_has_chosen_is_never_adopted() {
    for kept in every_storage().await {
        let scene = kept.scene("cve-2024-38513").await;
        // Of the form of ours, of other forms, and beyond all bounds.
        let chosen = PublicId::from_bytes(&[7; 16]).unwrap();
        let of_our_form = URL_SAFE_NO_PAD.encode([7; 48]);
        let id = is_never_adopted(&scene, &of_our_form, kept.kind).await;
        assert_ne!(id, chosen);
        assert!(has(&scene, &kept, "cve-2024-38513", &id).await);
        assert!(
            !has(&scene, &kept, "cve-2024-38513", &chosen).await,
            "{}",
            kept.kind
        );
        for made_up in [
            "attacker",
            "550e8400-e29b-41d4-a716-446655440000",
            &"A".repeat(22),
            &"A".repeat(64),
            &"A".repeat(107),
            &"A".repeat(4000),
        ] {
            is_never_adopted(&scene, made_up, kept.kind).await;
        }
        assert_eq!(
            scene.count().await,
            7,
            "{}, one for each who has written",
            kept.kind
        );
    }
}

/// aiohttp-session, its pull request 273: an id that had been logged out was one again for whoever showed it next.
#[actix_web::test]
async fn cve_2018_1000519_an_id_that_was_logged_out_is_never_one_again() {
    for kept in every_storage().await {
        let scene = kept.scene("cve-2018-1000519").await;
        let mut attacker = scene.browser();
        attacker.get("/set/1").await;
        let (id, fixed) = (id_of(&mut attacker).await, attacker.clone());
        attacker.get("/clear").await;
        is_never_adopted(&scene, fixed.value("VISITS").unwrap(), kept.kind).await;
        assert!(
            !has(&scene, &kept, "cve-2018-1000519", &id).await,
            "{}",
            kept.kind
        );
    }
}

/// iron-sessionstorage 12: an empty cookie was an id, and all who had one had one session.
#[actix_web::test]
async fn iron_sessionstorage_12_an_empty_cookie_is_no_id() {
    for kept in every_storage().await {
        let scene = kept.scene("iron-sessionstorage-12").await;
        for nothing in ["", "\"\""] {
            let one = is_never_adopted(&scene, nothing, kept.kind).await;
            assert_ne!(is_never_adopted(&scene, nothing, kept.kind).await, one);
        }
        assert_eq!(scene.count().await, 4, "{}", kept.kind);
    }
}

/// @fastify/passport and passport: the id from before the login was good after it.
#[actix_web::test]
async fn cve_2023_29019_and_cve_2022_25896_a_login_has_another_id_and_so_has_what_follows_a_logout() {
    for kept in every_storage().await {
        let scene = kept.scene("cve-2023-29019").await;
        let mut browser = scene.browser();
        browser.get("/set/1").await;
        let (fixed, before) = (browser.clone(), id_of(&mut browser).await);
        browser.get("/start/2").await;
        let (kept_on, during) = (browser.clone(), id_of(&mut browser).await);
        browser.get("/clear").await;
        browser.get("/set/3").await;
        let after = id_of(&mut browser).await;
        assert!(
            before != during && during != after && before != after,
            "{}",
            kept.kind
        );
        for mut old in [fixed, kept_on] {
            assert_eq!(old.get("/get").await.text(), "none", "{}", kept.kind);
        }
    }
    // At the client: who has planted a token has one of before the login.
    let builder = Sessions::builder().client_side::<Visits>(Encrypted::new(&keys()));
    let scene = Scene::of(builder).await;
    let mut browser = scene.browser();
    browser.get("/set/1").await;
    let (mut fixed, before) = (browser.clone(), id_of(&mut browser).await);
    browser.get("/start/2").await;
    assert_ne!(id_of(&mut browser).await, before);
    assert_eq!(fixed.get("/get").await.text(), "1");
}

/// Pow: in a storage that lasts, what stood under the old id was not taken away when the id was renewed.
#[actix_web::test]
async fn cve_2020_5205_nothing_stands_under_the_id_from_before_the_login() {
    for kept in every_storage().await {
        let scene = kept.scene("cve-2020-5205").await;
        let mut browser = scene.browser();
        browser.get("/set/1").await;
        let before = id_of(&mut browser).await;
        browser.get("/start/2").await;
        assert!(
            !has(&scene, &kept, "cve-2020-5205", &before).await,
            "{}",
            kept.kind
        );
        assert_eq!(scene.count().await, 1, "{}", kept.kind);
        // A change of privilege keeps the session, and no token of before it.
        let mut old = browser.clone();
        browser.get("/rotate").await;
        assert_eq!(old.get("/get").await.text(), "none", "{}", kept.kind);
        assert_eq!(browser.get("/get").await.text(), "2", "{}", kept.kind);
        assert_eq!(scene.count().await, 1, "{}", kept.kind);
    }
}

/// Django, `cached_db`: after a flush the key was empty, and whoever logged in next shared a session with all others.
#[actix_web::test]
async fn cve_2015_3982_who_logs_in_after_a_logout_has_an_id_of_their_own() {
    assert!(PublicId::from_bytes(&[]).is_err() && "".parse::<PublicId>().is_err());
    let storage: Arc<dyn SessionStorage> = Arc::new(CachedStorage::new(MemoryStorage::new()));
    let builder = Sessions::builder().server_side::<Visits>(storage);
    let server = Server::new(builder.build().unwrap(), |config| {
        config.configure(crate::support::numbers::<Visits>("")).route(
            "/again/{number}",
            get().to(async |session: CurrentSession<Visits>, number: Path<u32>| {
                session.clear()?;
                session.start(Visits {
                    count: number.into_inner(),
                })?;
                ok("started")
            }),
        );
    })
    .await;
    let mut browsers = Vec::new();
    for (number, path) in ["/again/0", "/again/1", "/start/2", "/start/3"]
        .into_iter()
        .enumerate()
    {
        let mut browser = Browser::new(&server);
        browser.get("/set/9").await;
        if path.starts_with("/start") {
            browser.get("/clear").await;
            browser.put("VISITS", "");
        }
        assert!(browser.get(path).await.cookie("VISITS").unwrap().value.len() == 64);
        browsers.push((browser, number));
    }
    for (browser, number) in &mut browsers {
        assert_eq!(browser.get("/get").await.text(), number.to_string());
    }
    let mut empty = Browser::new(&server);
    empty.put("VISITS", "");
    assert_eq!(empty.get("/get").await.text(), "none");
}

#[derive(Session, Serialize, Deserialize, Clone)]
#[session(name = "REMOTE")]
struct Remote {
    #[session(principal)]
    user: String,
    secret: u32,
}

fn remotes(config: &mut ServiceConfig) {
    config
        .route("/as/{user}", get().to(log_in))
        .route("/become/{user}", get().to(become_another))
        .route(
            "/id",
            get().to(async |session: CurrentSession<Remote>| format!("{:?}", session.public_id())),
        )
        .route(
            "/who",
            get().to(async |session: CurrentSession<Remote>| {
                session.get().map_or("nobody".to_owned(), |remote| {
                    format!("{} {}", remote.user, remote.secret)
                })
            }),
        );
}

/// As a handler does that knows nothing of fixation.
async fn log_in(session: CurrentSession<Remote>, user: Path<String>) -> Result<&'static str> {
    session.set(Remote {
        user: user.into_inner(),
        secret: 1,
    })?;
    Ok("in")
}

async fn become_another(session: CurrentSession<Remote>, user: Path<String>) -> Result<&'static str> {
    let refused = session.update(|remote| remote.user.clone_from(&user)).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused.kind(), SessionErrorKind::PrincipalChanged));
    Ok("refused")
}

/// Django, `RemoteUserMiddleware`: when the header named somebody else, the session of the one before went on.
#[actix_web::test]
async fn cve_2014_0482_another_user_never_goes_on_in_the_session_of_the_one_before() {
    for kept in every_storage().await {
        let builder = kept
            .builder("cve-2014-0482")
            .storage_timeout(MINUTE)
            .server_side::<Remote>(kept.storage.clone());
        let mut browser = Browser::new(&Server::new(builder.build().unwrap(), remotes).await);
        browser.get("/as/ada").await;
        let (mut before, id) = (browser.clone(), browser.get("/id").await.text().to_owned());
        assert_eq!(
            browser.get("/become/eve").await.text(),
            "refused",
            "{}",
            kept.kind
        );
        assert_eq!(browser.get("/who").await.text(), "ada 1", "{}", kept.kind);
        browser.get("/as/eve").await;
        assert_eq!(browser.get("/who").await.text(), "eve 1", "{}", kept.kind);
        assert_ne!(browser.get("/id").await.text(), id, "{}", kept.kind);
        assert_eq!(before.get("/who").await.text(), "nobody", "{}", kept.kind);
    }
}
