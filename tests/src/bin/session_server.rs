//! A server for tests that need several of one storage: `session_server KIND FOLDER STALENESS`, with the storage that is
//! called KIND, in that folder where it is kept in one, and with copies at most so many milliseconds old where it has any.
//! Prints its address.

use std::{env, error::Error, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer, Responder, ResponseError as _, get,
    http::header::{HeaderName, HeaderValue},
    post, web,
};
use serde::{Deserialize, Serialize};
use sessions_actix::{CurrentSession, Session, SessionError, SessionErrorKind, Sessions};
use tests::storage;

#[derive(Session, Serialize, Deserialize, Clone)]
#[session(name = "COUNT")]
struct Count {
    #[session(principal)]
    user: String,
    count: u64,
}

#[post("/login")]
async fn log_in(session: CurrentSession<Count>) -> actix_web::Result<impl Responder> {
    session.start(Count {
        user: "ada".to_owned(),
        count: 0,
    })?;
    Ok(HttpResponse::NoContent())
}

/// One more, atomically; 401 without a session. Of a failure it says whether it may have happened all the same, which
/// the status does not tell.
#[post("/add")]
async fn add(session: Result<CurrentSession<Count>, SessionError>) -> HttpResponse {
    match add_one(session).await {
        Ok(Some(count)) => HttpResponse::Ok().body(count.to_string()),
        Ok(None) => HttpResponse::Unauthorized().finish(),
        Err(error) => {
            let mut response = error.error_response();
            let written = match error.kind() {
                SessionErrorKind::Contended | SessionErrorKind::Unavailable(_) => "no",
                _ => "perhaps",
            };
            let header = (
                HeaderName::from_static("x-written"),
                HeaderValue::from_static(written),
            );
            response.headers_mut().insert(header.0, header.1);
            response
        }
    }
}

async fn add_one(session: Result<CurrentSession<Count>, SessionError>) -> Result<Option<u64>, SessionError> {
    let add_one = |count: &mut Count| {
        count.count += 1;
        count.count
    };
    session?.update(add_one).await
}

/// A slow request that writes back what it has read: `POST /write/MILLISECONDS`; 401 without a session.
#[post("/write/{milliseconds}")]
async fn write(wait: web::Path<u64>, session: CurrentSession<Count>) -> actix_web::Result<HttpResponse> {
    let Some(count) = session.get() else {
        return Ok(HttpResponse::Unauthorized().finish());
    };
    actix_web::rt::time::sleep(Duration::from_millis(*wait)).await;
    session.set(Count {
        count: count.count + 1,
        ..Count::clone(&count)
    })?;
    Ok(HttpResponse::NoContent().finish())
}

#[post("/logout")]
async fn log_out(session: CurrentSession<Count>) -> actix_web::Result<impl Responder> {
    session.clear()?;
    Ok(HttpResponse::NoContent())
}

#[get("/")]
async fn index(session: CurrentSession<Count>) -> String {
    session
        .get()
        .map_or_else(|| "nobody".to_owned(), |count| count.count.to_string())
}

/// Uses no session.
#[get("/about")]
async fn about() -> &'static str {
    "about"
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(kind), Some(folder), Some(staleness)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("session_server KIND FOLDER STALENESS".into());
    };
    let staleness = Duration::from_millis(staleness.parse()?);
    let sessions = Sessions::builder()
        .insecure_cookies_for_development()
        .server_side::<Count>(storage::open(&kind, folder.as_ref(), staleness).await?)
        .build()?;
    let server = HttpServer::new(move || {
        App::new()
            .service(log_in)
            .service(add)
            .service(write)
            .service(log_out)
            .service(index)
            .service(about)
            .wrap(sessions.clone())
    })
    .workers(2)
    .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        println!("Listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}
