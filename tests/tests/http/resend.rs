//! When a token is sent again: not for unchanged data within the touch interval, unless asked for.

use std::time::Duration;

use sessions_actix::{
    ManualClock, Sessions, Transport, options::Options, protection::Encrypted, storage::MemoryStorage,
};

use crate::support::{Answer, Browser, MINUTE, Server, Spy, Visits, keys, numbers};

/// The four ways that a session travels; the header is called as the cookie is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    CookieById,
    CookieByValue,
    HeaderById,
    HeaderByValue,
}

const WAYS: [Way; 4] = [
    Way::CookieById,
    Way::CookieByValue,
    Way::HeaderById,
    Way::HeaderByValue,
];

fn set_up<P>(way: Way, always: bool, options: Options<P>) -> Options<P> {
    let options = options.idle_timeout(30 * MINUTE);
    let options = match way {
        Way::HeaderById | Way::HeaderByValue => options.transport(Transport::Header),
        Way::CookieById | Way::CookieByValue => options,
    };
    if always { options.always_send() } else { options }
}

async fn browser(way: Way, always: bool, clock: &ManualClock) -> Browser {
    let builder = Sessions::builder().clock(clock.clone());
    let builder = match way {
        Way::CookieById | Way::HeaderById => {
            builder.server_side_with::<Visits>(MemoryStorage::new(), |o| set_up(way, always, o))
        }
        Way::CookieByValue | Way::HeaderByValue => {
            builder.client_side_with::<Visits>(Encrypted::new(&keys()), |o| set_up(way, always, o))
        }
    };
    let server = Server::new(builder.build().unwrap(), numbers::<Visits>("")).await;
    Browser::new(&server).minding("VISITS")
}

fn sent(answer: &Answer) -> Option<String> {
    let header = answer.lines("VISITS").first().map(|token| (*token).to_owned());
    header.or(answer.cookie("VISITS").map(|cookie| cookie.value))
}

#[actix_web::test]
async fn unchanged_data_is_not_sent_again_within_the_touch_interval() {
    for way in WAYS {
        let clock = ManualClock::default();
        let mut browser = browser(way, false, &clock).await;
        assert!(sent(&browser.get("/set/1").await).is_some(), "{way:?}");
        for path in ["/get", "/set/1", "/get", "/untouched"] {
            clock.advance(Duration::from_secs(10));
            assert_eq!(sent(&browser.get(path).await), None, "{way:?} {path}");
        }
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

#[actix_web::test]
async fn after_the_touch_interval_a_session_by_value_is_sent_again_and_one_by_id_is_not() {
    for way in WAYS {
        let clock = ManualClock::default();
        let mut browser = browser(way, false, &clock).await;
        let first = sent(&browser.get("/set/1").await);
        // A tenth of the idle timeout.
        clock.advance(3 * MINUTE);
        let again = sent(&browser.get("/get").await);
        match way {
            Way::CookieById | Way::HeaderById => assert_eq!(again, None),
            Way::CookieByValue | Way::HeaderByValue => {
                assert!(again.is_some());
                assert_ne!(again, first);
            }
        }
        assert_eq!(sent(&browser.get("/get").await), None, "{way:?}");
    }
}

#[actix_web::test]
async fn activity_keeps_a_session_alive_and_idleness_ends_it() {
    for way in WAYS {
        let clock = ManualClock::default();
        let mut browser = browser(way, false, &clock).await;
        browser.get("/set/1").await;
        for _ in 0..5 {
            clock.advance(25 * MINUTE);
            assert_eq!(browser.get("/get").await.text(), "1", "{way:?}");
        }
        clock.advance(30 * MINUTE);
        let answer = browser.get("/get").await;
        assert_eq!(answer.text(), "none", "{way:?}");
        assert_eq!(sent(&answer).as_deref(), Some(""), "{way:?}: it is removed");
    }
}

#[actix_web::test]
async fn a_request_that_opens_no_session_is_no_activity() {
    for way in WAYS {
        let clock = ManualClock::default();
        let mut browser = browser(way, false, &clock).await;
        browser.get("/set/1").await;
        clock.advance(20 * MINUTE);
        browser.get("/untouched").await;
        clock.advance(10 * MINUTE);
        assert_eq!(browser.get("/get").await.text(), "none", "{way:?}");
    }
}

#[actix_web::test]
async fn with_always_send_unchanged_data_is_sent_again() {
    for way in WAYS {
        let clock = ManualClock::default();
        let mut browser = browser(way, true, &clock).await;
        let first = sent(&browser.get("/set/1").await).unwrap();
        for path in ["/get", "/set/1", "/get"] {
            let again = sent(&browser.get(path).await).unwrap();
            match way {
                Way::CookieById | Way::HeaderById => assert_eq!(again, first),
                Way::CookieByValue | Way::HeaderByValue => assert_ne!(again, first),
            }
        }
        assert_eq!(sent(&browser.get("/untouched").await), None, "{way:?}");
        assert_eq!(browser.get("/get").await.text(), "1");
    }
}

#[actix_web::test]
async fn changed_data_is_sent_by_value_and_stored_by_id() {
    for way in WAYS {
        let clock = ManualClock::default();
        let mut browser = browser(way, false, &clock).await;
        browser.get("/set/1").await;
        let by_value = matches!(way, Way::CookieByValue | Way::HeaderByValue);
        for path in ["/set/2", "/update", "/insert"] {
            assert_eq!(
                sent(&browser.get(path).await).is_some(),
                by_value,
                "{way:?} {path}"
            );
        }
        assert_eq!(browser.get("/get").await.text(), "4", "{way:?}");
    }
}

#[actix_web::test]
async fn the_touch_interval_can_be_set() {
    let (clock, spy) = (ManualClock::default(), Spy::default());
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .server_side_with::<Visits>(spy.clone(), |o| o.touch_interval(10 * MINUTE))
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    browser.get("/set/1").await;
    clock.advance(9 * MINUTE);
    spy.calls();
    browser.get("/get").await;
    assert_eq!(spy.calls(), ["load"]);
    clock.advance(MINUTE);
    browser.get("/get").await;
    assert_eq!(spy.calls(), ["load", "touch"]);
    browser.get("/get").await;
    assert_eq!(spy.calls(), ["load"]);
}
