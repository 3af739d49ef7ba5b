//! Releases of one application side by side, behind a balancer that gives each request to any of their nodes.

mod two_deploys;

use std::{sync::Arc, time::Duration};

use actix_web::{
    Result,
    web::{ServiceConfig, get},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, ManualClock, Session, SessionAdmin, Sessions, SessionsBuilder, WritePrevious,
    protection::Encrypted,
    storage::{DirectoryStorage, MemoryStorage, SessionStorage},
};

use crate::support::{Answer, Browser, MINUTE, Numbered, Server, keys, numbers};

/// The data class of three releases.
macro_rules! releases {
    ($module:ident, $serializer:path) => {
        mod $module {
            use super::*;

            #[derive(Session, Serialize, Deserialize, Debug)]
            #[session(
                                                                        name = "VISITS",
                                                                        serializer = $serializer,
                                                                        idle_timeout = "2 days",
                                                                        absolute_lifetime = "300 days"
                                                                    )]
            pub(super) struct First {
                #[session(principal)]
                user: String,
                count: u32,
            }

            #[derive(Session, Serialize, Deserialize, Debug)]
            #[session(
                                                                        name = "VISITS",
                                                                        serializer = $serializer,
                                                                        idle_timeout = "2 days",
                                                                        absolute_lifetime = "300 days",
                                                                        version = 2,
                                                                        previous = First
                                                                    )]
            pub(super) struct Second {
                counts: Vec<u32>,
                #[session(principal)]
                user: String,
            }

            #[derive(Session, Serialize, Deserialize, Debug)]
            #[session(
                                                                        name = "VISITS",
                                                                        serializer = $serializer,
                                                                        idle_timeout = "2 days",
                                                                        absolute_lifetime = "300 days",
                                                                        version = 3,
                                                                        previous = Second
                                                                    )]
            pub(super) struct Third {
                note: Option<String>,
                counts: Vec<u32>,
                #[session(principal)]
                user: String,
            }

            impl From<First> for Second {
                fn from(First { user, count }: First) -> Self {
                    let counts = vec![0, count];
                    Self { counts, user }
                }
            }

            impl From<Second> for Third {
                fn from(Second { counts, user }: Second) -> Self {
                    let note = Some("upgraded".to_owned());
                    Self { note, counts, user }
                }
            }

            impl From<&Second> for First {
                fn from(new: &Second) -> Self {
                    Self::of(new.shown())
                }
            }

            impl From<&Third> for Second {
                fn from(new: &Third) -> Self {
                    Self::of(new.shown())
                }
            }

            fn user() -> String {
                "ann".to_owned()
            }

            impl Numbered for First {
                fn of(count: u32) -> Self {
                    Self {
                        user: user(),
                        count,
                    }
                }

                fn number(&mut self) -> &mut u32 {
                    &mut self.count
                }

                fn shown(&self) -> u32 {
                    self.count
                }
            }

            impl Numbered for Second {
                fn of(number: u32) -> Self {
                    let counts = vec![1, 2, number];
                    Self {
                        counts,
                        user: user(),
                    }
                }

                fn number(&mut self) -> &mut u32 {
                    self.counts.last_mut().unwrap()
                }

                fn shown(&self) -> u32 {
                    *self.counts.last().unwrap()
                }
            }

            impl Numbered for Third {
                fn of(number: u32) -> Self {
                    let (note, counts, user) = (None, vec![number], user());
                    Self { note, counts, user }
                }

                fn number(&mut self) -> &mut u32 {
                    self.counts.last_mut().unwrap()
                }

                fn shown(&self) -> u32 {
                    *self.counts.last().unwrap()
                }
            }

            /// One server of each release, oldest first.
            pub(super) async fn nodes(kept: &Kept, clock: &ManualClock) -> [Node; 3] {
                [
                    node::<First>(kept, clock).await,
                    node::<Second>(kept, clock).await,
                    node::<Third>(kept, clock).await,
                ]
            }

            /// The second release comes in two deploys: before them, after the first one, and after the second.
            pub(super) async fn two_deploys(kept: &Kept, clock: &ManualClock) -> [Node; 3] {
                [
                    node::<First>(kept, clock).await,
                    first_deploy::<Second>(kept, clock).await,
                    node::<Second>(kept, clock).await,
                ]
            }

            /// And so does the third.
            pub(super) async fn four_deploys(kept: &Kept, clock: &ManualClock) -> [Node; 5] {
                let [before, first, second] = two_deploys(kept, clock).await;
                let third = first_deploy::<Third>(kept, clock).await;
                [before, first, second, third, node::<Third>(kept, clock).await]
            }
        }
    };
}
releases!(bincode, sessions_actix::serializer::Bincode);
releases!(json, sessions_actix::serializer::Json);

/// Where all nodes keep their sessions.
enum Kept {
    ById(Arc<dyn SessionStorage>),
    ByValue(sessions_actix::protection::KeyRing),
}

/// A node of a release that knows the versions up to this one.
struct Node {
    knows: u32,
    /// The version that new sessions are of.
    begins: u32,
    server: Server,
}

async fn node<T: Numbered>(kept: &Kept, clock: &ManualClock) -> Node {
    let version = T::SPEC.version;
    Node {
        knows: version,
        begins: version,
        server: server::<T>(kept, clock, |builder| builder).await,
    }
}

async fn first_deploy<T: Numbered + WritePrevious>(kept: &Kept, clock: &ManualClock) -> Node {
    Node {
        knows: T::SPEC.version,
        begins: T::SPEC.version - 1,
        server: server::<T>(kept, clock, SessionsBuilder::write_previous::<T>).await,
    }
}

async fn server<T: Numbered>(
    kept: &Kept,
    clock: &ManualClock,
    deploy: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
) -> Server {
    let builder = Sessions::builder().clock(clock.clone());
    let builder = match kept {
        Kept::ById(storage) => {
            builder.server_side_with::<T>(storage.clone(), |o| o.renew_every(20 * MINUTE).grace(MINUTE))
        }
        Kept::ByValue(keys) => {
            builder.client_side_with::<T>(Encrypted::new(keys), |o| o.renew_every(20 * MINUTE))
        }
    };
    Server::new(deploy(builder).build().unwrap(), |config: &mut ServiceConfig| {
        config
            .configure(numbers::<T>(""))
            .route("/renew", get().to(renew::<T>))
            .route("/revoke", get().to(revoke::<T>));
    })
    .await
}

async fn renew<T: Numbered>(session: CurrentSession<T>) -> Result<String> {
    session.renew_id()?;
    Ok(session
        .get()
        .map_or("none".to_owned(), |value| value.shown().to_string()))
}

async fn revoke<T: Numbered>(admin: SessionAdmin<T>) -> Result<String> {
    Ok(admin.revoke_all("ann").await?.to_string())
}

/// The same sequence in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's linear congruence.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What the client has: the version that it is of, and the number in it.
type State = Option<(u32, u32)>;

const READS: [&str; 5] = ["/get", "/rotate", "/renew", "/status", "/id"];
const WRITES: [&str; 3] = ["/set/7", "/update", "/insert"];

/// What the promise says of `path` on this node: what is answered (`None` is a 503), and what is there
/// afterwards.
fn promised(path: &str, node: &Node, state: State) -> (Option<String>, State) {
    let own = state.filter(|(version, _)| *version <= node.knows);
    // A version goes up, and never down.
    let version = own.map_or(node.begins, |(version, _)| version.max(node.begins));
    let foreign = state.is_some() && own.is_none();
    let text = |state: State| state.map_or("none".to_owned(), |(_, number)| number.to_string());
    let ended = || ("none".to_owned(), None);
    let (answer, after) = match path {
        _ if foreign && WRITES.contains(&path) => return (None, state),
        "/set/7" => ("7".to_owned(), Some((version, 7))),
        "/start/9" => ("9".to_owned(), Some((node.begins, 9))),
        "/update" => {
            let after = own.map(|(_, number)| (version, number + 1));
            (text(after), after)
        }
        "/insert" => {
            let number = own.map_or(0, |(_, number)| number) + 1;
            (number.to_string(), Some((version, number)))
        }
        "/clear" => ended(),
        _ if foreign && path == "/take" => return (None, state),
        "/take" => (text(own), None),
        "/revoke" => (u32::from(state.is_some()).to_string(), None),
        "/get" | "/rotate" | "/renew" => (text(own), state),
        _ => return (Some(String::new()), state),
    };
    (Some(answer), after)
}

/// Lets a browser meet nodes in any order, and compares each answer with the promise; what the client has is looked at
/// after each step with the newest release. Gives how often a node met a session that it does not know.
async fn plays(nodes: &[Node], clock: ManualClock, by_id: bool, seed: u64) -> u32 {
    let mut dice = Dice(seed);
    let newest = &nodes.last().unwrap().server;
    let mut browser = Browser::new(newest).by(&clock);
    let mut state: State = None;
    let mut met = 0;
    for step in 0..400 {
        let at = usize::try_from(dice.roll(nodes.len() as u64)).unwrap();
        let node = &nodes[at];
        let path = match dice.roll(20) {
            0..7 => READS[usize::try_from(dice.roll(5)).unwrap()],
            7..16 => WRITES[usize::try_from(dice.roll(3)).unwrap()],
            16 => "/start/9",
            17 => "/clear",
            18 => "/take",
            _ if by_id => "/revoke",
            _ => "/get",
        };
        let step = format!("step {step}: {path} on node {at} with {state:?}");
        clock.advance(Duration::from_secs(dice.roll(900)));
        let foreign = state.is_some_and(|(version, _)| version > node.knows);
        let kept = browser.value("VISITS").map(str::to_owned);
        browser = browser.on(&node.server);
        let answer: Answer = browser.get(path).await;
        let (promised, after) = promised(path, node, state);
        match promised {
            Some(text) => {
                assert_eq!(answer.status, 200, "{step}");
                assert!(text.is_empty() || answer.text() == text, "{step}: {answer:?}");
            }
            None => {
                assert_eq!(answer.status, 503, "{step}");
                assert_eq!(answer.lines("retry-after").len(), 1, "{step}");
            }
        }
        if foreign && after == state {
            met += 1;
            assert_eq!(answer.cookies(), [], "{step}");
            assert_eq!(browser.value("VISITS"), kept.as_deref(), "{step}");
            if path == "/status" {
                assert_eq!(answer.text(), "Foreign", "{step}");
            }
        }
        if path == "/clear" && kept.is_some() {
            assert!(answer.cookie("VISITS").unwrap().is_removal(), "{step}");
        }
        state = after;
        let shown = state.map_or("none".to_owned(), |(_, number)| number.to_string());
        let newest = browser.clone().on(newest).get("/get").await;
        assert_eq!(newest.text(), shown, "after {step}");
    }
    met
}

/// With nodes that know too little for some of it.
async fn plays_with_old_nodes(nodes: &[Node], clock: ManualClock, by_id: bool, seed: u64) {
    let met = plays(nodes, clock, by_id, seed).await;
    assert!(met > 40, "the old nodes met a newer session only {met} times");
}

/// A place for sessions that holds none yet.
fn kept(by_id: bool) -> Kept {
    match by_id {
        true => Kept::ById(Arc::new(MemoryStorage::new())),
        false => Kept::ByValue(keys()),
    }
}

#[actix_web::test]
async fn no_node_destroys_what_a_newer_one_wrote() {
    for (by_id, seed) in [
        (true, 1),
        (true, 2),
        (true, 3),
        (false, 1),
        (false, 2),
        (false, 3),
    ] {
        let clock = ManualClock::default();
        let nodes = bincode::nodes(&kept(by_id), &clock).await;
        plays_with_old_nodes(&nodes, clock, by_id, seed).await;
        let clock = ManualClock::default();
        let nodes = json::nodes(&kept(by_id), &clock).await;
        plays_with_old_nodes(&nodes, clock, by_id, seed).await;
    }
}

#[actix_web::test]
async fn no_node_destroys_what_a_newer_one_wrote_in_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::default();
    let storage = DirectoryStorage::open(folder.path()).unwrap().without_fsync();
    let kept = Kept::ById(Arc::new(storage));
    plays_with_old_nodes(&bincode::nodes(&kept, &clock).await, clock, true, 4).await;
}

/// By id and by value, with both serializers.
async fn all() -> Vec<(bool, [Server; 3])> {
    let mut all = Vec::new();
    for by_id in [true, false] {
        let clock = ManualClock::default();
        for nodes in [
            bincode::nodes(&kept(by_id), &clock).await,
            json::nodes(&kept(by_id), &clock).await,
        ] {
            all.push((by_id, nodes.map(|node| node.server)));
        }
    }
    all
}

#[actix_web::test]
async fn a_deploy_that_is_undone_and_done_again_loses_nothing() {
    for (_, [first, _, third]) in all().await {
        let mut browser = Browser::new(&first);
        browser.get("/set/1").await;
        browser = browser.on(&third);
        assert_eq!(browser.get("/update").await.text(), "2");
        let kept = browser.value("VISITS").unwrap().to_owned();
        browser = browser.on(&first);
        for path in ["/get", "/update", "/set/5", "/insert", "/status", "/rotate"] {
            assert_eq!(browser.get(path).await.cookies(), [], "{path}");
        }
        assert_eq!(browser.get("/get").await.text(), "none");
        assert_eq!(browser.value("VISITS"), Some(kept.as_str()));
        browser = browser.on(&third);
        assert_eq!(browser.get("/update").await.text(), "3");
    }
}

#[actix_web::test]
async fn a_logout_on_an_old_node_ends_a_newer_session() {
    for (by_id, [first, _, third]) in all().await {
        let mut browser = Browser::new(&third);
        browser.get("/set/1").await;
        let copy = browser.clone();
        browser = browser.on(&first);
        assert!(browser.get("/clear").await.cookie("VISITS").unwrap().is_removal());
        assert_eq!(browser.on(&third).get("/get").await.text(), "none");
        // What only the client has nobody else can end.
        let left = if by_id { "none" } else { "1" };
        assert_eq!(copy.on(&third).get("/get").await.text(), left);
    }
}
