//! Expired sessions, freed while the server runs.

use std::time::Duration;

use actix_web::rt::{spawn, time::sleep};
use sessions_actix::{ManualClock, Sessions, protection::Encrypted, storage::MemoryStorage};

use crate::support::{Basket, Browser, Server, Visits, keys, numbers};

const HOUR: Duration = Duration::from_secs(3600);

fn kept(storage: &MemoryStorage) -> String {
    format!("{storage:?}")
}

#[actix_web::test]
async fn upkeep_frees_expired_sessions_while_there_are_servers_and_then_ends() {
    tokio::time::pause();
    let (clock, storage) = (ManualClock::default(), MemoryStorage::new());
    let sessions = Sessions::builder()
        .clock(clock.clone())
        .client_side::<Basket>(Encrypted::new(&keys()))
        .server_side::<Visits>(storage.clone())
        .build()
        .unwrap();
    let upkeep = spawn(sessions.upkeep(HOUR));
    let server = Server::new(sessions, |config| {
        config.configure(numbers::<Visits>(""));
    })
    .await;
    Browser::new(&server).get("/set/1").await;
    sleep(HOUR).await;
    assert_eq!(
        kept(&storage),
        "MemoryStorage { sessions: 1, principals: 0 }",
        "it lives"
    );
    clock.advance(HOUR);
    sleep(HOUR).await;
    assert_eq!(kept(&storage), "MemoryStorage { sessions: 0, principals: 0 }");
    assert!(!upkeep.is_finished(), "the server has the sessions still");
    drop(server);
    sleep(HOUR).await;
    assert!(upkeep.is_finished());
}
