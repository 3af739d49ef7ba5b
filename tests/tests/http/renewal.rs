//! Tokens that are renewed while their session goes on, and sessions that are remembered.

use std::{collections::HashSet, time::Duration};

use actix_web::{
    Result,
    web::{Path, ServiceConfig, get},
};
use futures_util::future::join_all;
use sessions_actix::{
    Clock as _, CurrentSession, ManualClock, Sessions, SessionsBuilder, protection::Encrypted,
};

use crate::support::{Browser, MINUTE, Server, Spy, Visits, keys, numbers};

const EVERY: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn renew(session: CurrentSession<Visits>) -> Result<&'static str> {
    session.renew_id()?;
    Ok("renewed")
}

async fn remember(session: CurrentSession<Visits>, days: Path<u32>) -> Result<&'static str> {
    session.start(Visits { count: 1 })?;
    session.remember(DAY * days.into_inner())?;
    Ok("remembered")
}

async fn until(
    session: CurrentSession<Visits>,
    minutes: Path<u32>,
    clock: actix_web::web::Data<ManualClock>,
) -> Result<&'static str> {
    session.start(Visits { count: 1 })?;
    session.not_after(clock.now().after(MINUTE * minutes.into_inner()))?;
    Ok("until then")
}

async fn server(builder: SessionsBuilder, clock: &ManualClock) -> Server {
    let data = actix_web::web::Data::new(clock.clone());
    Server::new(
        builder.clock(clock.clone()).build().unwrap(),
        |config: &mut ServiceConfig| {
            config
                .configure(numbers::<Visits>(""))
                .app_data(data)
                .route("/renew", get().to(renew))
                .route("/remember/{days}", get().to(remember))
                .route("/until/{minutes}", get().to(until));
        },
    )
    .await
}

/// By id, renewing; and its storage.
async fn renewing(clock: &ManualClock) -> (Browser, Spy) {
    let spy = Spy::default();
    let builder =
        Sessions::builder().server_side_with::<Visits>(spy.clone(), |o| o.renew_every(EVERY).grace(GRACE));
    let mut browser = Browser::new(&server(builder, clock).await);
    browser.get("/set/1").await;
    (browser, spy)
}

/// By id and by value, without anything else.
async fn both(clock: &ManualClock) -> [Browser; 2] {
    let by_id = Sessions::builder().server_side::<Visits>(Spy::default());
    let by_value = Sessions::builder().client_side::<Visits>(Encrypted::new(&keys()));
    [
        Browser::new(&server(by_id, clock).await),
        Browser::new(&server(by_value, clock).await),
    ]
}

#[actix_web::test]
async fn a_token_is_renewed_in_the_second_of_its_interval_and_no_earlier() {
    let clock = ManualClock::default();
    let (mut browser, _) = renewing(&clock).await;
    for _ in 0..3 {
        let id = browser.get("/id").await.text().to_owned();
        clock.advance(EVERY - SECOND);
        assert_eq!(browser.get("/get").await.cookies(), []);
        clock.advance(SECOND);
        let before = browser.value("VISITS").unwrap().to_owned();
        let renewed = browser.get("/id").await;
        let cookie = renewed.cookie("VISITS").unwrap();
        assert_ne!(cookie.value, before);
        assert!(!cookie.is_removal() && !cookie.has("Max-Age"));
        assert_eq!(renewed.text(), id, "the same session");
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

#[actix_web::test]
async fn by_value_a_token_is_renewed_too() {
    let clock = ManualClock::default();
    let builder =
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(&keys()), |o| o.renew_every(MINUTE));
    let mut browser = Browser::new(&server(builder, &clock).await);
    browser.get("/set/1").await;
    clock.advance(MINUTE - SECOND);
    assert_eq!(browser.get("/get").await.cookies(), []);
    clock.advance(SECOND);
    let renewed = browser.get("/get").await;
    assert!(!renewed.cookie("VISITS").unwrap().is_removal());
    assert_eq!(browser.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn an_old_token_is_good_until_the_second_of_its_grace_after_the_new_one_was_shown() {
    let clock = ManualClock::default();
    let (mut browser, _) = renewing(&clock).await;
    let old = browser.clone();
    clock.advance(EVERY);
    browser.get("/get").await;
    clock.advance(5 * MINUTE);
    browser.get("/get").await;
    clock.advance(GRACE - SECOND);
    let late = old.clone().get("/get").await;
    assert_eq!(late.text(), "1");
    assert_eq!(
        late.cookie("VISITS").unwrap().value,
        browser.value("VISITS").unwrap()
    );
    clock.advance(SECOND);
    let mut too_late = old.clone();
    assert_eq!(too_late.get("/status").await.text(), "Stale");
    // It may be a response that comes late: the client's new cookie is not to be taken away.
    assert_eq!(too_late.get("/get").await.cookies(), []);
    assert_eq!(browser.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn a_lost_response_logs_nobody_out() {
    let clock = ManualClock::default();
    let (mut browser, _) = renewing(&clock).await;
    clock.advance(EVERY);
    let mut told = HashSet::new();
    for _ in 0..5 {
        let lost = browser.clone().get("/get").await;
        assert_eq!(lost.text(), "1");
        told.insert(lost.cookie("VISITS").unwrap().value);
        clock.advance(20 * MINUTE);
    }
    assert_eq!(told.len(), 1, "each time the same");
    assert_eq!(browser.get("/get").await.text(), "1");
    assert_eq!(browser.value("VISITS"), told.iter().next().map(String::as_str));
    assert_eq!(browser.get("/get").await.cookies(), []);
}

#[actix_web::test]
async fn parallel_requests_across_a_renewal_all_have_their_session_and_one_new_token() {
    let clock = ManualClock::default();
    let (browser, spy) = renewing(&clock).await;
    spy.hesitate();
    clock.advance(EVERY);
    let mut tabs = vec![browser.clone(); 16];
    let asked = tabs.iter_mut().enumerate().map(|(index, tab)| async move {
        // Readers and writers, out of step.
        for _ in 0..index % 5 {
            tokio::task::yield_now().await;
        }
        let answer = tab.get(if index % 3 == 0 { "/update" } else { "/get" }).await;
        (
            answer.status.as_u16(),
            answer.cookie("VISITS").map(|cookie| cookie.value),
        )
    });
    let answers = join_all(asked).await;
    let mut told: Vec<_> = answers.iter().filter_map(|(_, cookie)| cookie.clone()).collect();
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1, "{answers:?}");
    for mut tab in tabs {
        assert_eq!(tab.get("/get").await.text(), "7", "1, and six updates");
    }
}

#[actix_web::test]
async fn a_session_can_be_renewed_by_hand() {
    let clock = ManualClock::default();
    for mut browser in both(&clock).await {
        browser.get("/set/1").await;
        let old = browser.clone();
        let id = browser.get("/id").await.text().to_owned();
        let renewed = browser.get("/renew").await.cookie("VISITS").unwrap();
        assert_ne!(Some(&*renewed.value), old.value("VISITS"));
        assert_eq!(browser.get("/id").await.text(), id);
        assert_eq!(old.clone().get("/get").await.text(), "1", "within its grace");
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

#[actix_web::test]
async fn a_remembered_session_outlasts_its_browser_and_ends_in_the_second_it_was_told() {
    let clock = ManualClock::default();
    for browser in both(&clock).await {
        let mut browser = browser.by(&clock);
        let cookie = browser.get("/remember/30").await.cookie("VISITS").unwrap();
        assert_eq!(cookie.attribute("Max-Age"), Some("2592000"));
        // One that keeps the cookie whatever its lifetime.
        let mut hoarder = browser.clone().by(&ManualClock::default());
        clock.advance(30 * DAY - SECOND);
        let mut browser = browser.reopened();
        assert_eq!(browser.get("/get").await.text(), "1", "used or not");
        assert_eq!(hoarder.get("/get").await.text(), "1");
        clock.advance(SECOND);
        assert_eq!(browser.value("VISITS"), None);
        assert_eq!(hoarder.get("/get").await.text(), "none");
    }
}

#[actix_web::test]
async fn a_token_that_comes_later_stays_for_what_is_left_of_a_remembered_session() {
    let clock = ManualClock::default();
    for mut browser in both(&clock).await {
        browser.get("/remember/30").await;
        clock.advance(10 * DAY);
        let rotated = browser.get("/rotate").await.cookie("VISITS").unwrap();
        assert_eq!(rotated.attribute("Max-Age"), Some("1728000"));
        let login = browser.get("/start/2").await.cookie("VISITS").unwrap();
        assert!(!login.has("Max-Age"), "the next login is like others");
    }
}

#[actix_web::test]
async fn nothing_is_remembered_for_longer_than_browsers_keep_a_cookie() {
    let clock = ManualClock::default();
    for mut browser in both(&clock).await {
        let cookie = browser.get("/remember/4000000").await.cookie("VISITS").unwrap();
        assert_eq!(cookie.attribute("Max-Age"), Some("34560000"));
    }
}

#[actix_web::test]
async fn a_session_ends_in_the_second_that_its_start_was_given() {
    let clock = ManualClock::default();
    for mut browser in both(&clock).await {
        let cookie = browser.get("/until/20").await.cookie("VISITS").unwrap();
        assert!(!cookie.has("Max-Age"), "it ends with the browser, too");
        clock.advance(20 * MINUTE - SECOND);
        assert_eq!(browser.get("/get").await.text(), "1");
        clock.advance(SECOND);
        assert_eq!(browser.get("/get").await.text(), "none");
    }
}
