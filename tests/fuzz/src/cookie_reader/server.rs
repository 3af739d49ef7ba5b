//! A server with three sessions that only reads them.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix_http::Request;
use actix_web::{
    App, HttpRequest, HttpResponse,
    body::{self, BoxBody},
    dev::{Service, ServiceResponse},
    http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE},
    rt::System,
    test::{self, TestRequest},
    web,
};
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use sessions_actix::{CurrentSession, ManualClock, Session, SessionStatus, Sessions, protection::Encrypted};

use super::Lines;
use crate::{keys::ring, watched::Watched};

#[derive(Session, Serialize, Deserialize)]
#[session(name = "__Host-login")]
struct Login {
    which: usize,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "theme")]
struct Theme {
    which: usize,
}

#[derive(Session, Serialize, Deserialize)]
#[session(name = "x-robot", transport = header)]
struct Robot {
    which: usize,
}

/// What a request has of one session.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    status: String,
    /// Which of the two.
    which: Option<usize>,
    removed: bool,
}

impl Seen {
    pub(super) fn live(which: usize) -> Self {
        Self {
            which: Some(which),
            ..Self::without(SessionStatus::Live)
        }
    }

    pub(super) fn without(status: SessionStatus) -> Self {
        Self {
            status: format!("{status:?}"),
            which: None,
            removed: false,
        }
    }

    pub(super) fn removed() -> Self {
        Self {
            removed: true,
            ..Self::without(SessionStatus::Invalid)
        }
    }
}

#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) login: Seen,
    pub(super) theme: Seen,
    pub(super) robot: Seen,
    /// How often the storage was asked.
    pub(super) loads: usize,
}

type Answering = Box<dyn Fn(Request) -> LocalBoxFuture<'static, ServiceResponse<BoxBody>>>;

pub(super) struct Server {
    system: actix_web::rt::SystemRunner,
    answering: Answering,
    storage: Arc<Watched>,
    /// Two live tokens of each session, the second begun later.
    pub(super) login: [String; 2],
    pub(super) theme: [String; 2],
    pub(super) robot: [String; 2],
}

async fn begin(
    request: HttpRequest,
    login: CurrentSession<Login>,
    theme: CurrentSession<Theme>,
    robot: CurrentSession<Robot>,
) -> actix_web::Result<HttpResponse> {
    // In the query, as the framework leaks the names of parts of a path.
    let which = request.query_string().parse().unwrap();
    login.start(Login { which })?;
    theme.start(Theme { which })?;
    robot.start(Robot { which })?;
    Ok(HttpResponse::Ok().finish())
}

async fn read(
    login: CurrentSession<Login>,
    theme: CurrentSession<Theme>,
    robot: CurrentSession<Robot>,
) -> String {
    let seen = |status: SessionStatus, which: Option<usize>| {
        format!(
            "{status:?} {}",
            which.map_or_else(|| "-".to_owned(), |which| which.to_string())
        )
    };
    [
        seen(login.status(), login.get().map(|login| login.which)),
        seen(theme.status(), theme.get().map(|theme| theme.which)),
        seen(robot.status(), robot.get().map(|robot| robot.which)),
    ]
    .join("\n")
}

impl Server {
    pub(super) fn start() -> Self {
        let system = System::new();
        let (storage, clock) = (Arc::new(Watched::default()), ManualClock::default());
        let sessions = Sessions::builder()
            .clock(clock.clone())
            .server_side::<Login>(Arc::clone(&storage))
            .client_side::<Theme>(Encrypted::new(&ring()))
            .server_side::<Robot>(Arc::clone(&storage))
            .build()
            .unwrap();
        let app = App::new()
            .wrap(sessions)
            .route("/begin", web::post().to(begin))
            .route("/", web::get().to(read));
        let service = Rc::new(system.block_on(test::init_service(app)));
        let answering: Answering = Box::new(move |request| {
            let service = Rc::clone(&service);
            Box::pin(async move { service.call(request).await.unwrap().map_into_boxed_body() })
        });
        let [first, second] = [0, 1].map(|number| {
            clock.advance(Duration::from_secs(1));
            let request = TestRequest::post().uri(&format!("/begin?{number}")).to_request();
            let response = system.block_on(answering(request));
            ["__Host-login", "theme", "x-robot"].map(|name| sent(&response, name))
        });
        let [[login, theme, robot], [other_login, other_theme, other_robot]] = [first, second];
        storage.asked();
        Self {
            system,
            answering,
            storage,
            login: [login, other_login],
            theme: [theme, other_theme],
            robot: [robot, other_robot],
        }
    }

    pub(super) fn tokens(&self) -> [&str; 6] {
        let tokens = [&self.login, &self.theme, &self.robot].map(|[one, other]| [&**one, &**other]);
        tokens.concat().try_into().unwrap()
    }

    pub(super) fn ask(&self, lines: &Lines) -> Answer {
        let mut request = TestRequest::get().uri("/");
        for line in &lines.cookies {
            request = request.append_header((COOKIE, HeaderValue::from_bytes(line).unwrap()));
        }
        for line in &lines.header {
            let name = HeaderName::from_static("x-robot");
            request = request.append_header((name, HeaderValue::from_bytes(line).unwrap()));
        }
        let response = self.system.block_on((self.answering)(request.to_request()));
        let told: Vec<_> = response.headers().get_all(SET_COOKIE).map(text).collect();
        let of_robot: Vec<_> = response.headers().get_all("x-robot").map(text).collect();
        let removes = |name: &str| {
            let said = told.iter().filter(|line| line.starts_with(&format!("{name}=")));
            let said: Vec<_> = said.collect();
            assert!(said.iter().all(|line| line.starts_with(&format!("{name}=;"))));
            said.len() == 1
        };
        let removed = [removes("__Host-login"), removes("theme"), of_robot == [""]];
        let told_in_all = removed.iter().filter(|removed| **removed).count();
        assert_eq!(told.len() + of_robot.len(), told_in_all);

        let body = self
            .system
            .block_on(body::to_bytes(response.into_body()))
            .unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let mut seen = body.lines().zip(removed).map(|(line, removed)| {
            let (status, which) = line.split_once(' ').unwrap();
            Seen {
                status: status.to_owned(),
                which: which.parse().ok(),
                removed,
            }
        });
        let (loads, writes) = self.storage.asked();
        assert_eq!(writes, 0);
        Answer {
            login: seen.next().unwrap(),
            theme: seen.next().unwrap(),
            robot: seen.next().unwrap(),
            loads,
        }
    }
}

/// The token of this session that was sent.
fn sent(response: &ServiceResponse, name: &str) -> String {
    let headers = response.headers();
    if let Some(token) = headers.get(name) {
        return text(token).to_owned();
    }
    let mut lines = headers.get_all(SET_COOKIE).map(text);
    let token = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    token.unwrap().split(';').next().unwrap().to_owned()
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap()
}
