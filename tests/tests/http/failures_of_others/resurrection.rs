//! Sessions that came back, or never ended.

use std::time::Duration;

use servers::Redis;
use sessions_actix::{
    Clock as _, SessionEvent, Sessions,
    protection::{Encrypted, Signed},
    storage::RedisStorage,
};

use super::{ask, every_storage, scene::Scene};
use crate::support::{MINUTE, Visits, keys};

/// A logout while a slow request is at work, which then does one of these: there is no session for anybody, and none is
/// stored.
async fn is_not_undone_by(application: &str, deeds: &[&str]) {
    for kept in every_storage().await {
        let scene = kept.scene(application).await;
        for deed in deeds {
            let case = format!("{deed}, {}", kept.kind);
            let mut slow = scene.browser();
            slow.get("/set/1").await;
            // So that the read has a touch to write.
            scene.clock.advance(10 * MINUTE);
            let (mut leaving, mut copy) = (slow.clone(), slow.clone());
            let answer = scene
                .slowly(&mut slow, deed, async {
                    let left = leaving.get("/clear").await;
                    assert_eq!((left.status.as_u16(), left.text()), (200, "none"), "{case}");
                })
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text()),
                (200, "Some(1)"),
                "{case}"
            );
            for browser in [&mut slow, &mut leaving, &mut copy] {
                assert_eq!(browser.get("/get").await.text(), "none", "{case}");
            }
            assert_eq!(scene.count().await, 0, "{case}");
        }
    }
}

/// rack-session, `Pool`: a request that was at work during the logout wrote back what it had read.
#[actix_web::test]
async fn cve_2025_46336_a_logout_raced_by_a_slow_request_is_not_undone() {
    is_not_undone_by("cve-2025-46336", &["set", "update", "rotate", "renew"]).await;
}

/// express-session 632: a session was saved at the end of each request, also of those that had only read it.
#[actix_web::test]
async fn express_session_632_a_session_that_was_only_read_is_not_saved_after_a_logout() {
    is_not_undone_by("express-session-632", &["read"]).await;
}

/// connect-redis 328: a `SET` at the end of a request came after another one's `DEL`.
#[actix_web::test]
async fn connect_redis_328_a_session_that_was_changed_is_not_saved_after_a_logout() {
    is_not_undone_by("connect-redis-328", &["set"]).await;
}

/// connect-mongo 471: a touch that came after the logout failed the request, where it did not bring the session back.
#[actix_web::test]
async fn connect_mongo_471_a_touch_after_a_logout_is_no_error_and_brings_nothing_back() {
    is_not_undone_by("connect-mongo-471", &["read"]).await;
}

/// Spring Session's documentation: an `HSET` after the end of a session makes one again that has this field alone.
#[actix_web::test]
async fn spring_session_a_write_after_a_logout_leaves_no_part_of_a_session() {
    let deeds = ["read", "set", "update"];
    is_not_undone_by("spring-session", &deeds).await;
    // There is no key either that is no session any more.
    let redis = Redis::start();
    let storage = RedisStorage::connect(&redis.url()).await.unwrap();
    let scene = Scene::of(Sessions::builder().server_side::<Visits>(storage)).await;
    for deed in deeds {
        let mut slow = scene.browser();
        slow.get("/set/1").await;
        scene.clock.advance(10 * MINUTE);
        assert_eq!(ask(&redis, &["KEYS", "*"]).len(), 1);
        let mut leaving = slow.clone();
        scene
            .slowly(&mut slow, deed, async {
                leaving.get("/clear").await;
            })
            .await;
        assert_eq!(ask(&redis, &["KEYS", "*"]), [""; 0], "{deed}");
    }
}

/// @fastify/session: each time that a session was restored its end was computed anew, so that none ever came.
#[actix_web::test]
async fn cve_2024_35220_a_session_that_is_restored_keeps_its_end() {
    for kept in every_storage().await {
        let scene = kept.scene("cve-2024-35220").await;
        let (mut used, mut unused) = (scene.browser(), scene.browser());
        used.get("/set/1").await;
        unused.get("/set/1").await;
        for _ in 0..35 {
            scene.clock.advance(20 * MINUTE);
            // Another process, which knows of the session only what is stored.
            let again = kept
                .builder("cve-2024-35220")
                .server_side::<Visits>(kept.storage.clone());
            let again = Scene::at(again, scene.clock.clone()).await;
            used = used.on(&again.server);
            assert_eq!(used.get("/get").await.text(), "1", "{}", kept.kind);
        }
        assert_eq!(
            unused.get("/get").await.text(),
            "none",
            "{}, half an hour",
            kept.kind
        );
        scene.clock.advance(20 * MINUTE);
        assert_eq!(used.get("/get").await.text(), "none", "{}, half a day", kept.kind);
    }
}

/// aiohttp-session: how old a sealed cookie may be was asked of the browser alone.
#[actix_web::test]
async fn cve_2018_1000814_a_sealed_token_beyond_its_max_age_is_none_in_however_fresh_a_cookie() {
    let keys = keys();
    let hour = 60 * MINUTE;
    for builder in [
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(&keys), |o| o.max_age(hour)),
        Sessions::builder().client_side_with::<Visits>(Signed::new(&keys), |o| o.max_age(hour)),
    ] {
        let scene = Scene::of(builder).await;
        let mut browser = scene.browser();
        let cookie = browser.get("/set/1").await.cookie("VISITS").unwrap();
        assert_eq!(cookie.attribute("Max-Age"), Some("3600"));
        let shown = async || {
            let mut fresh = scene.browser();
            fresh.put("VISITS", &cookie.value);
            fresh.get("/get").await.text().to_owned()
        };
        scene.clock.advance(hour - Duration::from_millis(1));
        assert_eq!(shown().await, "1");
        scene.clock.advance(Duration::from_millis(1));
        assert_eq!(shown().await, "none");
    }
}

/// Jetty: when a listener that was told of the end threw an exception, the id went on being one.
#[actix_web::test]
async fn cve_2021_34428_a_listener_that_panics_at_the_end_of_a_session_keeps_none_alive() {
    for kept in every_storage().await {
        let builder = kept
            .builder("cve-2021-34428")
            .server_side::<Visits>(kept.storage.clone())
            .listener(|event: &SessionEvent<'_>| panic!("at {:?}, as it was told", event.kind));
        let scene = Scene::of(builder).await;
        let elsewhere = kept.scene("cve-2021-34428").await;
        for end in ["/clear", "/take", "/start/2", "revoke", "expire"] {
            let mut browser = scene.browser();
            assert_eq!(browser.get("/set/1").await.status, 200);
            let copy = browser.clone();
            match end {
                "revoke" => {
                    let id = browser.get("/id").await.text().parse().unwrap();
                    let admin = scene.sessions.admin::<Visits>().unwrap();
                    assert!(admin.revoke(&id).await.unwrap());
                }
                "expire" => scene.clock.advance(30 * MINUTE),
                path => assert_eq!(browser.get(path).await.status, 200),
            }
            // Nor does it undo what has been begun.
            let expected = if end == "/start/2" { "2" } else { "none" };
            assert_eq!(browser.get("/get").await.text(), expected, "{end}, {}", kept.kind);
            elsewhere.clock.set(scene.clock.now());
            for server in [&scene.server, &elsewhere.server] {
                let mut copy = copy.clone().on(server);
                assert_eq!(copy.get("/get").await.text(), "none", "{end}, {}", kept.kind);
            }
        }
    }
}

/// session-file-store, pull request 55: a touch wrote all that had been read, and with that a login after the logout.
#[actix_web::test]
async fn session_file_store_55_a_touch_carries_no_data() {
    is_not_undone_by("session-file-store-55", &["read"]).await;
    for kept in every_storage().await {
        let scene = kept.scene("session-file-store-55").await;
        let mut reader = scene.browser();
        reader.get("/set/1").await;
        scene.clock.advance(10 * MINUTE);
        let mut writer = reader.clone();
        let answer = scene
            .slowly(&mut reader, "read", async {
                writer.get("/set/2").await;
            })
            .await;
        assert_eq!(answer.text(), "Some(1)", "{}", kept.kind);
        for browser in [&mut reader, &mut writer] {
            assert_eq!(browser.get("/get").await.text(), "2", "{}", kept.kind);
        }
    }
}
