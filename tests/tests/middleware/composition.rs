//! Other middleware, on either side.

use actix_cors::Cors;
use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, ErrorInternalServerError},
    guard::fn_guard,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::{
        Compress, Condition, ErrorHandlerResponse, ErrorHandlers, Logger, Next, NormalizePath, from_fn,
    },
    test::{self, TestRequest},
    web,
};
use sessions_actix::{CurrentSession, SessionErrorKind, SessionPeek as _, SessionsExt as _};
use tests::judge::Exception;

use crate::support::{
    Answer, Behaviour, Call, Login, Preferences, Spy, begin, get, get_with, login, send, send_except,
    sessions, theme, user,
};

const CORS_ORIGIN: HeaderName = header::ACCESS_CONTROL_ALLOW_ORIGIN;

async fn visit(session: CurrentSession<Login>) -> actix_web::Result<String> {
    let visits = session
        .update_or_insert_with(
            || login("ada"),
            |login| {
                login.visits += 1;
                login.visits
            },
        )
        .await?;
    // Long enough to be compressed.
    Ok(format!("{visits} {}", "x".repeat(2000)))
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/visit", web::get().to(visit))
        .route(
            "/set",
            web::get().to(|session: CurrentSession<Login>| async move {
                session.set(login("eve")).map(|()| "set")
            }),
        )
        .route(
            "/forbidden",
            web::get().to(|session: CurrentSession<Login>| async move {
                session.set(login("eve"))?;
                Err::<String, _>(ErrorForbidden("no"))
            }),
        )
        .route(
            "/broken",
            web::get().to(
                |one: CurrentSession<Login>, other: CurrentSession<Preferences>| async move {
                    one.set(login("eve"))?;
                    other.clear()?;
                    Err::<String, _>(ErrorInternalServerError("broken"))
                },
            ),
        );
}

/// A client that comes back, from another origin.
async fn comes_back<S, B>(app: &S)
where
    S: actix_web::dev::Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let request = || {
        get("/visit")
            .insert_header((header::ORIGIN, "https://client.example"))
            .insert_header((header::ACCEPT_ENCODING, "gzip"))
    };
    // Compression outside adds a line of its own.
    let first = send_except(app, request(), Exception::VaryOutside).await;
    assert_eq!(first.status, StatusCode::OK);
    let token = first.sent("LOGIN").unwrap();
    let second = send(app, request().insert_header((header::COOKIE, token))).await;
    assert_eq!((second.status, second.set_cookies().len()), (StatusCode::OK, 0));
    let compressed = second.header(header::CONTENT_ENCODING) == Some("gzip");
    assert!(compressed || second.text().starts_with("2 "));
    let vary: Vec<_> = second.headers.get_all(header::VARY).collect();
    let all = vary
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect::<Vec<_>>()
        .join(",");
    assert!(all.to_lowercase().contains("cookie"), "{all}");
}

/// One test with the middleware outside the sessions, one with it inside.
macro_rules! stands_on_either_side {
    ($($name:ident: $middleware:expr;)*) => {$(
        mod $name {
            use super::*;

            #[actix_web::test]
            async fn stands_outside() {
                let app = App::new().wrap(sessions(&Spy::new())).wrap($middleware).configure(routes);
                comes_back(&test::init_service(app).await).await;
            }

            #[actix_web::test]
            async fn stands_inside() {
                let app = App::new().wrap($middleware).wrap(sessions(&Spy::new())).configure(routes);
                comes_back(&test::init_service(app).await).await;
            }
        }
    )*};
}

stands_on_either_side! {
    logger: Logger::new("%r %s %{Set-Cookie}o");
    compress: Compress::default();
    condition: Condition::new(true, Logger::default());
    normalize_path: NormalizePath::trim();
    cors: Cors::default().allowed_origin("https://client.example").supports_credentials();
    error_handlers: ErrorHandlers::new().default_handler(|response| {
        Ok(ErrorHandlerResponse::Response(response.map_into_left_body()))
    });
    a_function: from_fn(pass);
}

async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    next.call(request).await
}

#[actix_web::test]
async fn it_may_stand_under_a_condition() {
    for wanted in [true, false] {
        let condition = Condition::new(wanted, sessions(&Spy::new()));
        let app = test::init_service(App::new().wrap(condition).configure(routes)).await;
        if wanted {
            comes_back(&app).await;
        } else {
            let answer = send(&app, get("/visit")).await;
            assert!(answer.is_bare(StatusCode::INTERNAL_SERVER_ERROR));
        }
    }
}

#[actix_web::test]
async fn a_normalized_path_finds_its_session() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    for path in ["/visit/", "//visit", "//visit//"] {
        let outside = test::init_service(
            App::new()
                .wrap(sessions.clone())
                .wrap(NormalizePath::trim())
                .configure(routes),
        )
        .await;
        assert_eq!(
            send(&outside, get_with(path, &token)).await.status,
            StatusCode::OK
        );
        let inside = test::init_service(
            App::new()
                .wrap(NormalizePath::trim())
                .wrap(sessions.clone())
                .configure(routes),
        )
        .await;
        assert_eq!(send(&inside, get_with(path, &token)).await.status, StatusCode::OK);
    }
}

#[actix_web::test]
async fn a_failed_commit_passes_the_cors_around_it() {
    let storage = Spy::new();
    let cors = || {
        Cors::default()
            .allowed_origin("https://client.example")
            .supports_credentials()
    };
    let app = test::init_service(App::new().wrap(sessions(&storage)).wrap(cors()).configure(routes)).await;
    storage.on(Call::Create, Behaviour::Fail);
    let request = get("/set").insert_header((header::ORIGIN, "https://client.example"));
    let answer = send(&app, request).await;
    assert!(answer.is_bare(StatusCode::SERVICE_UNAVAILABLE), "{answer:?}");
    assert_eq!(answer.header(CORS_ORIGIN), Some("https://client.example"));
}

#[actix_web::test]
async fn vary_of_sessions_and_of_cors_are_both_there() {
    for outside in [true, false] {
        let cors = || Cors::default().allowed_origin("https://client.example");
        let request = get("/set").insert_header((header::ORIGIN, "https://client.example"));
        let sessions = sessions(&Spy::new());
        let answer = if outside {
            let app = App::new().wrap(sessions).wrap(cors()).configure(routes);
            send(&test::init_service(app).await, request).await
        } else {
            let app = App::new().wrap(cors()).wrap(sessions).configure(routes);
            send(&test::init_service(app).await, request).await
        };
        let vary = answer.header(header::VARY).unwrap().to_lowercase();
        assert!(vary.contains("origin") && vary.contains("cookie"), "{vary}");
        assert_eq!(answer.headers.get_all(header::VARY).count(), 1);
    }
}

fn replace<B>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let (request, _) = response.into_parts();
    let page = HttpResponse::Forbidden().body("a page").map_into_right_body();
    Ok(ErrorHandlerResponse::Response(ServiceResponse::new(
        request, page,
    )))
}

#[actix_web::test]
async fn an_error_page_made_inside_carries_the_cookie() {
    let pages = ErrorHandlers::new().handler(StatusCode::FORBIDDEN, replace);
    let app = App::new()
        .wrap(pages)
        .wrap(sessions(&Spy::new()))
        .configure(routes);
    let answer = send(&test::init_service(app).await, get("/forbidden")).await;
    assert_eq!(answer.text(), "a page");
    assert!(answer.sent("LOGIN").is_some());
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[actix_web::test]
async fn an_error_page_made_outside_drops_the_cookie_as_documented() {
    let storage = Spy::new();
    let pages = ErrorHandlers::new().handler(StatusCode::FORBIDDEN, replace);
    let app = App::new().wrap(sessions(&storage)).wrap(pages).configure(routes);
    let answer = send(&test::init_service(app).await, get("/forbidden")).await;
    assert_eq!(answer.text(), "a page");
    assert_eq!(answer.set_cookies(), Vec::<String>::new());
    assert_eq!(storage.calls(), [Call::Create]);
}

#[actix_web::test]
async fn an_error_of_the_handler_below_500_keeps_what_was_set() {
    let storage = Spy::new();
    let app = App::new().wrap(sessions(&storage)).configure(routes);
    let answer = send(&test::init_service(app).await, get("/forbidden")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::FORBIDDEN, "no"));
    assert!(answer.sent("LOGIN").is_some());
    assert_eq!(storage.calls(), [Call::Create]);
}

#[actix_web::test]
async fn a_server_error_of_the_handler_drops_what_was_set_and_still_clears() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, theme("dark")).await;
    let app = App::new().wrap(sessions).configure(routes);
    let answer = send(&test::init_service(app).await, get_with("/broken", &token)).await;
    assert_eq!(
        (answer.status, answer.text()),
        (StatusCode::INTERNAL_SERVER_ERROR, "broken")
    );
    assert!(answer.removes("PREFERENCES"));
    assert_eq!(answer.set_cookie("LOGIN"), None);
    assert_eq!(storage.calls(), []);
}

/// Sets one session and clears another, and answers with an error that is no response.
async fn fail(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    request.session::<Login>().await?.start(login("eve"))?;
    request.session::<Preferences>().await?.clear()?;
    match request.path() {
        "/forbidden" => return Err(ErrorForbidden("stop")),
        "/broken" => return Err(ErrorInternalServerError("stop")),
        _ => {}
    }
    next.call(request).await
}

async fn ask_failing(storage: &std::sync::Arc<Spy>, path: &str) -> Answer {
    let sessions = sessions(storage);
    let token = begin(&sessions, theme("dark")).await;
    let app = App::new().wrap(from_fn(fail)).wrap(sessions).configure(routes);
    send(&test::init_service(app).await, get_with(path, &token)).await
}

#[actix_web::test]
async fn an_error_of_inner_middleware_below_500_carries_the_cookies() {
    let storage = Spy::new();
    let answer = ask_failing(&storage, "/forbidden").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::FORBIDDEN, "stop"));
    assert!(answer.sent("LOGIN").is_some() && answer.removes("PREFERENCES"));
    assert_eq!(answer.header(header::VARY), Some("cookie"));
    assert_eq!(storage.calls(), [Call::Create]);
}

#[actix_web::test]
async fn a_server_error_of_inner_middleware_drops_what_was_started_and_still_clears() {
    let storage = Spy::new();
    let answer = ask_failing(&storage, "/broken").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.set_cookie("LOGIN"), None);
    assert!(answer.removes("PREFERENCES"));
    assert_eq!(storage.calls(), []);
}

#[actix_web::test]
async fn an_error_of_inner_middleware_whose_commit_fails_is_a_503() {
    let storage = Spy::new();
    storage.on(Call::Create, Behaviour::Fail);
    let answer = ask_failing(&storage, "/forbidden").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.is_empty());
    assert_eq!(answer.set_cookie("LOGIN"), None);
}

#[actix_web::test]
async fn middleware_inside_reads_and_writes_sessions() {
    async fn count(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let session = request.session::<Login>().await?;
        session.set(login("middleware"))?;
        let mut response = next.call(request).await?;
        // After the handler, and before the head.
        let seen = HeaderValue::try_from(user(&session)).unwrap();
        response
            .headers_mut()
            .insert(HeaderName::from_static("x-user"), seen);
        session.set(login("afterwards"))?;
        Ok(response)
    }
    let sessions = sessions(&Spy::new());
    let app = App::new()
        .wrap(from_fn(count))
        .wrap(sessions.clone())
        .configure(routes);
    let answer = send(&test::init_service(app).await, get("/set")).await;
    assert_eq!(answer.header(HeaderName::from_static("x-user")), Some("eve"));
    let token = answer.sent("LOGIN").unwrap();
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = App::new().wrap(sessions).route("/", web::get().to(read));
    let answer = send(&test::init_service(app).await, get_with("/", &token)).await;
    assert_eq!(answer.text(), "afterwards");
}

#[actix_web::test]
async fn middleware_outside_comes_too_early_and_too_late() {
    async fn outside(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        let early = request.session::<Login>().await.unwrap_err();
        assert!(matches!(early.kind(), SessionErrorKind::NotConfigured { .. }));
        let response = next.call(request).await?;
        let late = response.request().session::<Login>().await.unwrap_err();
        assert!(matches!(late.kind(), SessionErrorKind::AlreadyCommitted));
        Ok(response)
    }
    for path in ["/set", "/visit", "/nowhere"] {
        let app = App::new()
            .wrap(sessions(&Spy::new()))
            .wrap(from_fn(outside))
            .configure(routes);
        send(&test::init_service(app).await, get(path)).await;
    }
}

#[actix_web::test]
async fn a_guard_peeks_at_what_the_client_keeps() {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let dark = begin(&sessions, theme("dark")).await;
    let light = begin(&sessions, theme("light")).await;
    let is_dark = || {
        fn_guard(|context| {
            context
                .peek::<Preferences>()
                .is_some_and(|seen| seen.theme == "dark")
        })
    };
    let app = App::new()
        .wrap(sessions)
        .service(web::resource("/").guard(is_dark()).to(|| async { "dark" }))
        .service(web::resource("/").to(|| async { "light" }));
    let app = test::init_service(app).await;
    assert_eq!(send(&app, get_with("/", &dark)).await.text(), "dark");
    let answer = send(&app, get_with("/", &light)).await;
    assert_eq!(answer.text(), "light");
    assert_eq!(answer.header(header::VARY), Some("cookie"));
    assert_eq!(send(&app, get("/")).await.text(), "light");
}

#[actix_web::test]
async fn a_guard_peeks_at_what_is_open_and_never_asks_a_storage() {
    async fn open(
        request: ServiceRequest,
        next: Next<impl MessageBody>,
    ) -> Result<ServiceResponse<impl MessageBody>, Error> {
        if request.query_string() == "open" {
            request.session::<Login>().await?;
        }
        next.call(request).await
    }
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let token = begin(&sessions, login("ada")).await;
    let is_ada = fn_guard(|context| context.peek::<Login>().is_some_and(|seen| seen.user == "ada"));
    let app = App::new()
        .wrap(from_fn(open))
        .wrap(sessions)
        .service(web::resource("/").guard(is_ada).to(|| async { "ada" }))
        .default_service(web::to(|| async { "nobody" }));
    let app = test::init_service(app).await;
    storage.calls();
    assert_eq!(send(&app, get_with("/", &token)).await.text(), "nobody");
    assert_eq!(storage.calls(), []);
    assert_eq!(send(&app, get_with("/?open", &token)).await.text(), "ada");
    assert_eq!(storage.calls(), [Call::Load]);
}

#[actix_web::test]
async fn a_guard_without_sessions_around_it_sees_none() {
    let guard = fn_guard(|context| context.peek::<Preferences>().is_some());
    let app = App::new()
        .service(web::resource("/").guard(guard).to(|| async { "yes" }))
        .default_service(web::to(|| async { "no" }));
    let app = test::init_service(app).await;
    assert_eq!(send(&app, TestRequest::get().uri("/")).await.text(), "no");
}
