//! One of several servers behind a proxy, which share their sessions in Redis; and a deploy that changes a data class while
//! the others run.
//!
//! ```text
//! redis-server &
//! RELEASE=1 PORT=8081 cargo run -p examples --features redis --bin two_servers &
//! RELEASE=1 PORT=8082 cargo run -p examples --features redis --bin two_servers &
//! # When both listen:
//! folder=$(mktemp -d)
//! /usr/sbin/nginx -p "$folder" -c "$PWD/examples/two_servers/nginx.conf"
//! curl -c jar -d user=ada http://127.0.0.1:8080/login
//! curl -b jar -d item=tea http://127.0.0.1:8080/add
//! curl -b jar http://127.0.0.1:8080/
//! /usr/sbin/nginx -p "$folder" -c "$PWD/examples/two_servers/nginx.conf" -s stop
//! ```
//!
//! `REDIS_URL` says where Redis is, on this machine by default. `RELEASE` stands for what a real deploy has in its builds: 1 is
//! the first; 2 has another data class, and writes the old one; 3 writes the new one. Replace the servers one after the other,
//! first all by 2, then all by 3: nobody notices.

mod basket;

use std::{env, error::Error};

use actix_web::{App, HttpResponse, HttpServer, dev::Server, http::StatusCode, web};
use serde::Deserialize;
use sessions_actix::{CurrentSession, Sessions, storage::RedisStorage};

use crate::basket::{Basket, BasketV1, Shopping};

#[derive(Deserialize)]
struct LogIn {
    user: String,
}

#[derive(Deserialize)]
struct Add {
    item: String,
}

async fn index<B: Shopping>(basket: CurrentSession<B>) -> HttpResponse {
    match basket.get() {
        Some(basket) => HttpResponse::Ok().body(basket.list()),
        None => HttpResponse::Unauthorized().body("nobody\n"),
    }
}

async fn log_in<B: Shopping>(
    basket: CurrentSession<B>,
    form: web::Form<LogIn>,
) -> actix_web::Result<HttpResponse> {
    let LogIn { user } = form.into_inner();
    basket.start(B::of(user))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn add<B: Shopping>(
    basket: CurrentSession<B>,
    form: web::Form<Add>,
) -> actix_web::Result<HttpResponse> {
    let Add { item } = form.into_inner();
    // Other requests of the same user may come to another server at the same time.
    let list = basket
        .update(|basket| {
            basket.add(&item);
            basket.list()
        })
        .await?;
    Ok(match list {
        Some(list) => HttpResponse::Ok().body(list),
        None => HttpResponse::build(StatusCode::UNAUTHORIZED).body("nobody\n"),
    })
}

async fn log_out<B: Shopping>(basket: CurrentSession<B>) -> actix_web::Result<HttpResponse> {
    basket.clear()?;
    Ok(HttpResponse::NoContent().finish())
}

fn serve<B: Shopping>(sessions: Sessions, port: u16) -> Result<Server, Box<dyn Error>> {
    let server = HttpServer::new(move || {
        App::new()
            .route("/", web::get().to(index::<B>))
            .route("/login", web::post().to(log_in::<B>))
            .route("/add", web::post().to(add::<B>))
            .route("/logout", web::post().to(log_out::<B>))
            .wrap(sessions.clone())
    })
    .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("Listening on http://{address}");
    }
    Ok(server.run())
}

async fn storage() -> Result<RedisStorage, Box<dyn Error>> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1".to_owned());
    // With `.tracked()` a session in use would cost no round trip, and what one server writes would be seen by the other one as
    // soon as Redis has told it: some may see their basket without what they have just put in.
    Ok(RedisStorage::connect(&url).await?)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::var("PORT").map_or(Ok(8080), |port| port.parse::<u16>())?;
    let builder = Sessions::builder()
        // All listen on the loopback address only. Leave the line out where the proxy is reached by https.
        .insecure_cookies_for_development();
    let server = match env::var("RELEASE").as_deref() {
        Ok("1") => serve::<BasketV1>(builder.server_side::<BasketV1>(storage().await?).build()?, port)?,
        Ok("2") => {
            let sessions = builder
                .server_side::<Basket>(storage().await?)
                // Until no server of release 1 is left.
                .write_previous::<Basket>()
                .build()?;
            serve::<Basket>(sessions, port)?
        }
        Ok("3") => serve::<Basket>(builder.server_side::<Basket>(storage().await?).build()?, port)?,
        _ => return Err("RELEASE is 1, 2 or 3".into()),
    };
    server.await?;
    Ok(())
}
