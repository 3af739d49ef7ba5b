//! What was made for something else, was changed, or was never a token.

use actix_web::{HttpResponse, http::StatusCode, test::TestRequest, web::post};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use sessions_actix::{
    CsrfToken, RequestView, SameOrigin, Sessions,
    protection::{Encrypted, Key, KeyRing, Mode, Protection as _, Purpose, Signed},
    storage::MemoryStorage,
};

use super::{HEADER, every_way, forgeable, is_good, server, token_of};
use crate::support::{Basket, Browser, Server, Visits, keys};

/// One public id for every session of every type.
fn one_id(_: &dyn RequestView) -> fn() -> Vec<u8> {
    || vec![7; 16]
}

#[actix_web::test]
async fn a_token_of_another_type_is_refused_although_id_and_keys_are_the_same() {
    let keys = keys();
    let sessions = Sessions::builder()
        .id_generator(one_id)
        .server_side::<Visits>(MemoryStorage::new())
        .server_side::<Basket>(MemoryStorage::new())
        .csrf::<Visits>(&keys)
        .csrf::<Basket>(&keys)
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config
            .configure(forgeable::<Visits>("/visits"))
            .configure(forgeable::<Basket>("/basket"));
    })
    .await;
    let mut browser = Browser::new(&server);
    for prefix in ["/visits", "/basket"] {
        browser.get(&format!("{prefix}/set/1")).await;
    }
    for (own, other) in [("/visits", "/basket"), ("/basket", "/visits")] {
        let token = token_of(&mut browser, &format!("{own}/issue")).await;
        assert!(is_good(&mut browser, own, &token).await);
        assert!(!is_good(&mut browser, other, &token).await);
    }
}

#[actix_web::test]
async fn a_token_of_another_application_is_refused_although_id_and_keys_are_the_same() {
    let keys = keys();
    let application = async |name| {
        let builder = Sessions::builder()
            .application(name)
            .id_generator(one_id)
            .server_side::<Visits>(MemoryStorage::new());
        let mut browser = Browser::new(&server(builder.csrf::<Visits>(&keys)).await);
        browser.get("/set/1").await;
        browser
    };
    let (mut shop, mut blog) = (application("shop").await, application("blog").await);
    let token = token_of(&mut shop, "/issue").await;
    assert!(is_good(&mut shop, "", &token).await);
    assert!(!is_good(&mut blog, "", &token).await);
}

#[actix_web::test]
async fn a_token_that_was_changed_anywhere_is_refused() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let token = token_of(&mut browser, "/issue").await;
        let octets = URL_SAFE_NO_PAD.decode(&token).unwrap();
        let mut wrong: Vec<String> = Vec::new();
        for bit in 0..octets.len() * 8 {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            wrong.push(URL_SAFE_NO_PAD.encode(flipped));
        }
        for len in 0..octets.len() {
            wrong.push(URL_SAFE_NO_PAD.encode(&octets[..len]));
            wrong.push(URL_SAFE_NO_PAD.encode(&octets[len + 1..]));
        }
        for at in [0, 5, octets.len() - 32, octets.len()] {
            let mut extended = octets.clone();
            extended.insert(at, 0);
            wrong.push(URL_SAFE_NO_PAD.encode(extended));
        }
        wrong.extend([
            token[1..].to_owned(),
            token[..token.len() - 1].to_owned(),
            format!("{token}A"),
            format!("{token}="),
            format!("{token}=="),
            format!("\"{token}\""),
            format!("{token},{token}"),
            token.to_ascii_lowercase(),
            "A".repeat(5000),
        ]);
        for wrong in wrong {
            assert!(!is_good(&mut browser, "", &wrong).await, "{wrong}");
        }
        assert!(is_good(&mut browser, "", &token).await);
    }
}

/// What whoever has the keys can make: these octets, signed for a purpose.
fn signed(keys: &KeyRing, mode: Mode, application: &str, name: &str, mut octets: Vec<u8>) -> String {
    let purpose = Purpose {
        mode,
        application,
        name,
    };
    let protection = Signed::new(keys).bind(&purpose).unwrap();
    protection.protect(&mut octets).unwrap();
    URL_SAFE_NO_PAD.encode(octets)
}

#[actix_web::test]
async fn only_what_is_signed_for_this_and_has_the_form_of_it_is_a_token() {
    for by_value in [false, true] {
        let keys = keys();
        let builder = if by_value {
            Sessions::builder().client_side::<Visits>(Encrypted::new(&keys))
        } else {
            Sessions::builder().server_side::<Visits>(MemoryStorage::new())
        };
        let mut browser = Browser::new(&server(builder.csrf::<Visits>(&keys)).await);
        browser.get("/set/1").await;
        let id = URL_SAFE_NO_PAD.decode(browser.get("/id").await.text()).unwrap();
        let form = |len: u64, epoch: u64, salt: &[u8]| {
            [&len.to_be_bytes()[..], &id, &epoch.to_be_bytes(), salt].concat()
        };
        let good = || form(16, 0, &[0; 16]);
        let token = signed(&keys, Mode::Csrf, "", "VISITS", good());
        assert!(is_good(&mut browser, "", &token).await);
        for (mode, application, name) in [
            (Mode::ById, "", "VISITS"),
            (Mode::ByValue, "", "VISITS"),
            (Mode::Record, "", "VISITS"),
            (Mode::Csrf, "", "BASKET"),
            (Mode::Csrf, "shop", "VISITS"),
        ] {
            let token = signed(&keys, mode, application, name, good());
            assert!(
                !is_good(&mut browser, "", &token).await,
                "{mode:?} {application} {name}"
            );
        }
        for octets in [
            form(16, 1, &[0; 16]),
            form(16, u64::MAX, &[0; 16]),
            form(15, 0, &[0; 16]),
            form(16, 0, &[]),
            form(16, 0, &[0; 15]),
            form(16, 0, &[0; 17]),
            id.clone(),
            Vec::new(),
        ] {
            let token = signed(&keys, Mode::Csrf, "", "VISITS", octets);
            assert!(!is_good(&mut browser, "", &token).await, "{token}");
        }
    }
}

#[actix_web::test]
async fn what_is_no_token_at_all_is_refused() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let id = browser.get("/id").await.text().to_owned();
        for text in ["", "x", "null", "undefined", "AAAA", &id, &"A".repeat(100_000)] {
            let request = TestRequest::post().uri("/verify").set_payload(text.to_owned());
            assert_eq!(
                browser.send(request).await.status,
                StatusCode::FORBIDDEN,
                "{text}"
            );
        }
    }
}

#[actix_web::test]
async fn a_sessions_own_token_and_one_against_forgery_do_not_stand_for_each_other() {
    for builder in every_way(&keys()) {
        let mut browser = Browser::new(&server(builder).await);
        browser.get("/set/1").await;
        let session = browser.value("VISITS").unwrap().to_owned();
        assert!(!is_good(&mut browser, "", &session).await);
        let token = token_of(&mut browser, "/issue").await;
        let mut thief = browser.clone();
        thief.put("VISITS", &token);
        assert_eq!(thief.get("/status").await.text(), "Invalid");
        assert_eq!(thief.get("/get").await.text(), "none");
    }
}

#[actix_web::test]
async fn keys_rotate_and_a_revoked_one_ends_its_tokens() {
    let (old, new) = (Key::generate().unwrap(), Key::generate().unwrap());
    let first = KeyRing::new(old.clone());
    let storage = MemoryStorage::new();
    let on = async |ring: &KeyRing| {
        let builder = Sessions::builder().server_side::<Visits>(storage.clone());
        server(builder.csrf::<Visits>(ring)).await
    };
    let mut browser = Browser::new(&on(&first).await);
    browser.get("/set/1").await;
    let token = token_of(&mut browser, "/issue").await;
    let rotated = KeyRing::new(old.clone()).rotate(new.clone());
    let mut next = browser.clone().on(&on(&rotated).await);
    assert!(is_good(&mut next, "", &token).await, "its key is retired");
    let newer = token_of(&mut next, "/issue").await;
    assert!(is_good(&mut next, "", &newer).await);
    assert!(
        !is_good(&mut browser, "", &newer).await,
        "its key is unknown here"
    );
    let upcoming = KeyRing::new(old.clone()).with_upcoming(new.clone());
    let mut early = browser.clone().on(&on(&upcoming).await);
    assert!(is_good(&mut early, "", &newer).await, "its key is upcoming");
    let revoked = KeyRing::new(new.clone()).revoke(old.id());
    let mut last = browser.clone().on(&on(&revoked).await);
    assert!(!is_good(&mut last, "", &token).await, "its key is revoked");
    assert!(is_good(&mut last, "", &newer).await);
    // In a server that runs.
    first.replace(&revoked).unwrap();
    assert!(!is_good(&mut browser, "", &token).await);
    assert!(is_good(&mut browser, "", &newer).await);
}

/// What a client may put anywhere: pieces of what has a meaning, and any octets.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "same-origin",
            "none",
            "cross-site",
            "https://",
            "http://",
            "localhost",
            "localhost:8080",
            "null",
            "[::1]",
            "[",
            "]",
            ":",
            ":443",
            "/",
            "@",
            ",",
            " ",
            "VISITS=",
            ";",
            "=",
            "AQAAAAA",
            "\"",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

#[actix_web::test]
async fn whatever_octets_a_client_sends_nothing_panics_or_fails() {
    for builder in every_way(&keys()) {
        let sessions = builder.build().unwrap();
        let server = Server::new(sessions, |config| {
            config.configure(forgeable::<Visits>("")).route(
                "/same-origin",
                post().to(
                    async |_: SameOrigin, csrf: CsrfToken<Visits>| match csrf.issue() {
                        Ok(_) => HttpResponse::Ok(),
                        Err(_) => HttpResponse::Unauthorized(),
                    },
                ),
            );
        })
        .await;
        let mut browser = Browser::new(&server);
        browser.get("/set/1").await;
        let cookie = format!("VISITS={}", browser.value("VISITS").unwrap());
        let names = ["sec-fetch-site", "origin", "host", "upgrade", HEADER, "cookie"];
        let strategy = (
            proptest::sample::select(vec!["/same-origin", "/api/x", "/verify"]),
            proptest::collection::vec((proptest::sample::select(names.to_vec()), octets()), 0..6),
            octets(),
        );
        let mut runner = TestRunner::deterministic();
        for _ in 0..2000 {
            let (path, headers, body) = strategy.new_tree(&mut runner).unwrap().current();
            let mut request = TestRequest::post()
                .uri(path)
                .append_header(("cookie", cookie.as_str()))
                .set_payload(body)
                .to_request();
            for (name, value) in headers {
                if let Ok(value) = value.as_slice().try_into() {
                    request.headers_mut().append(name.parse().unwrap(), value);
                }
            }
            let status = server.call(request).await.status;
            // Octets that are no text are no body of a handler that takes text.
            assert!(
                matches!(status.as_u16(), 200 | 400 | 401 | 403),
                "{path} {status}"
            );
        }
    }
}
