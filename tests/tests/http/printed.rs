//! What a printed spec says of the wire is what goes over it.

use actix_web::web;
use serde::{Deserialize, Serialize};
use sessions_actix::{CurrentSession, ManualClock, Session, Sessions, storage::MemoryStorage};

use crate::support::{Server, ok};

#[derive(Default, Session, Serialize, Deserialize)]
struct Plain;

#[derive(Default, Session, Serialize, Deserialize)]
#[session(name = "shop", transport = cookie(path = "/shop", domain = "example.org", secure = false, http_only = false))]
struct Wide;

#[derive(Default, Session, Serialize, Deserialize)]
#[session(max_age = "30 days", transport = cookie(same_site = none, partitioned))]
struct Kept;

#[derive(Default, Session, Serialize, Deserialize)]
#[session(name = "X-Cart", transport = header)]
struct InHeader;

/// The line of a new session, with what differs each time taken out.
async fn sent<T: Session + Default>(header: &str) -> String {
    let sessions = Sessions::builder()
        .clock(ManualClock::default())
        .server_side::<T>(MemoryStorage::new())
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.route(
            "/",
            web::get().to(|session: CurrentSession<T>| async move {
                session.set(T::default())?;
                ok("")
            }),
        );
    })
    .await;
    let answer = server.get("/").await;
    let line = answer.lines(header)[0];
    let (_, rest) = line.split_once('=').unwrap_or(("", line));
    let (token, attributes) = rest.split_once(';').unwrap_or((rest, ""));
    assert_eq!(token.len(), 64);
    let varying = [("Max-Age=", "<seconds>"), ("Expires=", "<date>")];
    let mut line = line.replace(token, "<token>");
    for (attribute, shown) in varying {
        if let Some((_, rest)) = attributes.split_once(attribute) {
            line = line.replace(rest.split(';').next().unwrap(), shown);
        }
    }
    line
}

#[actix_web::test]
async fn the_line_that_a_spec_prints_is_the_line_that_is_sent() {
    async fn check<T: Session + Default>(header: &str) {
        let table = T::SPEC.to_string();
        let line = format!("on the wire        {header}: {}", sent::<T>(header).await);
        assert_eq!(table.lines().last(), Some(line.as_str()));
    }
    check::<Plain>("Set-Cookie").await;
    check::<Wide>("Set-Cookie").await;
    check::<Kept>("Set-Cookie").await;
    check::<InHeader>("X-Cart").await;
}

#[test]
fn a_printed_spec_has_a_line_for_every_option_that_says_what_holds() {
    let table = Kept::SPEC.to_string();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(
        lines[..lines.len() - 1],
        [
            "name               \"__Host-kept\"",
            "transport          cookie",
            "path               \"/\"",
            "domain             none: its own host alone",
            "secure             true",
            "http_only          true",
            "same_site          none",
            "partitioned        true",
            "max_age            \"30 days\"",
            "idle_timeout       \"30 days\", by default",
            "absolute_lifetime  \"400 days\", by default",
            "version            1",
        ]
    );
}
