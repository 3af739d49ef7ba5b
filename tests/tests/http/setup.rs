//! Mistakes in setting sessions up: refused when built, or a 500 that the log explains.

use actix_web::web::get;
use serde::{Deserialize, Serialize};
use sessions_actix::{
    ConfigError, CurrentSession, RequiredSession, Session, SessionAdmin, Sessions, SessionsExt, challenge,
    options::ServerSide,
    protection::{BoundProtection, Encrypted, Guarantee, Plain, Protection, ProtectionError, Purpose},
    storage::MemoryStorage,
};

use crate::support::{Answer, Basket, Browser, Log, Server, Visits, keys, numbers};

#[test]
fn two_registrations_of_one_name_are_refused() {
    let refused = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .client_side_with::<Basket>(Encrypted::new(&keys()), |o| o.name("VISITS"))
        .build()
        .unwrap_err();
    assert!(matches!(refused, ConfigError::DuplicateName { .. }));
    let text = refused.to_string();
    for part in ["Visits", "Basket", "`VISITS`", "#[session(name"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn names_that_differ_in_case_alone_are_one_name() {
    let refused = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .server_side_with::<Basket>(MemoryStorage::new(), |o| o.name("visits"))
        .build();
    assert!(matches!(refused, Err(ConfigError::DuplicateName { .. })));
}

#[test]
fn two_registrations_of_one_type_are_refused() {
    let refused = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .client_side_with::<Visits>(Encrypted::new(&keys()), |o| o.name("OTHER"))
        .build()
        .unwrap_err();
    assert!(matches!(refused, ConfigError::DuplicateType { .. }));
    assert!(refused.to_string().contains("Visits"), "{refused}");
}

#[test]
fn a_challenge_for_a_type_that_is_not_registered_is_refused() {
    let refused = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .challenge::<Basket>(challenge::redirect_to("/login"))
        .build()
        .unwrap_err();
    assert!(refused.to_string().contains("Basket"), "{refused}");
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "VISITS", version = 2, previous = Visits)]
struct NewVisits {
    count: u32,
}

impl From<Visits> for NewVisits {
    fn from(Visits { count }: Visits) -> Self {
        Self { count }
    }
}

impl From<&NewVisits> for Visits {
    fn from(NewVisits { count }: &NewVisits) -> Self {
        Self { count: *count }
    }
}

#[test]
fn a_format_for_a_type_that_is_not_registered_is_refused() {
    let refused = Sessions::builder()
        .server_side::<Basket>(MemoryStorage::new())
        .write_previous::<NewVisits>()
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("NewVisits") && refused.contains("`write_previous`"),
        "{refused}"
    );
}

#[actix_web::test]
async fn what_is_said_of_a_type_may_stand_in_any_order() {
    let sessions = Sessions::builder()
        .write_previous::<NewVisits>()
        .challenge::<NewVisits>(challenge::redirect_to("/login"))
        .server_side::<NewVisits>(MemoryStorage::new())
        .write_previous::<NewVisits>();
    let server = Server::new(sessions.build().unwrap(), |config| {
        config.route("/", get().to(async |_: RequiredSession<NewVisits>| "ran"));
    })
    .await;
    let sent_on = Browser::new(&server).get("/").await;
    assert_eq!(sent_on.lines("location"), ["/login"]);
}

/// Changes the form and protects nothing.
struct Reversed;

impl Protection for Reversed {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Nothing
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(Self))
    }
}

impl BoundProtection for Reversed {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        bytes.reverse();
        Ok(())
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        bytes.reverse();
        Ok(())
    }
}

#[actix_web::test]
async fn a_chain_that_protects_nothing_has_to_say_so() {
    let refused = Sessions::builder().client_side::<Visits>(Reversed).build();
    assert!(matches!(refused, Err(ConfigError::Unprotected { .. })));
    for sessions in [
        Sessions::builder().client_side::<Visits>(Reversed.then(Plain)),
        Sessions::builder().client_side::<Visits>(Reversed.then(Encrypted::new(&keys()))),
    ] {
        let mut browser = Browser::new(&Server::new(sessions.build().unwrap(), numbers::<Visits>("")).await);
        browser.get("/set/6").await;
        assert_eq!(browser.get("/get").await.text(), "6");
    }
}

#[test]
fn a_touch_interval_as_long_as_the_idle_timeout_is_refused() {
    let hour = std::time::Duration::from_secs(60 * 60);
    let options = |o: sessions_actix::options::Options<ServerSide>| o.idle_timeout(hour).touch_interval(hour);
    let refused = Sessions::builder()
        .server_side_with::<Visits>(MemoryStorage::new(), options)
        .build();
    assert!(matches!(refused, Err(ConfigError::Option { .. })));
}

fn routes(config: &mut actix_web::web::ServiceConfig) {
    config
        .route("/current", get().to(async |_: CurrentSession<Basket>| "ran"))
        .route("/required", get().to(async |_: RequiredSession<Basket>| "ran"))
        .route("/admin", get().to(async |_: SessionAdmin<Basket>| "ran"))
        .route(
            "/request",
            get()
                .to(async |request: actix_web::HttpRequest| request.session::<Basket>().await.map(|_| "ran")),
        );
}

const PATHS: [&str; 4] = ["/current", "/required", "/admin", "/request"];

fn is_a_bare_500(answer: &Answer) -> bool {
    answer.status == 500 && answer.body.is_empty() && answer.cookies().is_empty()
}

#[actix_web::test]
async fn an_unregistered_type_is_a_bare_500_and_one_line_that_names_the_fix() {
    let sessions = || {
        let builder = Sessions::builder().server_side::<Visits>(MemoryStorage::new());
        builder.build().unwrap()
    };
    let server = Server::new(sessions(), routes).await;
    for path in PATHS {
        let log = Log::begin();
        assert!(is_a_bare_500(&server.get(path).await), "{path}");
        let complaints = log.complaints();
        assert_eq!(complaints.len(), 1, "{path}: {complaints:?}");
        assert!(
            complaints[0].contains(".server_side::<Basket>(storage)"),
            "{complaints:?}"
        );
    }
}

#[actix_web::test]
async fn no_middleware_is_a_bare_500_and_one_line_that_names_the_fix() {
    let server = Server::without_sessions(routes).await;
    for path in PATHS {
        let log = Log::begin();
        assert!(is_a_bare_500(&server.get(path).await), "{path}");
        let complaints = log.complaints();
        assert_eq!(complaints.len(), 1, "{path}: {complaints:?}");
        assert!(
            complaints[0].contains(".wrap(sessions.clone())"),
            "{complaints:?}"
        );
        assert!(complaints[0].contains("Basket"), "{complaints:?}");
    }
}

#[actix_web::test]
async fn an_unregistered_type_leaves_the_others_alone() {
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.configure(numbers::<Visits>("")).configure(routes);
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/set/1").await;
    assert_eq!(browser.get("/current").await.status, 500);
    assert_eq!(browser.get("/get").await.text(), "1");
}
