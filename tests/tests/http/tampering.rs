//! Tokens that were changed on the way: no session, and never an error.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sessions_actix::{
    Sessions, SessionsBuilder,
    protection::{Encrypted, KeyRing, Plain, Signed},
    storage::MemoryStorage,
};

use crate::support::{Basket, Browser, Server, Visits, keys, numbers};

type Setup = fn(SessionsBuilder, &KeyRing) -> SessionsBuilder;

/// Two session types under one key.
const SETUPS: [(&str, Setup); 4] = [
    ("encrypted", |builder, keys| {
        builder
            .client_side::<Visits>(Encrypted::new(keys))
            .client_side::<Basket>(Encrypted::new(keys))
    }),
    ("signed", |builder, keys| {
        builder
            .client_side::<Visits>(Signed::new(keys))
            .client_side::<Basket>(Signed::new(keys))
    }),
    ("by id", |builder, _| {
        let storage = MemoryStorage::new();
        builder
            .server_side::<Visits>(storage.clone())
            .server_side::<Basket>(storage)
    }),
    ("by id, signed", |builder, keys| {
        let storage = MemoryStorage::new();
        builder
            .server_side_with::<Visits>(storage.clone(), |o| o.signed(keys))
            .server_side_with::<Basket>(storage, |o| o.signed(keys))
    }),
];

async fn server(builder: SessionsBuilder) -> Server {
    Server::new(builder.build().unwrap(), |config| {
        config
            .configure(numbers::<Visits>(""))
            .configure(numbers::<Basket>("/basket"));
    })
    .await
}

/// A browser with a session, and its token's bytes.
async fn with_a_session(setup: Setup) -> (Browser, Vec<u8>) {
    let server = server(setup(Sessions::builder(), &keys())).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let token = URL_SAFE_NO_PAD.decode(browser.value("VISITS").unwrap()).unwrap();
    (browser, token)
}

async fn assert_no_session(browser: &Browser, token: &str, what: &str) {
    let mut browser = browser.clone();
    browser.put("VISITS", token);
    let answer = browser.get("/get").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "none"), "{what}");
    if let Some(cookie) = answer.cookie("VISITS") {
        assert!(cookie.is_removal(), "{what}");
    }
}

#[actix_web::test]
async fn a_token_with_any_bit_changed_is_no_session() {
    for (what, setup) in SETUPS {
        let (mut browser, token) = with_a_session(setup).await;
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_no_session(&browser, &changed, &format!("{what}, bit {bit}")).await;
        }
        assert_eq!(
            browser.get("/get").await.text(),
            "1",
            "{what}: the session is as it was"
        );
    }
}

#[actix_web::test]
async fn a_token_with_any_character_changed_is_no_session() {
    for (what, setup) in SETUPS {
        let (mut browser, _) = with_a_session(setup).await;
        let token = browser.value("VISITS").unwrap().to_owned();
        for at in 0..token.len() {
            // The next of the alphabet: in the last character that may be a bit that no byte has.
            let next = match token.as_bytes()[at] {
                b'Z' => 'a',
                b'z' => '0',
                b'9' => '-',
                b'-' => '_',
                b'_' => 'A',
                other => char::from(other + 1),
            };
            for other in [next, '=', '*', '%', '"'] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, &other.to_string());
                assert_no_session(&browser, &changed, &format!("{what}, character {at} is {other}")).await;
            }
        }
        assert_eq!(
            browser.get("/get").await.text(),
            "1",
            "{what}: the session is as it was"
        );
    }
}

#[actix_web::test]
async fn a_token_cut_short_anywhere_is_no_session() {
    for (what, setup) in SETUPS {
        let (mut browser, bytes) = with_a_session(setup).await;
        let token = browser.value("VISITS").unwrap().to_owned();
        for end in 0..token.len() {
            assert_no_session(&browser, &token[..end], &format!("{what}, {end} characters")).await;
        }
        for end in 0..bytes.len() {
            for part in [&bytes[..end], &bytes[bytes.len() - end..]] {
                let part = URL_SAFE_NO_PAD.encode(part);
                assert_no_session(&browser, &part, &format!("{what}, {end} bytes")).await;
            }
        }
        assert_eq!(
            browser.get("/get").await.text(),
            "1",
            "{what}: the session is as it was"
        );
    }
}

#[actix_web::test]
async fn a_token_made_longer_is_no_session() {
    for (what, setup) in SETUPS {
        let (mut browser, bytes) = with_a_session(setup).await;
        let token = browser.value("VISITS").unwrap().to_owned();
        for more in [
            "A",
            "AA",
            "AAA",
            "AAAA",
            "=",
            "==",
            ".",
            "%00",
            &token,
            &"A".repeat(5000),
        ] {
            for longer in [format!("{token}{more}"), format!("{more}{token}")] {
                assert_no_session(&browser, &longer, what).await;
            }
        }
        for byte in [0, 1, 255] {
            let mut longer = bytes.clone();
            longer.push(byte);
            assert_no_session(&browser, &URL_SAFE_NO_PAD.encode(&longer), what).await;
            longer.pop();
            longer.insert(0, byte);
            assert_no_session(&browser, &URL_SAFE_NO_PAD.encode(&longer), what).await;
        }
        assert_eq!(
            browser.get("/get").await.text(),
            "1",
            "{what}: the session is as it was"
        );
    }
}

#[actix_web::test]
async fn a_token_moved_to_another_sessions_cookie_is_no_session() {
    for (what, setup) in SETUPS {
        let (mut browser, _) = with_a_session(setup).await;
        let mut mover = browser.clone();
        mover.put("BASKET", browser.value("VISITS").unwrap());
        let answer = mover.get("/basket/get").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "none"), "{what}");
        assert_eq!(mover.get("/basket/update").await.text(), "none", "{what}");
        mover.get("/basket/set/2").await;
        assert_eq!(mover.get("/basket/get").await.text(), "2", "{what}");
        assert_eq!(
            browser.get("/get").await.text(),
            "1",
            "{what}: the session is as it was"
        );
    }
}

#[actix_web::test]
async fn a_token_of_another_application_is_no_session() {
    for (what, setup) in SETUPS {
        let keys = keys();
        let shop = server(setup(Sessions::builder().application("shop"), &keys)).await;
        let blog = server(setup(Sessions::builder().application("blog"), &keys)).await;
        let mut shopper = Browser::new(&shop);
        shopper.get("/set/1").await;
        assert_no_session(&Browser::new(&blog), shopper.value("VISITS").unwrap(), what).await;
    }
}

#[actix_web::test]
async fn a_token_of_another_key_is_no_session() {
    for (what, setup) in SETUPS {
        let (browser, _) = with_a_session(setup).await;
        let (other, _) = with_a_session(setup).await;
        assert_no_session(&browser, other.value("VISITS").unwrap(), what).await;
    }
}

#[actix_web::test]
async fn a_token_of_one_kind_is_none_of_another() {
    let keys = keys();
    for (made, setup) in SETUPS {
        let mut owner = Browser::new(&server(setup(Sessions::builder(), &keys)).await);
        owner.get("/set/1").await;
        let token = owner.value("VISITS").unwrap().to_owned();
        for (shown, setup) in SETUPS.into_iter().filter(|(shown, _)| *shown != made) {
            let other = Browser::new(&server(setup(Sessions::builder(), &keys)).await);
            assert_no_session(&other, &token, &format!("{made} as {shown}")).await;
        }
    }
}

#[actix_web::test]
async fn a_session_can_be_set_in_place_of_a_token_that_was_changed() {
    for (what, setup) in SETUPS {
        let (mut browser, mut token) = with_a_session(setup).await;
        let last = token.len() - 1;
        token[last] ^= 1;
        browser.put("VISITS", &URL_SAFE_NO_PAD.encode(token));
        browser.get("/set/5").await;
        assert_eq!(browser.get("/get").await.text(), "5", "{what}");
    }
}

#[actix_web::test]
async fn an_encrypted_token_shows_nothing_of_its_data() {
    let sessions = |protection| {
        let builder: SessionsBuilder = protection;
        server(builder.server_side::<Basket>(MemoryStorage::new()))
    };
    // Where it would stand in the clear, to see that the test looks at the right bytes.
    let secret = 0x7654_3210_u32;
    let plain = sessions(Sessions::builder().client_side::<Visits>(Plain)).await;
    let encrypted = sessions(Sessions::builder().client_side::<Visits>(Encrypted::new(&keys()))).await;
    let shows = async |server: &Server| {
        let mut browser = Browser::new(server);
        browser.get(&format!("/set/{secret}")).await;
        let token = URL_SAFE_NO_PAD.decode(browser.value("VISITS").unwrap()).unwrap();
        let holds = |bytes: [u8; 4]| token.windows(4).any(|window| window == bytes);
        holds(secret.to_le_bytes()) || holds(secret.to_be_bytes())
    };
    assert!(shows(&plain).await);
    assert!(!shows(&encrypted).await);
}

#[actix_web::test]
async fn junk_under_no_protection_at_all_is_no_session() {
    let server = server(
        Sessions::builder()
            .client_side::<Visits>(Plain)
            .server_side::<Basket>(MemoryStorage::new()),
    )
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    let token = browser.value("VISITS").unwrap().to_owned();
    for end in 0..token.len() {
        assert_no_session(&browser, &token[..end], &format!("{end} characters")).await;
    }
    for len in [1, 2, 3, 100, 3000] {
        for byte in [0, 127, 255] {
            let junk = URL_SAFE_NO_PAD.encode(vec![byte; len]);
            assert_no_session(&browser, &junk, &format!("{len} times {byte}")).await;
        }
    }
}
