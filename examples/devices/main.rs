//! The devices on which somebody is logged in: each of one's sessions, and buttons that end one or all others.
//!
//! Run it with `cargo run -p examples --features sqlite --bin devices`, open the address that it prints, and log in with
//! one name in two browsers.
//!
//! - `PORT` and `BIND_ADDRESS`: where it listens, by default 8080 and 127.0.0.1.
//! - `SESSIONS_DIR`: the folder of the sessions' database, `sessions.db`, by default `.sessions`. They survive a
//!   restart.

mod device;
mod moment;
mod page;
mod settings;

use std::{error::Error, time::Duration};

use actix_web::http::{StatusCode, header};
use actix_web::web::Form;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, post};
use serde::{Deserialize, Serialize};
use sessions_actix::options::OverLimit;
use sessions_actix::storage::SqliteStorage;
use sessions_actix::{
    Clock, CurrentSession, PublicId, RequiredSession, Session, SessionAdmin, Sessions, SystemClock, challenge,
};

use page::{Devices, Ended};
use settings::Settings;

/// On how many devices somebody can be logged in.
const MAX_DEVICES: usize = 5;

/// A login on one device. The principal is what finds all sessions of one user.
#[derive(Session, Serialize, Deserialize)]
#[session(max_age = "30 days", absolute_lifetime = "90 days")]
struct Account {
    #[session(principal)]
    user: String,
}

/// What the last form has ended. The next page takes it, so that it is told once.
#[derive(Session, Serialize, Deserialize)]
#[session(idle_timeout = "5m", absolute_lifetime = "5m")]
struct Notice {
    ended: Ended,
}

fn html(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        // The list is out of date at once, also behind the browser's back button.
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body)
}

fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .finish()
}

#[get("/")]
async fn devices(
    account: RequiredSession<Account>,
    admin: SessionAdmin<Account>,
    notice: CurrentSession<Notice>,
) -> actix_web::Result<HttpResponse> {
    let sessions = admin.list(&account.user).await?;
    let last = notice.take().await?;
    let page = page::devices(&Devices {
        user: &account.user,
        sessions: &sessions,
        here: account.current().public_id(),
        now: SystemClock.now(),
        ended: last.as_ref().map(|notice| &notice.ended),
    });
    Ok(html(StatusCode::OK, page))
}

#[get("/login")]
async fn login_form(
    account: CurrentSession<Account>,
    notice: CurrentSession<Notice>,
) -> actix_web::Result<HttpResponse> {
    if account.get().is_some() {
        return Ok(see_other("/"));
    }
    let last = notice.take().await?;
    let page = page::login("", None, last.as_ref().map(|notice| &notice.ended));
    Ok(html(StatusCode::OK, page))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Credentials {
    user: String,
    password: String,
}

// The session cookies are `SameSite=Lax`: a form on another site is sent without them, so it ends nobody's sessions,
// and no link ends any, as that takes a POST. Not covered are pages of the same site, which are those of its other
// subdomains and, on this machine, of other ports; and a form elsewhere that posts its own name and password here. An
// application where that matters checks `Origin` as well.
#[post("/login")]
async fn log_in(
    request: HttpRequest,
    form: actix_web::Result<Form<Credentials>>,
    account: CurrentSession<Account>,
) -> actix_web::Result<HttpResponse> {
    // A form that cannot be read gets the same answer as an empty one.
    let Credentials { user, password } = form.map(Form::into_inner).unwrap_or_default();
    let user = user.trim();
    // A real application looks the user up here; this one believes everybody.
    if user.is_empty() || password.is_empty() {
        let message = "Please enter a user name and a password.";
        let page = page::login(user, Some(message), None);
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let user_agent = request.headers().get(header::USER_AGENT);
    account.label(&device::label(
        user_agent.and_then(|text| text.to_str().ok()).unwrap_or_default(),
    ))?;
    account.start(Account {
        user: user.to_owned(),
    })?;
    Ok(see_other("/"))
}

#[derive(Deserialize)]
struct Chosen {
    id: PublicId,
}

/// Ends one of the user's sessions.
#[post("/sign-out")]
async fn sign_out(
    form: actix_web::Result<Form<Chosen>>,
    account: RequiredSession<Account>,
    admin: SessionAdmin<Account>,
    notice: CurrentSession<Notice>,
) -> actix_web::Result<HttpResponse> {
    let id = form.ok().map(|chosen| chosen.into_inner().id);
    let sessions = admin.list(&account.user).await?;
    let session = sessions
        .into_iter()
        .find(|session| Some(&session.public_id) == id.as_ref());
    // Only the user's own: a public id is no secret, and whoever knows one must not end that session.
    let Some(session) = session else {
        return Ok(html(StatusCode::NOT_FOUND, page::no_such_device()));
    };
    if !admin.revoke_of(&account.user, &session.public_id).await? {
        return Ok(html(StatusCode::NOT_FOUND, page::no_such_device()));
    }
    notice.set(Notice {
        ended: Ended::Device(page::name(&session).to_owned()),
    })?;
    Ok(see_other("/"))
}

/// Ends all of the user's sessions but this one.
#[post("/sign-out-others")]
async fn sign_out_others(
    account: RequiredSession<Account>,
    admin: SessionAdmin<Account>,
    notice: CurrentSession<Notice>,
) -> actix_web::Result<HttpResponse> {
    let count = match account.current().public_id() {
        Some(here) => admin.revoke_others(&account.user, &here).await?,
        None => 0,
    };
    notice.set(Notice {
        ended: Ended::Others(count),
    })?;
    Ok(see_other("/"))
}

/// Ends this session.
#[post("/logout")]
async fn log_out(
    account: RequiredSession<Account>,
    notice: CurrentSession<Notice>,
) -> actix_web::Result<HttpResponse> {
    account.current().clear()?;
    notice.set(Notice {
        ended: Ended::ThisOne,
    })?;
    Ok(see_other("/login"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Settings { address, database } = Settings::from_env()?;

    println!("The sessions are kept in {}.", database.display());
    let storage = SqliteStorage::open(&database).await?;
    let mut builder = Sessions::builder()
        .server_side_with::<Account>(storage.clone(), |options| {
            options
                .max_per_principal(MAX_DEVICES, OverLimit::EvictOldest)
                // The page tells minutes, so this is often enough; each time is one write.
                .touch_interval(Duration::from_secs(15))
        })
        .server_side::<Notice>(storage)
        .challenge::<Account>(challenge::redirect_to("/login"));
    if address.ip().is_loopback() {
        println!("This is a loopback address: the cookies go without `Secure`, so that plain http works.");
        builder = builder.insecure_cookies_for_development();
    } else {
        println!("This is no loopback address: browsers keep the cookies only behind https.");
    }
    // Made once, outside the closure below, which runs once for each worker.
    let sessions = builder.build()?;

    // An expired session is none at once; its row takes room until somebody removes it.
    actix_web::rt::spawn(sessions.upkeep(Duration::from_secs(60 * 60)));

    let server = HttpServer::new(move || {
        App::new()
            .service(devices)
            .service(login_form)
            .service(log_in)
            .service(sign_out)
            .service(sign_out_others)
            .service(log_out)
            .wrap(sessions.clone())
    })
    .bind(address)?;
    for address in server.addrs() {
        println!("Listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}
