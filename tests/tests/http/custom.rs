//! Serializers, protections and id generators of one's own.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use actix_web::{
    test::TestRequest,
    web::{self, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sessions_actix::{
    ConfigError, CurrentSession, RequestView, SerializerError, Session, SessionSerializer, Sessions,
    protection::{BoundProtection, Encrypted, Guarantee, Plain, Protection, ProtectionError, Purpose},
    serializer::{Json, Shape},
    storage::MemoryStorage,
};

use crate::support::{Basket, Browser, Log, Server, Spy, Visits, keys, numbers, ok};

/// Knows nothing of serde, and neither does its session.
struct Decimal;

#[derive(Session)]
#[session(name = "SCORE", serializer = Decimal)]
struct Score(u32);

impl SessionSerializer<Score> for Decimal {
    const FORMAT: &'static str = "decimal";

    fn shape() -> Shape {
        Shape::named("one number")
    }

    fn serialize(value: &Score, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        if value.0 == 13 {
            return Err(SerializerError::new("an unlucky number"));
        }
        out.extend_from_slice(value.0.to_string().as_bytes());
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Score, SerializerError> {
        let text = std::str::from_utf8(bytes).map_err(SerializerError::new)?;
        text.parse().map(Score).map_err(SerializerError::new)
    }
}

fn scores(config: &mut web::ServiceConfig) {
    config
        .route(
            "/set/{score}",
            get().to(async |session: CurrentSession<Score>, score: web::Path<u32>| {
                session.set(Score(score.into_inner()))?;
                ok("set")
            }),
        )
        .route(
            "/get",
            get().to(async |session: CurrentSession<Score>| {
                session
                    .get()
                    .map_or("none".to_owned(), |score| score.0.to_string())
            }),
        );
}

#[actix_web::test]
async fn a_serializer_without_serde_works_by_id_and_by_value() {
    for sessions in [
        Sessions::builder().server_side::<Score>(MemoryStorage::new()),
        Sessions::builder().client_side::<Score>(Encrypted::new(&keys())),
    ] {
        let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), scores).await);
        browser.get("/set/42").await;
        assert_eq!(browser.get("/get").await.text(), "42");
        browser.get("/set/7").await;
        assert_eq!(browser.get("/get").await.text(), "7");
    }
}

#[actix_web::test]
async fn the_custom_format_is_what_travels() {
    let sessions = Sessions::builder().client_side::<Score>(Plain).build().unwrap();
    let mut browser = Browser::new(&Server::new(sessions, scores).await);
    browser.get("/set/987654").await;
    let token = URL_SAFE_NO_PAD.decode(browser.value("SCORE").unwrap()).unwrap();
    assert!(token.ends_with(b"987654"));
}

#[actix_web::test]
async fn a_value_that_the_serializer_refuses_is_a_bare_500_and_changes_nothing() {
    let sessions = Sessions::builder()
        .server_side::<Score>(MemoryStorage::new())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, scores).await);
    browser.get("/set/12").await;
    let answer = browser.get("/set/13").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, ""));
    assert_eq!(browser.get("/get").await.text(), "12");
}

/// JSON with a mark before it, for every type that serde knows.
struct MarkedJson;

impl<T: Serialize + DeserializeOwned + 'static> SessionSerializer<T> for MarkedJson {
    const FORMAT: &'static str = "marked JSON";
    const SELF_DESCRIBING: bool = true;

    fn shape() -> Shape {
        Shape::of_human_readable::<T>()
    }

    fn serialize(value: &T, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        out.push(b'#');
        serde_json::to_writer(out, value).map_err(SerializerError::new)
    }

    fn deserialize(bytes: &[u8]) -> Result<T, SerializerError> {
        let json = bytes
            .strip_prefix(b"#")
            .ok_or_else(|| SerializerError::new("no mark"))?;
        serde_json::from_slice(json).map_err(SerializerError::new)
    }
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "MARKED", serializer = MarkedJson)]
struct Marked {
    note: String,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "PLAIN_JSON", serializer = Json)]
struct PlainJson {
    note: String,
}

#[actix_web::test]
async fn each_session_type_has_a_serializer_of_its_own() {
    let sessions = Sessions::builder()
        .client_side::<Marked>(Plain)
        .client_side::<PlainJson>(Plain)
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.route(
            "/",
            get().to(
                async |one: CurrentSession<Marked>, other: CurrentSession<PlainJson>| {
                    let seen = (
                        one.get().map(|v| v.note.clone()),
                        other.get().map(|v| v.note.clone()),
                    );
                    one.set(Marked { note: "a".to_owned() })?;
                    other.set(PlainJson { note: "b".to_owned() })?;
                    ok(format!("{seen:?}"))
                },
            ),
        );
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/").await;
    let decoded = |name| URL_SAFE_NO_PAD.decode(browser.value(name).unwrap()).unwrap();
    assert!(decoded("MARKED").ends_with(br##"#{"note":"a"}"##));
    assert!(decoded("PLAIN_JSON").ends_with(br#"{"note":"b"}"#));
    assert_eq!(browser.get("/").await.text(), r#"(Some("a"), Some("b"))"#);
}

/// Handles that begin with the region that the request names.
fn by_region(request: &dyn RequestView) -> impl FnMut() -> Vec<u8> + Send + use<> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mut handle = request.header("X-Region").unwrap_or(b"nowhere").to_vec();
    handle.extend_from_slice(&[b'.'; 12]);
    handle.extend_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    move || handle.clone()
}

#[actix_web::test]
async fn an_id_generator_sees_the_request() {
    let sessions = Sessions::builder()
        .id_generator(by_region)
        .server_side::<Visits>(MemoryStorage::new())
        .client_side::<Basket>(Encrypted::new(&keys()))
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config
            .configure(numbers::<Visits>("/visits"))
            .configure(numbers::<Basket>("/basket"));
    })
    .await;
    for session in ["/visits", "/basket"] {
        let mut browser = Browser::new(&server);
        let set = format!("{session}/set/1");
        browser
            .send(
                TestRequest::get()
                    .uri(&set)
                    .insert_header(("x-region", "eu-north")),
            )
            .await;
        assert_eq!(browser.get(&format!("{session}/get")).await.text(), "1");
        let id = browser.get(&format!("{session}/id")).await;
        let handle = URL_SAFE_NO_PAD.decode(id.text()).unwrap();
        assert!(handle.starts_with(b"eu-north."), "{handle:?}");
    }
}

#[actix_web::test]
async fn a_generated_id_is_in_the_token_and_proves_nothing() {
    let sessions = Sessions::builder()
        .id_generator(|_: &dyn RequestView| || b"always the same handle".to_vec())
        .server_side::<Visits>(MemoryStorage::new())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    browser.get("/set/1").await;
    let mut token = URL_SAFE_NO_PAD.decode(browser.value("VISITS").unwrap()).unwrap();
    assert_eq!(token.len(), 22 + 32);
    assert!(token.starts_with(b"always the same handle"));
    token[22..].fill(0);
    let mut guesser = browser.clone();
    guesser.put("VISITS", &URL_SAFE_NO_PAD.encode(token));
    assert_eq!(guesser.get("/get").await.text(), "none");
    assert_eq!(browser.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn a_handle_that_is_taken_is_tried_anew() {
    let spy = Spy::default();
    let count = Arc::new(AtomicU32::new(0));
    let sessions = Sessions::builder()
        .id_generator(move |_: &dyn RequestView| {
            let count = Arc::clone(&count);
            // 0, 0, 1, 1, 2, …: the second session's first try is taken.
            move || format!("handle number {:08}", count.fetch_add(1, Ordering::Relaxed) / 2).into_bytes()
        })
        .server_side::<Visits>(spy.clone())
        .build()
        .unwrap();
    let server = Server::new(sessions, numbers::<Visits>("")).await;
    let (mut one, mut other) = (Browser::new(&server), Browser::new(&server));
    one.get("/set/1").await;
    spy.calls();
    other.get("/set/2").await;
    assert_eq!(spy.calls(), ["create", "create"]);
    assert_eq!(one.get("/get").await.text(), "1");
    assert_eq!(other.get("/get").await.text(), "2");
}

#[actix_web::test]
async fn handles_that_are_all_taken_are_a_bare_500() {
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .id_generator(|_: &dyn RequestView| || b"always the same handle".to_vec())
        .server_side::<Visits>(spy.clone())
        .build()
        .unwrap();
    let server = Server::new(sessions, numbers::<Visits>("")).await;
    let mut first = Browser::new(&server);
    first.get("/set/1").await;
    spy.calls();
    let answer = server.get("/set/2").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, ""));
    assert_eq!(answer.cookies(), []);
    assert_eq!(spy.calls(), ["create"; 4], "once, and three times anew");
    assert_eq!(
        first.get("/get").await.text(),
        "1",
        "nobody's session is given away"
    );
}

#[actix_web::test]
async fn a_handle_that_is_too_short_is_a_bare_500() {
    let sessions = Sessions::builder()
        .id_generator(|_: &dyn RequestView| || b"short".to_vec())
        .server_side::<Visits>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, numbers::<Visits>("")).await;
    let answer = server.get("/set/1").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (500, ""));
    assert_eq!(answer.cookies(), []);
}

/// A protection that needs a service, which can be down.
#[derive(Clone, Default)]
struct KeyService(Arc<AtomicBool>);

impl KeyService {
    fn ask(&self) -> Result<(), ProtectionError> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(ProtectionError::Failed("the key service is down".into())),
            false => Ok(()),
        }
    }
}

impl Protection for KeyService {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Nothing
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(self.clone()))
    }
}

impl BoundProtection for KeyService {
    fn protect(&self, _: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.ask()
    }

    fn unprotect(&self, _: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.ask()
    }
}

#[actix_web::test]
async fn a_protection_that_cannot_open_a_token_is_a_bare_500_and_nobody_is_logged_out() {
    let service = KeyService::default();
    let sessions = Sessions::builder()
        .client_side::<Visits>(service.clone().then(Encrypted::new(&keys())))
        .build()
        .unwrap();
    let server = Server::new(sessions, numbers::<Visits>("")).await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    service.0.store(true, Ordering::SeqCst);
    for path in ["/get", "/set/2", "/update", "/clear"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (500, ""), "{path}");
        assert_eq!(answer.cookies(), [], "{path}");
    }
    service.0.store(false, Ordering::SeqCst);
    assert_eq!(browser.get("/get").await.text(), "1");
}

#[actix_web::test]
async fn neither_tokens_nor_data_are_logged() {
    let log = Log::begin();
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .build()
        .unwrap();
    let mut browser = Browser::new(&Server::new(sessions, numbers::<Visits>("")).await);
    browser.get("/set/123456789").await;
    let token = browser.value("VISITS").unwrap().to_owned();
    browser.get("/update").await;
    browser.get("/rotate").await;
    browser.get("/clear").await;
    browser.put("VISITS", &token);
    browser.get("/get").await;
    let log = log.everything();
    assert!(log.contains("a session was started"), "{log}");
    let secret = &token[token.len() - 42..];
    assert!(!log.contains(secret) && !log.contains("123456789"), "{log}");
}
