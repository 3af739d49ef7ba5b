//! Bytes that a decoder should not get, and what one makes of those that it gets.

use std::{
    cell::Cell,
    fs,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use actix_web::web::get;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use servers::Redis;
use sessions_actix::{
    ConfigError, CurrentSession, SerializerError, Session, SessionSerializer, SessionSpec, Sessions,
    SessionsBuilder,
    protection::{
        BoundProtection, Encrypted, Guarantee, Plain, Protection, ProtectionError, Purpose, Signed,
    },
    serializer::{Bincode, Json, Shape},
    storage::{DirectoryStorage, MemoryStorage, RedisStorage},
};

use super::ask;
use crate::support::{Browser, MINUTE, Server, Visits, keys, numbers, ok};

thread_local! {
    /// A test and its server are on one thread.
    static DECODED: Cell<usize> = const { Cell::new(0) };
}

/// How often something was given to the decoder of [`Count`].
pub(super) fn decoded() -> usize {
    DECODED.get()
}

#[derive(Session)]
#[session(name = "COUNTED", serializer = Counted)]
pub(super) struct Count(u32);

/// Counts what it is given to read.
pub(super) struct Counted;

impl SessionSerializer<Count> for Counted {
    const FORMAT: &'static str = "counted";

    fn shape() -> Shape {
        Shape::named("a count")
    }

    fn serialize(value: &Count, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        out.extend_from_slice(&value.0.to_be_bytes());
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Count, SerializerError> {
        DECODED.set(DECODED.get() + 1);
        let bytes = bytes.try_into().map_err(SerializerError::new)?;
        Ok(Count(u32::from_be_bytes(bytes)))
    }
}

pub(super) async fn server_of_counts(builder: SessionsBuilder) -> Server {
    Server::new(builder.build().unwrap(), |config| {
        config
            .route(
                "/get",
                get().to(async |session: CurrentSession<Count>| {
                    session
                        .get()
                        .map_or("none".to_owned(), |count| count.0.to_string())
                }),
            )
            .route(
                "/set",
                get().to(async |session: CurrentSession<Count>| {
                    session.set(Count(1))?;
                    ok("set")
                }),
            );
    })
    .await
}

/// Plug: whoever had no secret could still have bytes of his own decoded, and with that code be run.
#[actix_web::test]
async fn cve_2017_1000053_bytes_that_are_not_authentic_reach_no_decoder() {
    let keys = keys();
    for builder in [
        Sessions::builder().client_side::<Count>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Count>(Signed::new(&keys)),
        Sessions::builder().server_side::<Count>(MemoryStorage::new()),
        Sessions::builder().server_side_with::<Count>(MemoryStorage::new(), |o| o.signed(&keys)),
    ] {
        let server = server_of_counts(builder).await;
        let mut browser = Browser::new(&server);
        browser.get("/set").await;
        let token = URL_SAFE_NO_PAD.decode(browser.value("COUNTED").unwrap()).unwrap();
        let before = decoded();
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged[at] ^= 0x80;
            for forged in [&forged[..], &token[..at], &[&token[..], &forged].concat()] {
                let mut forger = browser.clone();
                forger.put("COUNTED", &URL_SAFE_NO_PAD.encode(forged));
                assert_eq!(forger.get("/get").await.text(), "none");
            }
        }
        assert_eq!(decoded(), before);
    }
}

/// Plack, 2014: a session at the client could be set up without a secret, and was thawed as it came.
#[test]
fn plack_2014_a_session_at_the_client_that_nothing_protects_has_to_be_asked_for_by_name() {
    // There is no default protection to forget, and none without a key but the one that says so.
    assert!(Sessions::builder().client_side::<Visits>(Plain).build().is_ok());
    assert!(matches!(
        Sessions::builder().client_side::<Visits>(Nothing).build(),
        Err(ConfigError::Unprotected { .. })
    ));
}

/// Leaves everything as it is, and says so.
struct Nothing;

impl Protection for Nothing {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Nothing
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(Self))
    }
}

impl BoundProtection for Nothing {
    fn protect(&self, _: &mut Vec<u8>) -> Result<(), ProtectionError> {
        Ok(())
    }

    fn unprotect(&self, _: &mut Vec<u8>) -> Result<(), ProtectionError> {
        Ok(())
    }
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "LIST", serializer = Bincode)]
struct Compact {
    names: Vec<String>,
    next: Option<Box<Compact>>,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "LIST", serializer = Json)]
struct Readable {
    names: Vec<String>,
    next: Option<Box<Readable>>,
}

/// What whoever has the key writes: any bytes, as if they were a `T`.
struct Forged<T>(Vec<u8>, PhantomData<fn() -> T>);

struct As<T>(PhantomData<T>);

impl<T: Session> Session for Forged<T> {
    const SPEC: SessionSpec = T::SPEC;
    type Serializer = As<T::Serializer>;
}

impl<T: Session, S: SessionSerializer<T>> SessionSerializer<Forged<T>> for As<S> {
    const FORMAT: &'static str = S::FORMAT;

    fn shape() -> Shape {
        S::shape()
    }

    fn serialize(value: &Forged<T>, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        out.extend_from_slice(&value.0);
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Forged<T>, SerializerError> {
        Ok(Forged(bytes.to_vec(), PhantomData))
    }
}

/// Seals these bytes as if they were a `T`, and says what a server reads that takes them for one.
async fn read_as<T: Session>(payload: Vec<u8>) -> String {
    let keys = keys();
    let forging = Sessions::builder().client_side::<Forged<T>>(Encrypted::new(&keys));
    let forging = Server::new(forging.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(move |session: CurrentSession<Forged<T>>| {
                let set = session.set(Forged(payload.clone(), PhantomData));
                async move { set.map(|()| "set") }
            }),
        );
    })
    .await;
    let reading = Sessions::builder().client_side::<T>(Encrypted::new(&keys));
    let reading = Server::new(reading.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: CurrentSession<T>| {
                if session.get().is_some() {
                    "a session"
                } else {
                    "none"
                }
            }),
        );
    })
    .await;
    let mut browser = Browser::new(&forging);
    assert_eq!(browser.get("/").await.text(), "set");
    let answer = browser.on(&reading).get("/").await;
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

/// Laravel: who had the key could have any object made. (So could who had that of a Django that pickles.) Here such a one
/// can write a session, but nothing other than what its type is, and within bounds.
#[actix_web::test]
async fn cve_2018_15133_with_the_key_too_there_is_nothing_to_make_but_what_the_type_has() {
    let whole = Compact {
        names: vec!["ada".to_owned()],
        next: None,
    };
    let mut encoded = Vec::new();
    Bincode::serialize(&whole, &mut encoded).unwrap();
    assert_eq!(
        read_as::<Compact>(encoded).await,
        "a session",
        "it is taken for one"
    );
    let huge = [253, 255, 255, 255, 255, 255, 255, 255, 127];
    for payload in [
        // Lists and texts of as many elements as there are numbers, and one in one in one, to the end.
        huge.to_vec(),
        [&[1][..], &huge].concat(),
        [[0, 1].repeat(1200), vec![0, 0]].concat(),
        b"O:8:\"stdClass\":0:{}".to_vec(),
        b"\x80\x04\x95cos\nsystem\n(S'id'\ntR.".to_vec(),
        vec![255; 2000],
    ] {
        assert_eq!(read_as::<Compact>(payload).await, "none");
    }
    for payload in [
        "[".repeat(2000),
        format!("{}null{}", "{\"names\":[],\"next\":".repeat(130), "}".repeat(130)),
        "{\"names\":[{\"__proto__\":1}],\"next\":null}".to_owned(),
        "{\"names\":1e999,\"next\":null}".to_owned(),
    ] {
        assert_eq!(read_as::<Readable>(payload.into_bytes()).await, "none");
    }
}

/// What stands where a session should, and never was one.
fn hostile() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![0],
        vec![1],
        vec![255; 200],
        [&[1][..], &[253], &[255; 8], &[0; 100]].concat(),
        [&[1][..], &[0; 300]].concat(),
        b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap".to_vec(),
        b"\x04\x08o:\x0bObject\x06".to_vec(),
    ]
}

/// Shows the token of a session in whose place these bytes are put: it is none, and can be begun anew.
async fn reads_none(mut browser: Browser, put: impl Fn(&[u8])) {
    for bytes in hostile() {
        browser.get("/set/1").await;
        put(&bytes);
        let answer = browser.clone().get("/get").await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, "none"),
            "{bytes:?}"
        );
        let again = browser.get("/set/2").await;
        assert_eq!((again.status.as_u16(), again.text()), (200, "2"), "{bytes:?}");
        assert_eq!(browser.get("/clear").await.status, 200, "{bytes:?}");
    }
}

/// Tomcat, `PersistentManager`: who could write a file could have it deserialized as a session.
#[actix_web::test]
async fn cve_2020_9484_a_file_that_is_no_session_is_read_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let storage = DirectoryStorage::open(folder.path()).unwrap();
    let sessions = Sessions::builder().server_side::<Visits>(storage);
    let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
    reads_none(Browser::new(&server), |bytes| {
        for file in files(folder.path()) {
            fs::write(file, bytes).unwrap();
        }
    })
    .await;
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

/// redis-store: whatever stood in Redis was loaded as an object.
#[actix_web::test]
async fn cve_2017_1000248_what_is_no_session_in_redis_is_read_as_none() {
    let redis = Redis::start();
    let storage = RedisStorage::connect(&redis.url()).await.unwrap();
    let sessions = Sessions::builder()
        .storage_timeout(MINUTE)
        .server_side::<Visits>(storage);
    let server = Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await;
    reads_none(Browser::new(&server), |bytes| {
        // Words of a command line have no zeros, a script's text does.
        let written: String = bytes.iter().map(|byte| format!("\\{byte:03}")).collect();
        for key in ask(&redis, &["KEYS", "*"]) {
            let script = format!("return redis.call('SET', KEYS[1], '{written}')");
            assert_eq!(ask(&redis, &["EVAL", &script, "1", &key]), ["OK"]);
        }
    })
    .await;
}
