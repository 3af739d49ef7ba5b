//! Paths that a client, or somebody else on the machine, had a hand in.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Mutex,
};

use actix_web::{
    Result,
    web::{self, get},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, IdGenerator, RequestView, Session, SessionAdmin, Sessions, SessionsBuilder,
    storage::DirectoryStorage,
};

use super::scene::Scene;
use crate::support::{Browser, Server, Visits, keys};

/// Everything below a folder, links unfollowed, and what is in the files.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        let content = if kind.is_file() {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        if kind.is_dir() {
            found.extend(tree(&path));
        }
        found.insert(path, content);
    }
    found
}

/// A folder of sessions with something beside it that is none of their business.
struct Place {
    around: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        fs::write(around.path().join("passwd"), "root").unwrap();
        fs::create_dir(around.path().join("etc")).unwrap();
        Self { around }
    }

    fn sessions(&self) -> PathBuf {
        self.around.path().join("sessions")
    }

    fn storage(&self) -> DirectoryStorage {
        DirectoryStorage::open(self.sessions()).unwrap()
    }

    /// What is there beside the folder of sessions.
    fn outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut outside = tree(self.around.path());
        outside.retain(|path, _| !path.starts_with(self.sessions()));
        outside
    }

    /// The files of sessions.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.sessions()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| !path.ends_with("by") && !path.ends_with(".locks"));
        files.sort();
        files
    }

    /// Whether the names of these files are all that a client has a hand in: 64 hexadecimal digits, without case.
    fn names_are_hashes(&self) -> bool {
        self.files().iter().all(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
            name.len() == 64 && name.bytes().all(is_digit)
        })
    }
}

/// Handles that are no names of files, as long as a handle may be.
fn hostile() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        "../passwd",
        "../../../../../../../../etc/passwd",
        "..\\..\\..\\passwd",
        "/etc/passwd",
        "sessions/../../passwd",
        "passwd\0.session",
        "C:\\Windows\\win.ini",
        "file:stream",
        "CON",
        "NUL.txt",
        "by",
        ".locks/00.draft",
        "~root",
        "*",
        "aAaAaAaAaAaAaAaAaAaA",
        "AaAaAaAaAaAaAaAaAaAa",
        "%2e%2e%2fpasswd",
        "\u{2025}/passwd",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    for handle in &mut all {
        while handle.len() < 16 {
            handle.extend_from_slice(b"/.");
        }
    }
    all
}

/// React Router and Remix, `createFileSessionStorage`: the id was a path, so that `../` led out of the folder.
#[actix_web::test]
async fn cve_2025_61686_no_id_leads_out_of_the_folder() {
    let place = Place::new();
    let signed = Sessions::builder().server_side_with::<Visits>(place.storage(), |o| o.signed(&keys()));
    for builder in [Sessions::builder().server_side::<Visits>(place.storage()), signed] {
        let scene = Scene::of(builder).await;
        let before = tree(place.around.path());
        let mut ids: Vec<String> = Vec::new();
        for handle in hostile() {
            // As it is, and in the place of a handle in what is a token by its form.
            ids.push(String::from_utf8(handle.clone()).unwrap());
            ids.push(URL_SAFE_NO_PAD.encode([&handle[..], &[7; 32]].concat()));
        }
        ids.push("A".repeat(5000));
        for id in ids.iter().filter(|id| !id.contains('\0')) {
            for path in ["/get", "/update", "/rotate", "/take", "/clear"] {
                let mut stranger = scene.browser();
                stranger.put("VISITS", id);
                assert_eq!(stranger.get(path).await.status, 200, "{id:?} {path}");
            }
        }
        assert_eq!(tree(place.around.path()), before);
    }
    // And one that the application itself makes, of what a client has sent.
    let ids = hostile();
    let sessions = Sessions::builder()
        .id_generator(Listed(Mutex::new(ids.clone())))
        .server_side::<Visits>(place.storage());
    let scene = Scene::of(sessions).await;
    let outside = place.outside();
    for (number, _) in ids.iter().enumerate() {
        let mut browser = scene.browser();
        browser.get(&format!("/set/{number}")).await;
        assert_eq!(browser.get("/get").await.text(), number.to_string());
    }
    // Two that differ in case alone are two, whatever the file system takes them for.
    assert_eq!(place.files().len(), ids.len());
    assert!(place.names_are_hashes());
    assert_eq!(place.outside(), outside);
}

/// Gives these handles, the last one first.
struct Listed(Mutex<Vec<Vec<u8>>>);

impl IdGenerator for Listed {
    fn handles(&self, request: &dyn RequestView) -> Box<dyn FnMut() -> Vec<u8> + Send> {
        let is_new = request.header("cookie").is_none();
        let handle = if is_new {
            self.0.lock().unwrap().pop()
        } else {
            None
        };
        Box::new(move || handle.clone().unwrap_or_default())
    }
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "OWNED")]
struct Owned {
    #[session(principal)]
    user: String,
}

async fn log_in(session: CurrentSession<Owned>, user: String) -> Result<&'static str> {
    session.start(Owned { user })?;
    Ok("in")
}

async fn how_many(admin: SessionAdmin<Owned>, user: String) -> Result<String> {
    Ok(admin.list(user.as_str()).await?.len().to_string())
}

/// sudo-rs: the file that records a user's session was called by the user's name, which may be a path.
#[actix_web::test]
async fn rustsec_2023_0069_no_users_name_leads_out_of_the_folder() {
    let place = Place::new();
    let sessions: SessionsBuilder = Sessions::builder().server_side::<Owned>(place.storage());
    let server = Server::new(sessions.build().unwrap(), |config| {
        config
            .route("/login", web::post().to(log_in))
            .route("/list", web::post().to(how_many))
            .route(
                "/out",
                get().to(async |session: CurrentSession<Owned>| session.clear().map(|()| "out")),
            );
    })
    .await;
    let outside = place.outside();
    for user in hostile() {
        let post = |path: &str| {
            actix_web::test::TestRequest::post()
                .uri(path)
                .set_payload(user.clone())
        };
        let mut browser = Browser::new(&server);
        assert_eq!(browser.send(post("/login")).await.text(), "in");
        assert_eq!(browser.send(post("/list")).await.text(), "1");
        let rosters: Vec<_> = fs::read_dir(place.sessions().join("by")).unwrap().collect();
        assert_eq!(rosters.len(), 1);
        let name = rosters[0].as_ref().unwrap().file_name();
        assert!(
            name.to_str()
                .unwrap()
                .bytes()
                .all(|digit| digit.is_ascii_hexdigit())
        );
        assert!(place.names_are_hashes());
        assert_eq!(browser.get("/out").await.text(), "out");
        assert_eq!(browser.send(post("/list")).await.text(), "0");
    }
    assert_eq!(place.outside(), outside);
}

/// Tomcat, `FileStore`: between the check of a path and its use, another file could be put there.
#[actix_web::test]
async fn cve_2022_23181_a_link_in_the_place_of_a_session_is_neither_read_nor_written_nor_followed() {
    let place = Place::new();
    let scene = Scene::of(Sessions::builder().server_side::<Visits>(place.storage())).await;
    for path in ["/get", "/set/9", "/update", "/rotate", "/clear"] {
        let mut browser = scene.browser();
        browser.get("/set/1").await;
        let file = place.files().remove(0);
        // It is a whole session that the link leads to.
        let elsewhere = place.around.path().join("etc/session");
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        let outside = place.outside();
        let answer = browser.clone().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_ne!(answer.text(), "1", "{path}");
        assert_eq!(place.outside(), outside, "{path}");
        for file in place.files() {
            fs::remove_file(file).unwrap();
        }
    }
    // Nor is the folder itself one that somebody has put there.
    symlink(place.around.path().join("etc"), place.around.path().join("link")).unwrap();
    assert!(DirectoryStorage::open(place.around.path().join("link")).is_err());
}

/// Jetty, `FileSessionDataStore`: a part of the name of a file was enough to have its session, or to delete it.
#[actix_web::test]
async fn cve_2018_12538_a_part_of_an_id_or_of_a_files_name_is_no_id() {
    let place = Place::new();
    let scene = Scene::of(Sessions::builder().server_side::<Visits>(place.storage())).await;
    let mut browser = scene.browser();
    browser.get("/set/1").await;
    let token = browser.value("VISITS").unwrap().to_owned();
    let file = place.files().remove(0);
    let name = file.file_name().unwrap().to_str().unwrap();
    let before = tree(&place.sessions());
    let parts = [
        &token[..21],
        &token[..63],
        &token[1..],
        &token[22..],
        name,
        &name[..32],
        &name[32..],
        "_",
        "*",
        "%",
        ".",
    ];
    for part in parts {
        for path in ["/get", "/take", "/clear"] {
            let mut stranger = scene.browser();
            stranger.put("VISITS", part);
            assert_eq!(stranger.get(path).await.text(), "none", "{part} {path}");
        }
    }
    assert_eq!(tree(&place.sessions()), before);
    assert_eq!(browser.get("/get").await.text(), "1");
}
