//! Data classes that change while sessions live on.

use actix_web::web::{ServiceConfig, get};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, RequiredSession, Session, Sessions, protection::Encrypted, serializer::Json,
    storage::MemoryStorage,
};

use crate::support::{Browser, Log, Server, Spy, Visits, keys, numbers, ok};

/// What `Visits` becomes in the next release.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "VISITS", version = 2)]
struct NewVisits {
    count: u64,
}

/// `Visits` with another field, of which the programmer has not told.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "VISITS")]
struct OtherVisits {
    count: u32,
    flags: u32,
}

fn new_routes(config: &mut ServiceConfig) {
    config.route(
        "/set",
        get().to(async |session: CurrentSession<NewVisits>| {
            session.set(NewVisits { count: 1 })?;
            ok("set")
        }),
    );
    config.route(
        "/get",
        get().to(async |session: CurrentSession<NewVisits>| {
            session
                .get()
                .map_or("none".to_owned(), |visits| visits.count.to_string())
        }),
    );
}

#[actix_web::test]
async fn a_session_of_a_newer_version_is_left_alone() {
    let (keys, spy) = (keys(), Spy::default());
    let by_id = (
        Sessions::builder().server_side::<NewVisits>(spy.clone()),
        Sessions::builder().server_side::<Visits>(spy.clone()),
    );
    let by_value = (
        Sessions::builder().client_side::<NewVisits>(Encrypted::new(&keys)),
        Sessions::builder().client_side::<Visits>(Encrypted::new(&keys)),
    );
    for (new, old) in [by_id, by_value] {
        let mut new = Browser::new(&Server::new(new.build().unwrap(), new_routes).await);
        new.get("/set").await;
        let old = Server::new(old.build().unwrap(), |config| {
            config
                .configure(numbers::<Visits>(""))
                .route("/required", get().to(async |_: RequiredSession<Visits>| "ran"));
        })
        .await;
        let mut browser = Browser::new(&old);
        browser.put("VISITS", new.value("VISITS").unwrap());
        spy.calls();
        let read = browser.get("/get").await;
        assert_eq!((read.text(), read.cookies()), ("none", vec![]));
        assert_eq!(browser.get("/status").await.text(), "Foreign");
        for path in ["/set/5", "/update", "/insert", "/required"] {
            let refused = browser.get(path).await;
            assert_eq!((refused.status.as_u16(), refused.text()), (503, ""), "{path}");
            assert_eq!(refused.lines("retry-after").len(), 1, "{path}");
            assert_eq!(refused.cookies(), [], "{path}");
        }
        assert!(spy.calls().iter().all(|call| *call == "load"));
        assert_eq!(new.get("/get").await.text(), "1");
        // A login is no change of the old session, so it may take its place.
        browser.get("/start/9").await;
        assert_eq!(browser.get("/get").await.text(), "9");
    }
}

#[actix_web::test]
async fn a_session_of_another_shape_is_never_misread() {
    let storage = MemoryStorage::new();
    let before = Sessions::builder().server_side::<Visits>(storage.clone());
    let mut browser = Browser::new(&Server::new(before.build().unwrap(), numbers::<Visits>("")).await);
    browser.get("/set/1").await;
    let after = Sessions::builder().server_side::<OtherVisits>(storage);
    let server = Server::new(after.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: CurrentSession<OtherVisits>| {
                session.get().map_or("none".to_owned(), |visits| {
                    format!("{} {}", visits.count, visits.flags)
                })
            }),
        );
    })
    .await;
    let mut later = Browser::new(&server);
    later.put("VISITS", browser.value("VISITS").unwrap());
    let log = Log::begin();
    let answer = later.get("/").await;
    assert_eq!((answer.text(), answer.cookies()), ("none", vec![]));
    let complaints = log.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains("`version`") && complaints[0].contains("`previous`"));
    assert_eq!(
        browser.get("/get").await.text(),
        "1",
        "the old release reads it still"
    );
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "NOTE", serializer = Json)]
struct Note {
    text: String,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "NOTE", serializer = Json)]
struct NoteWithColour {
    text: String,
    #[serde(default)]
    colour: Option<String>,
}

#[actix_web::test]
async fn a_format_that_names_its_fields_reads_what_it_can() {
    let keys = keys();
    let before = Sessions::builder().client_side::<Note>(Encrypted::new(&keys));
    let before = Server::new(before.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: CurrentSession<Note>| {
                session.set(Note {
                    text: "hello".to_owned(),
                })?;
                ok(session.get().map_or(0, |note| note.text.len()).to_string())
            }),
        );
    })
    .await;
    let mut browser = Browser::new(&before);
    browser.get("/").await;
    let after = Sessions::builder().client_side::<NoteWithColour>(Encrypted::new(&keys));
    let after = Server::new(after.build().unwrap(), |config| {
        config.route(
            "/",
            get().to(async |session: RequiredSession<NoteWithColour>| {
                format!("{} {:?}", session.text, session.colour)
            }),
        );
    })
    .await;
    let mut later = Browser::new(&after);
    later.put("NOTE", browser.value("NOTE").unwrap());
    assert_eq!(later.get("/").await.text(), "hello None");
}
