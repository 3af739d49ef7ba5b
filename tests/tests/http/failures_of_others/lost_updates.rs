//! Requests that have written over what another one had just written.

use std::sync::Arc;

use actix_web::{
    Result,
    web::{Data, Path, ServiceConfig, get},
};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sessions_actix::{CurrentSession, OnConflict, Session, Sessions, protection::Encrypted};
use tokio::sync::Barrier;

use super::{every_storage, scene::Scene};
use crate::support::{Browser, MINUTE, Server, Spy, Visits, keys, numbers};

/// Two requests of which each has read before the other wrote.
async fn both_updates_count(application: &str) {
    for kept in every_storage().await {
        let scene = kept.scene(application).await;
        let mut slow = scene.browser();
        slow.get("/set/1").await;
        let mut quick = slow.clone();
        let answer = scene
            .slowly(&mut slow, "update", async {
                assert_eq!(quick.get("/update").await.text(), "2", "{}", kept.kind);
            })
            .await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "Some(1)"));
        for browser in [&mut slow, &mut quick] {
            assert_eq!(browser.get("/get").await.text(), "3", "{}", kept.kind);
        }
    }
}

/// fastify-session 237: each of two requests at once had a copy of its own, and the later one was stored.
#[actix_web::test]
async fn fastify_session_237_of_requests_that_overlap_each_update_counts() {
    both_updates_count("fastify-session-237").await;
    for kept in every_storage().await {
        let scene = kept.scene("fastify-session-237").await;
        let mut browser = scene.browser();
        browser.get("/set/0").await;
        let mut tabs = vec![browser.clone(); 8];
        for answer in join_all(tabs.iter_mut().map(|tab| tab.get("/update"))).await {
            assert_eq!(answer.status, 200, "{}", kept.kind);
        }
        assert_eq!(browser.get("/get").await.text(), "8", "{}", kept.kind);
    }
}

/// aspnet/Session 72: one request reads, another one reads and writes, then the first one writes.
#[actix_web::test]
async fn aspnet_session_72_a_write_of_what_was_read_before_anothers_is_made_good_or_refused() {
    both_updates_count("aspnet-session-72").await;
    // Where a handler writes all of it, it can have itself told.
    for kept in every_storage().await {
        let builder = kept
            .builder("aspnet-session-72")
            .server_side_with::<Visits>(kept.storage.clone(), |o| o.on_conflict(OnConflict::Reject));
        let scene = Scene::of(builder).await;
        let mut slow = scene.browser();
        slow.get("/set/1").await;
        let mut quick = slow.clone();
        let refused = scene
            .slowly(&mut slow, "set", async {
                quick.get("/set/2").await;
            })
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.text()),
            (409, ""),
            "{}",
            kept.kind
        );
        assert_eq!(slow.get("/get").await.text(), "2", "{}", kept.kind);
    }
}

/// rack-session, pull request 24: a request that had only read wrote back what it had read.
#[actix_web::test]
async fn rack_session_24_who_only_reads_writes_nothing_back() {
    let spy = Spy::default();
    let scene = Scene::of(Sessions::builder().server_side::<Visits>(spy.clone())).await;
    let mut reader = scene.browser();
    reader.get("/set/1").await;
    let mut writer = reader.clone();
    for (wait, asked) in [(0, vec!["load"]), (10, vec!["load", "touch"])] {
        scene.clock.advance(wait * MINUTE);
        spy.calls();
        scene
            .slowly(&mut reader, "read", async {
                assert_eq!(spy.calls(), ["load"]);
                writer.get("/update").await;
                spy.calls();
            })
            .await;
        assert_eq!([vec!["load"], spy.calls()].concat(), asked);
    }
    assert_eq!(reader.get("/get").await.text(), "3");
}

/// hono_sessions, pull request 30: with each response the cookie was sent again, by those too that had changed nothing.
#[actix_web::test]
async fn hono_sessions_30_who_only_reads_sends_no_cookie_over_anothers() {
    let builder = Sessions::builder().client_side::<Visits>(Encrypted::new(&keys()));
    let scene = Scene::of(builder).await;
    let mut browser = scene.browser();
    browser.get("/set/123").await;
    let mut reader = browser.clone();
    let late = scene
        .slowly(&mut reader, "read", async {
            browser.get("/set/124").await;
        })
        .await;
    // Whichever of the two answers comes last, the browser has what was written.
    assert_eq!((late.text(), late.cookies()), ("Some(123)", vec![]));
    assert_eq!(browser.get("/get").await.text(), "124");
}

#[derive(Session, Serialize, Deserialize, Default)]
#[session(name = "FLOWS")]
struct Flows {
    states: Vec<String>,
}

async fn begin(session: CurrentSession<Flows>, state: Path<String>, others: Data<Barrier>) -> Result<String> {
    // Each has read before any of them writes.
    others.wait().await;
    session
        .update_or_insert_with(Flows::default, |flows| flows.states.push(state.clone()))
        .await?;
    Ok(state.into_inner())
}

async fn come_back(session: CurrentSession<Flows>, state: Path<String>) -> Result<String> {
    let known = session
        .update(|flows| {
            let known = flows.states.iter().position(|known| *known == *state);
            known.map(|at| flows.states.remove(at))
        })
        .await?;
    Ok(known
        .flatten()
        .unwrap_or_else(|| "a state that nobody knows".to_owned()))
}

/// lfx-self-serve 1938: of logins that were begun in several tabs at once, the state of one was lost, and it failed.
#[actix_web::test]
async fn lfx_self_serve_1938_of_logins_in_several_tabs_each_state_comes_back() {
    const TABS: [&str; 3] = ["one", "two", "three"];
    for kept in every_storage().await {
        let sessions = kept
            .builder("lfx-self-serve-1938")
            .storage_timeout(MINUTE)
            .server_side::<Flows>(Arc::clone(&kept.storage));
        let barrier = Data::new(Barrier::new(TABS.len()));
        let server = Server::new(sessions.build().unwrap(), |config: &mut ServiceConfig| {
            config
                .app_data(barrier)
                .route("/begin/{state}", get().to(begin))
                .route("/back/{state}", get().to(come_back))
                .route(
                    "/",
                    get().to(async |session: CurrentSession<Flows>| {
                        session.set(Flows::default()).map(|()| "")
                    }),
                );
        })
        .await;
        let mut browser = Browser::new(&server);
        browser.get("/").await;
        let mut tabs = vec![browser.clone(); TABS.len()];
        let begun = tabs.iter_mut().zip(TABS).map(async |(tab, state)| {
            let answer = tab.get(&format!("/begin/{state}")).await;
            assert_eq!((answer.status.as_u16(), answer.cookies()), (200, vec![]));
        });
        join_all(begun).await;
        for state in TABS {
            let answer = browser.get(&format!("/back/{state}")).await;
            assert_eq!(answer.text(), state, "{}", kept.kind);
        }
        let again = browser.get("/back/one").await;
        assert_eq!(again.text(), "a state that nobody knows", "{}", kept.kind);
    }
}

/// tower-sessions, pull requests 35 and 36: what was loaded while another request saved was stale, and was saved again.
#[actix_web::test]
async fn tower_sessions_35_and_36_what_is_loaded_during_a_save_undoes_it_in_no_order() {
    let spy = Spy::default();
    let sessions = Sessions::builder().server_side::<Visits>(spy.clone());
    let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/0").await;
    // Each call gives others their turn before and after it, so that loads and saves fall between one another.
    spy.hesitate();
    let mut tabs = vec![browser.clone(); 12];
    let asked = tabs.iter_mut().enumerate().map(async |(number, tab)| {
        for _ in 0..number % 3 {
            tokio::task::yield_now().await;
        }
        let path = ["/update", "/get", "/insert"][number % 3];
        let answer = tab.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
    });
    join_all(asked).await;
    assert_eq!(browser.get("/get").await.text(), "8");
}
