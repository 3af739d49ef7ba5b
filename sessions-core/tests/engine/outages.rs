//! Every call of a storage that goes wrong, in each way that it can: what is told, how soon, and what is left.

use std::{sync::Arc, time::Duration};

use sessions_core::{
    Principal, SessionError, SessionStorage,
    engine::{Engine, Outcome, SessionStatus},
    options::{Options, OverLimit},
    storage::contract::{Call, Failure, Gated},
};
use tokio::time::Instant;

use crate::support::{Client, Login, World, login, mins, secs};

/// What the storage was given by default.
const LIMIT: Duration = secs(2);

const FAILURES: [Failure; 4] = [
    Failure::Refuses,
    Failure::LosesTheRequest,
    Failure::LosesTheReply,
    Failure::Hangs,
];

/// What a handler or a client is told.
#[derive(Debug, PartialEq)]
enum Told {
    Done,
    Unavailable,
    Unknown,
    Otherwise(String),
}

use Told::{Done, Unavailable, Unknown};

/// What is told by the way in which the call goes wrong.
type Row = [Told; 4];

const UNAVAILABLE: Row = [Unavailable, Unavailable, Unavailable, Unavailable];
/// A load tells whether it was done.
const LOOKED_UP: Row = [Unavailable, Unknown, Done, Unknown];
/// No load can tell whether it was oneself who did it.
const UNKNOWN: Row = [Unavailable, Unknown, Unknown, Unknown];
const DONE: Row = [Done, Done, Done, Done];

fn told<T>(answer: Result<T, SessionError>) -> Told {
    match answer {
        Ok(_) => Done,
        Err(SessionError::Unavailable(_)) => Unavailable,
        Err(SessionError::OutcomeUnknown(_)) => Unknown,
        Err(error) => Told::Otherwise(error.to_string()),
    }
}

fn alice() -> Principal {
    Principal::new("alice")
}

/// A storage that does as it is told, and an engine on it.
struct Place {
    world: World,
    storage: Gated,
    engine: Engine<Login>,
}

impl Place {
    fn new(beyond: OverLimit) -> Self {
        let world = World::new();
        let storage = Gated::new();
        let options = Options::of::<Login>().max_per_principal(2, beyond);
        let engine = Engine::server_side(&world.environment, Arc::new(storage.clone()), &options).unwrap();
        Self {
            world,
            storage,
            engine,
        }
    }

    async fn log_in(&self) -> Client<Login> {
        let mut client = Client::new(&self.engine);
        client.does(|slot| slot.start(login("alice", 1))).await;
        client
    }

    /// Does something that takes this call, which goes wrong.
    async fn told<T>(
        &self,
        call: Call,
        failure: Failure,
        act: impl AsyncFnOnce() -> Result<T, SessionError>,
    ) -> Told {
        let before = self.storage.calls(call);
        self.storage.fail(call, failure);
        let began = Instant::now();
        let told = told(act().await);
        let limit = match call {
            // These may have to read all sessions.
            Call::Count | Call::DeleteSome => secs(60),
            _ => 2 * LIMIT,
        };
        assert!(began.elapsed() <= limit, "{:?}", began.elapsed());
        assert!(self.storage.calls(call) > before, "{call:?} was not called");
        told
    }
}

/// What a request does to the session that it has opened.
#[derive(Clone, Copy, Debug)]
enum Act {
    Read,
    Set,
    Rotate,
    Update,
    Start,
    Clear,
    Take,
    LookAgain,
}

async fn act(act: Act, client: &Client<Login>) -> Result<(), SessionError> {
    let slot = client.try_open(&()).await?;
    match act {
        Act::Read => drop(slot.get()),
        Act::Set => slot.set(login("alice", 2))?,
        Act::Rotate => slot.rotate_id()?,
        Act::Update => slot.update(|login| login.visits += 1).await.map(drop)?,
        Act::Start => slot.start(login("alice", 2))?,
        Act::Clear => slot.clear()?,
        Act::Take => slot.take().await.map(drop)?,
        Act::LookAgain => drop(slot.still_live().await?),
    }
    slot.commit(Outcome::Answered).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn each_call_for_a_session_that_goes_wrong_is_told_in_time() {
    for (call, doing, expected) in [
        (Call::Load, Act::Read, UNAVAILABLE),
        (Call::Touch, Act::Read, DONE),
        (Call::Load, Act::LookAgain, UNAVAILABLE),
        (Call::Replace, Act::Set, LOOKED_UP),
        (Call::Replace, Act::Rotate, LOOKED_UP),
        (Call::Replace, Act::Update, LOOKED_UP),
        (Call::Create, Act::Start, LOOKED_UP),
        (Call::Delete, Act::Start, LOOKED_UP),
        (Call::Reserve, Act::Start, UNKNOWN),
        (Call::Confirm, Act::Start, UNKNOWN),
        (Call::Release, Act::Start, DONE),
        (Call::Delete, Act::Clear, LOOKED_UP),
        (Call::Release, Act::Clear, DONE),
        (Call::Delete, Act::Take, UNKNOWN),
        (Call::Release, Act::Take, DONE),
    ] {
        for (failure, expected) in FAILURES.into_iter().zip(expected) {
            let place = Place::new(OverLimit::Reject);
            let client = place.log_in().await;
            place.world.pass(mins(2));
            let told = place
                .told(call, failure, async || act(doing, &client).await)
                .await;
            assert_eq!(told, expected, "{doing:?} where {call:?} {failure:?}");
        }
    }
}

/// Whatever a failed login has begun is undone: the session that there was is there, the one that nobody was told of is
/// not, and its place is free.
#[tokio::test(start_paused = true)]
async fn a_login_that_fails_at_any_call_leaves_all_as_it_was() {
    for call in [Call::Reserve, Call::Create, Call::Confirm] {
        for failure in FAILURES {
            let place = Place::new(OverLimit::Reject);
            let there = place.log_in().await;
            let client = Client::new(&place.engine);
            let told = place
                .told(call, failure, async || act(Act::Start, &client).await)
                .await;
            if told == Done {
                continue;
            }
            assert_eq!(there.status().await, SessionStatus::Live);
            assert_eq!(
                place.engine.count().await.unwrap(),
                1,
                "sessions after {call:?} {failure:?}"
            );
            // One more is allowed: no place is taken by what came to nothing.
            place.log_in().await;
            assert_eq!(place.engine.list(&alice()).await.unwrap().len(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_cannot_find_out_whom_to_evict_is_refused() {
    for failure in FAILURES {
        let place = Place::new(OverLimit::EvictOldest);
        let oldest = place.log_in().await;
        place.log_in().await;
        for call in [Call::Members, Call::Load] {
            let client = Client::new(&place.engine);
            let told = place
                .told(call, failure, async || act(Act::Start, &client).await)
                .await;
            assert_eq!(told, Unavailable, "{call:?} {failure:?}");
            assert_eq!(oldest.status().await, SessionStatus::Live);
            assert_eq!(place.engine.count().await.unwrap(), 2);
        }
        place.log_in().await;
        assert_eq!(oldest.status().await, SessionStatus::Invalid);
        assert_eq!(place.engine.list(&alice()).await.unwrap().len(), 2);
    }
}

/// What is asked of all of a principal's sessions, or of everybody's.
#[derive(Clone, Copy, Debug)]
enum Asked {
    List,
    Count,
    Revoke,
    RevokeAll,
    RevokeEveryone,
}

async fn ask(asked: Asked, engine: &Engine<Login>, client: &Client<Login>) -> Result<(), SessionError> {
    match asked {
        Asked::List => engine.list(&alice()).await.map(drop),
        Asked::Count => engine.count().await.map(drop),
        Asked::Revoke => {
            let id = sessions_core::PublicId::from_bytes(&crate::support::decode(client.token())[..16]);
            engine.revoke(&id.unwrap()).await.map(drop)
        }
        Asked::RevokeAll => engine.revoke_all(&alice()).await.map(drop),
        Asked::RevokeEveryone => engine.revoke_everyone().await.map(drop),
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_for_many_sessions_that_goes_wrong_is_told_in_time_and_can_be_made_again() {
    for (call, asked, expected) in [
        (Call::Members, Asked::List, UNAVAILABLE),
        (Call::Load, Asked::List, UNAVAILABLE),
        (Call::Count, Asked::Count, UNAVAILABLE),
        (Call::Load, Asked::Revoke, UNAVAILABLE),
        (Call::Delete, Asked::Revoke, UNKNOWN),
        (Call::Release, Asked::Revoke, DONE),
        (Call::CutOff, Asked::RevokeAll, UNKNOWN),
        (Call::Delete, Asked::RevokeAll, UNKNOWN),
        (Call::Release, Asked::RevokeAll, UNKNOWN),
        (Call::DeleteSome, Asked::RevokeEveryone, UNKNOWN),
    ] {
        for (failure, expected) in FAILURES.into_iter().zip(expected) {
            let place = Place::new(OverLimit::Reject);
            let client = place.log_in().await;
            let engine = &place.engine;
            let told = place
                .told(call, failure, async || ask(asked, engine, &client).await)
                .await;
            assert_eq!(told, expected, "{asked:?} where {call:?} {failure:?}");
            ask(asked, engine, &client).await.unwrap();
            if !matches!(asked, Asked::List | Asked::Count) {
                assert_eq!(client.status().await, SessionStatus::Invalid);
                assert_eq!(engine.count().await.unwrap(), 0);
                assert_eq!(engine.list(&alice()).await.unwrap(), []);
            }
        }
    }
}

/// Nobody is told that there is no session, and nothing is written, by a request whose storage is down as a whole.
#[tokio::test(start_paused = true)]
async fn while_a_storage_is_down_nobody_is_logged_out() {
    for failure in FAILURES {
        let place = Place::new(OverLimit::Reject);
        let client = place.log_in().await;
        place.storage.break_down(failure);
        for doing in [
            Act::Read,
            Act::Set,
            Act::Rotate,
            Act::Update,
            Act::Clear,
            Act::Take,
        ] {
            let began = Instant::now();
            assert_eq!(
                told(act(doing, &client).await),
                Unavailable,
                "{doing:?}, {failure:?}"
            );
            assert!(began.elapsed() <= LIMIT);
        }
        let visitor = Client::new(&place.engine);
        let began = Instant::now();
        assert_ne!(told(act(Act::Start, &visitor).await), Done, "{failure:?}");
        assert!(began.elapsed() <= 2 * LIMIT, "{:?}", began.elapsed());
        place.storage.mend();
        assert!(place.storage.health().await.is_ok());
        assert_eq!(client.sees().await.unwrap().visits, 1);
    }
}
