//! A token counts where its session's transport looks for it, and nowhere else (OWASP session management: "accept only
//! the mechanism that is used"; ASVS 5.0, 14.2.1); and what it is made of reaches no log (16.4.1).

use actix_web::{
    http::header::COOKIE,
    test::TestRequest,
    web::{Bytes, ServiceConfig, post},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{CurrentSession, Session, Sessions, storage::MemoryStorage};
use tracing::Level;

use crate::support::{Browser, Log, Numbered, Server, Visits, numbers};

/// Of the same shape, in a header.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "X-Points", transport = header)]
struct Points {
    points: u32,
}

impl Numbered for Points {
    fn of(points: u32) -> Self {
        Self { points }
    }

    fn number(&mut self) -> &mut u32 {
        &mut self.points
    }

    fn shown(&self) -> u32 {
        self.points
    }
}

fn routes(config: &mut ServiceConfig) {
    numbers::<Visits>("")(config);
    numbers::<Points>("/points")(config);
    config.route(
        "/body",
        post().to(async |session: CurrentSession<Visits>, _: Bytes| {
            session.get().map_or(0, |visits| visits.count).to_string()
        }),
    );
}

async fn server() -> Server {
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .server_side::<Points>(MemoryStorage::new())
        .build();
    Server::new(sessions.unwrap(), routes).await
}

#[actix_web::test]
async fn a_cookies_token_counts_in_no_query_path_body_or_other_header() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    browser.get("/set/7").await;
    let token = browser.value("VISITS").unwrap().to_owned();
    let pair = format!("VISITS={token}");

    for path in [
        format!("/get?{pair}"),
        format!("/get?token={token}"),
        format!("/get;{pair}"),
        format!("/get#{pair}"),
    ] {
        let answer = server.call(TestRequest::get().uri(&path).to_request()).await;
        assert_ne!(answer.text(), "7", "{path}");
        assert!(answer.cookies().is_empty(), "{path}");
    }
    for header in [
        "VISITS",
        "X-VISITS",
        "Authorization",
        "Cookie2",
        "Set-Cookie",
        "X-Points",
    ] {
        for value in [token.clone(), pair.clone(), format!("Bearer {token}")] {
            let request = TestRequest::get().uri("/get").insert_header((header, value));
            let answer = server.call(request.to_request()).await;
            assert_eq!(answer.text(), "none", "{header}");
        }
    }
    let posted = TestRequest::post().uri("/body").set_payload(pair.clone());
    assert_eq!(server.call(posted.to_request()).await.text(), "0");

    let posted = TestRequest::post().uri("/body").insert_header((COOKIE, pair));
    assert_eq!(server.call(posted.to_request()).await.text(), "7", "it is good");
}

#[actix_web::test]
async fn a_headers_token_counts_in_no_cookie_query_or_other_header() {
    let server = server().await;
    let mut client = Browser::new(&server).minding("X-Points");
    client.get("/points/set/7").await;
    let token = client.token("X-Points").to_owned();
    let get = |path: &str| TestRequest::get().uri(path);
    for request in [
        get(&format!("/points/get?X-Points={token}")),
        get("/points/get").insert_header((COOKIE, format!("X-Points={token}; VISITS={token}"))),
        get("/points/get").insert_header(("X-Points-Other", token.clone())),
        get("/points/get").insert_header(("Authorization", format!("Bearer {token}"))),
        // What one type's token is to another: nothing.
        get("/get").insert_header((COOKIE, format!("VISITS={token}"))),
    ] {
        assert_eq!(server.call(request.to_request()).await.text(), "none");
    }
    assert_eq!(client.get("/points/get").await.text(), "7", "it is good");
}

#[actix_web::test]
async fn nothing_that_a_client_makes_up_stands_in_the_log_as_it_came() {
    let log = Log::begin();
    let server = server().await;
    for name in ["VISITS", "X-Points"] {
        for made_up in [
            &b"A\x1b[31mred"[..],
            b"A%0d%0aSet-Cookie:x=1",
            b"A\tB",
            "\u{2028}\u{202e}txt".as_bytes(),
            b"\xff\xfe",
            b"${jndi:ldap://x}",
            b"<script>",
        ] {
            let request = if name == "VISITS" {
                let cookie = [b"VISITS=", made_up].concat();
                let cookie = actix_web::http::header::HeaderValue::from_bytes(&cookie);
                let Ok(cookie) = cookie else { continue };
                TestRequest::get().uri("/get").insert_header((COOKIE, cookie))
            } else {
                let value = actix_web::http::header::HeaderValue::from_bytes(made_up);
                let Ok(value) = value else { continue };
                TestRequest::get().uri("/points/get").insert_header((name, value))
            };
            assert_eq!(server.call(request.to_request()).await.text(), "none");
        }
    }
    let lines = log.up_to(Level::TRACE);
    assert!(lines.iter().any(|line| line.contains("malformed")), "{lines:#?}");
    for line in lines {
        assert!(line.chars().all(|letter| !letter.is_control()), "{line:?}");
        for part in ["red", "0d", "jndi", "script", "txt", "\u{202e}"] {
            assert!(!line.contains(part), "{line:?}");
        }
    }
}
