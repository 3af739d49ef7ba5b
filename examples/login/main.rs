//! A login, with the data on the server, and a theme that outlives it.
//!
//! Run it with `cargo run -p examples --bin login` and open the address that it prints.
//!
//! - `PORT` and `BIND_ADDRESS`: where it listens, by default 8080 and 127.0.0.1.
//! - `SESSIONS_DIR`: the folder of the sessions, by default `.sessions`. They survive a restart.
//! - `SESSION_KEY`: the key of the client-side session, base64 of 32 bytes. Without it the program makes
//!   one and keeps it in the file `keys` of that folder.
//!
//! No other site's page can post a form here, which two things see to: a guard around all, and a token in the form that
//! logs somebody out.
//!
//! Keys change without a restart: put another file of the name in place, say with these lines, and the program takes it
//! within seconds. `retired` opens what it has made; `revoked` in its place ends that.
//!
//! ```text
//! current <what `openssl rand -base64 32` prints>
//! retired <what was there before>
//! ```

mod page;
mod settings;

use std::{error::Error, time::Duration};

use actix_web::http::StatusCode;
use actix_web::web::Form;
use actix_web::{App, HttpResponse, HttpServer, get, post};
use serde::{Deserialize, Serialize};
use sessions_actix::protection::Encrypted;
use sessions_actix::storage::DirectoryStorage;
use sessions_actix::{CsrfToken, CurrentSession, SameOriginGuard, Session, Sessions};

use page::Theme;
use settings::Settings;

/// Stays on the server; the browser holds an id.
#[derive(Session, Serialize, Deserialize)]
#[session(idle_timeout = "30m", absolute_lifetime = "12h")]
struct LoginSession {
    #[session(principal)]
    user: String,
    visits: u32,
}

/// Travels to the browser, encrypted. It is a session of its own, so a logout leaves it alone.
#[derive(Session, Serialize, Deserialize)]
#[session(max_age = "365 days")]
struct Preferences {
    theme: Theme,
}

fn theme(preferences: &CurrentSession<Preferences>) -> Theme {
    preferences
        .get()
        .map_or(Theme::default(), |preferences| preferences.theme)
}

fn html(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(body)
}

#[get("/")]
async fn index(
    login: CurrentSession<LoginSession>,
    csrf: CsrfToken<LoginSession>,
    preferences: CurrentSession<Preferences>,
) -> actix_web::Result<HttpResponse> {
    // Atomic: of two tabs that load at once, neither visit is lost.
    let visit = login
        .update(|login| {
            login.visits = login.visits.saturating_add(1);
            (login.user.clone(), login.visits)
        })
        .await?;
    let theme = theme(&preferences);
    Ok(match visit {
        Some((user, visits)) => html(
            StatusCode::OK,
            page::welcome(theme, &user, visits, &csrf.issue()?),
        ),
        None => html(StatusCode::OK, page::login(theme, "", None)),
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Credentials {
    user: String,
    password: String,
}

// A form on another site could log somebody in with a name and password of its own. That needs no session, so there is no
// token for it: the guard around the application refuses it.
#[post("/login")]
async fn log_in(
    form: actix_web::Result<Form<Credentials>>,
    login: CurrentSession<LoginSession>,
    preferences: CurrentSession<Preferences>,
) -> actix_web::Result<HttpResponse> {
    // A form that cannot be read gets the same answer as an empty one.
    let Credentials { user, password } = form.map(Form::into_inner).unwrap_or_default();
    // A real application looks the user up here; this one believes everybody.
    if user.trim().is_empty() || password.is_empty() {
        let message = "Please enter a user name and a password.";
        let page = page::login(theme(&preferences), &user, Some(message));
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    // A new session with a new id, so that nobody can fix the id before the login.
    login.start(LoginSession { user, visits: 0 })?;
    Ok(HttpResponse::SeeOther().insert_header(("Location", "/")).finish())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LogOut {
    csrf: String,
}

#[post("/logout")]
async fn log_out(
    form: actix_web::Result<Form<LogOut>>,
    login: CurrentSession<LoginSession>,
    csrf: CsrfToken<LoginSession>,
    preferences: CurrentSession<Preferences>,
) -> actix_web::Result<HttpResponse> {
    let LogOut { csrf: token } = form.map(Form::into_inner).unwrap_or_default();
    // Whoever has logged out in another tab sees that they have.
    if login.get().is_some() && csrf.verify(&token).is_err() {
        let page = page::notice(
            theme(&preferences),
            "This page is out of date, and nobody was logged out.",
        );
        return Ok(html(StatusCode::FORBIDDEN, page));
    }
    login.clear()?;
    Ok(HttpResponse::SeeOther().insert_header(("Location", "/")).finish())
}

/// `Preferences` has this one field, so the session doubles as the form.
#[post("/theme")]
async fn set_theme(
    form: actix_web::Result<Form<Preferences>>,
    preferences: CurrentSession<Preferences>,
) -> actix_web::Result<HttpResponse> {
    let Ok(chosen) = form else {
        let page = page::notice(
            theme(&preferences),
            "There is a light theme and a dark one, and no other.",
        );
        return Ok(html(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    preferences.set(chosen.into_inner())?;
    Ok(HttpResponse::SeeOther().insert_header(("Location", "/")).finish())
}

/// Names no session, so it costs nothing: no cookie is read, no storage asked.
#[get("/health")]
async fn health() -> &'static str {
    "ok"
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Settings {
        address,
        folder,
        keys,
    } = Settings::from_env()?;

    let mut builder = Sessions::builder()
        .server_side::<LoginSession>(DirectoryStorage::open(folder.join("login"))?.cached())
        .client_side::<Preferences>(Encrypted::new(&keys))
        .csrf::<LoginSession>(&keys);
    if address.ip().is_loopback() {
        println!("This is a loopback address: the cookies go without `Secure`, so that plain http works.");
        builder = builder.insecure_cookies_for_development();
    } else {
        println!("This is no loopback address: browsers keep the cookies only behind https.");
    }
    // Made once, outside the closure below, which runs once for each worker.
    let sessions = builder.build()?;

    // Where the keys are from a file: whoever rotates them need not stop the server.
    actix_web::rt::spawn(keys.watch(Duration::from_secs(2)));

    // An expired session is none at once; its file takes room until somebody removes it.
    actix_web::rt::spawn(sessions.upkeep(Duration::from_secs(60 * 60)));

    let server = HttpServer::new(move || {
        App::new()
            .service(index)
            .service(log_in)
            .service(log_out)
            .service(set_theme)
            .service(health)
            .wrap(sessions.clone())
            // Outermost: what another site's page sends opens no session.
            .wrap(SameOriginGuard::new())
    })
    .bind(address)?;
    for address in server.addrs() {
        println!("Listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}
