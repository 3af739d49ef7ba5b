//! The smallest program there is: a counter that travels to the browser, encrypted.
//!
//! Run it with `cargo run -p examples --bin counter`. `PORT` sets the port, 8080 by default.

use std::error::Error;

use actix_web::{App, HttpServer, get};
use serde::{Deserialize, Serialize};
use sessions_actix::protection::{Encrypted, Key, KeyRing};
use sessions_actix::{CurrentSession, Session, Sessions};

#[derive(Session, Serialize, Deserialize, Default)]
struct Counter {
    visits: u32,
}

#[get("/")]
async fn index(counter: CurrentSession<Counter>) -> actix_web::Result<String> {
    let visits = counter
        .get()
        .map_or(0, |counter| counter.visits)
        .saturating_add(1);
    counter.set(Counter { visits })?;
    Ok(format!("Visit {visits}\n"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse::<u16>())?;

    // A new key at each start, so the counters end with the program. One that is kept comes from
    // `KeyRing::from_env`.
    let keys = KeyRing::new(Key::generate()?);
    let sessions = Sessions::builder()
        .client_side::<Counter>(Encrypted::new(&keys))
        // This program listens on the loopback address only. Leave the line out behind https.
        .insecure_cookies_for_development()
        .build()?;

    let server = HttpServer::new(move || App::new().service(index).wrap(sessions.clone()))
        .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("Listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}
