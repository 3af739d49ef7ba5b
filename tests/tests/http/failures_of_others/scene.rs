//! An application whose requests can be made to wait in their handlers, while others do something.

use std::sync::Arc;

use actix_web::{
    Result,
    web::{Data, Path, ServiceConfig, get},
};
use sessions_actix::{CurrentSession, ManualClock, Sessions, SessionsBuilder};
use tokio::sync::Notify;

use crate::support::{Answer, Basket, Browser, MINUTE, Server, Visits, numbers};

/// One application, by a clock that stands still.
pub(super) struct Scene {
    pub(super) sessions: Sessions,
    pub(super) server: Server,
    pub(super) clock: ManualClock,
    gate: Gate,
}

/// Where a request waits when it has read its session.
#[derive(Clone, Default)]
struct Gate {
    reached: Arc<Notify>,
    open: Arc<Notify>,
}

impl Scene {
    pub(super) async fn of(builder: SessionsBuilder) -> Self {
        Self::at(builder, ManualClock::default()).await
    }

    /// By this clock.
    pub(super) async fn at(builder: SessionsBuilder, clock: ManualClock) -> Self {
        let gate = Gate::default();
        // A server that has much to do is none that is away.
        let builder = builder.clock(clock.clone()).storage_timeout(MINUTE);
        let sessions = builder.build().unwrap();
        let routes = |config: &mut ServiceConfig| {
            config
                .configure(numbers::<Visits>(""))
                .configure(numbers::<Basket>("/basket"))
                .app_data(Data::new(gate.clone()))
                .route("/slow/{what}", get().to(slow));
        };
        Self {
            server: Server::new(sessions.clone(), routes).await,
            sessions,
            clock,
            gate,
        }
    }

    pub(super) fn browser(&self) -> Browser {
        Browser::new(&self.server)
    }

    /// Lets a request read its session, then waits for `meanwhile`, and lets it do `what` with what it has read.
    pub(super) async fn slowly(
        &self,
        browser: &mut Browser,
        what: &str,
        meanwhile: impl Future<Output = ()>,
    ) -> Answer {
        let path = format!("/slow/{what}");
        let (answer, ()) = futures_util::join!(browser.get(&path), async {
            self.gate.reached.notified().await;
            meanwhile.await;
            self.gate.open.notify_one();
        });
        answer
    }

    /// How many sessions there are.
    pub(super) async fn count(&self) -> usize {
        self.sessions.admin::<Visits>().unwrap().count().await.unwrap()
    }
}

/// Says what it has read, whatever becomes of it afterwards.
async fn slow(session: CurrentSession<Visits>, what: Path<String>, gate: Data<Gate>) -> Result<String> {
    let read = session.get().map(|visits| visits.count);
    gate.reached.notify_one();
    gate.open.notified().await;
    match what.as_str() {
        "set" => session.set(Visits { count: 9 })?,
        "update" => drop(session.update(|visits| visits.count += 1).await?),
        "rotate" => session.rotate_id()?,
        "renew" => session.renew_id()?,
        "read" => {}
        other => panic!("nobody has said what {other} is"),
    }
    Ok(format!("{read:?}"))
}
