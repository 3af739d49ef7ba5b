//! Requests of one session at one time, in every order in which their storage calls can happen, and with one of them
//! broken off after any call.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sessions_core::{
    Clock, SessionStorage,
    engine::{Engine, SessionStatus},
    storage::Read,
};
use tokio::task::unconstrained;

use crate::support::{Client, Login, Said, Stepped, World, at_once, hours, key_of, login};

/// What a request does, if it finds the session; a start, and a revocation, also if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Look,
    Set,
    Update,
    Rotate,
    SetAndRotate,
    Clear,
    ClearAndSet,
    Start,
    Take,
    Revoke,
}
use Does::*;

const ALL: [Does; 10] = [
    Look,
    Set,
    Update,
    Rotate,
    SetAndRotate,
    Clear,
    ClearAndSet,
    Start,
    Take,
    Revoke,
];

impl Does {
    fn rotates(self) -> bool {
        matches!(self, Rotate | SetAndRotate)
    }

    fn ends(self) -> bool {
        matches!(self, Clear | ClearAndSet | Start | Take | Revoke)
    }

    fn begins(self) -> bool {
        matches!(self, ClearAndSet | Start)
    }

    fn sets(self) -> bool {
        matches!(self, Set | SetAndRotate)
    }
}

/// A request that was answered.
struct Answered {
    does: Does,
    /// Whether it found the session.
    found: bool,
    /// Whether its update was acknowledged, or it was the one that took or revoked.
    done: bool,
    said: Said,
    client: Client<Login>,
}

async fn request(mut client: Client<Login>, does: Does, value: u32) -> Answered {
    let slot = client.open().await;
    let id = slot.public_id();
    let found = id.is_some();
    let mut done = false;
    match does {
        Start => slot.start(login("alice", value)).unwrap(),
        Revoke => {
            if let Some(id) = &id {
                done = client.engine().revoke(id).await.unwrap();
            }
        }
        _ if !found => {}
        Look => {}
        Set => slot.set(login("alice", value)).unwrap(),
        Update => done = slot.update(|login| login.visits += 1).await.unwrap().is_some(),
        Rotate => slot.rotate_id().unwrap(),
        SetAndRotate => {
            slot.set(login("alice", value)).unwrap();
            slot.rotate_id().unwrap();
        }
        Clear => slot.clear().unwrap(),
        ClearAndSet => {
            slot.clear().unwrap();
            slot.set(login("alice", value)).unwrap();
        }
        Take => done = slot.take().await.unwrap().is_some(),
    }
    let said = client.ends(&slot).await.unwrap();
    Answered {
        does,
        found,
        done,
        said,
        client,
    }
}

type Running = Pin<Box<dyn Future<Output = Answered>>>;

/// One order after another, until there is none left.
#[derive(Default)]
struct Orders {
    chosen: Vec<(usize, usize)>,
    at: usize,
}

impl Orders {
    fn choose(&mut self, among: usize) -> usize {
        if self.at == self.chosen.len() {
            self.chosen.push((0, among));
        }
        self.at += 1;
        // A wait of random length between two attempts may be none at all, and leave one choice less.
        self.chosen[self.at - 1].0.min(among - 1)
    }

    fn next(&mut self) -> bool {
        self.at = 0;
        while let Some((choice, among)) = self.chosen.pop() {
            if choice + 1 < among {
                self.chosen.push((choice + 1, among));
                return true;
            }
        }
        false
    }
}

struct Exploration {
    world: World,
    storage: Arc<Stepped>,
    engine: Engine<Login>,
    runs: usize,
}

impl Exploration {
    fn new() -> Self {
        let mut world = World::new();
        // Time is let pass only for waits between attempts.
        world.environment.storage_timeout = hours(1000);
        let storage = Arc::new(Stepped::default());
        Self {
            engine: world.server_on(storage.clone()),
            world,
            storage,
            runs: 0,
        }
    }

    /// All orders of these requests; the last of them is broken off after so many polls.
    async fn explore(&mut self, requests: &[Does], broken_off: Option<usize>) {
        let mut orders = Orders::default();
        loop {
            self.run(requests, broken_off, &mut orders).await;
            self.runs += 1;
            if !orders.next() {
                return;
            }
        }
    }

    async fn run(&self, requests: &[Does], broken_off: Option<usize>, orders: &mut Orders) {
        self.storage.reset();
        let original = at_once(self.world.alice(&self.engine));
        self.storage.stepping(true);
        let mut context = Context::from_waker(Waker::noop());
        let mut running: Vec<(usize, Running)> = Vec::new();
        for (index, does) in requests.iter().enumerate() {
            let value = 100 * (u32::try_from(index).unwrap() + 1);
            let request = request(original.clone(), *does, value);
            let mut request: Running = Box::pin(unconstrained(request));
            // Up to its first call nothing depends on the order.
            assert!(request.as_mut().poll(&mut context).is_pending());
            running.push((index, request));
        }
        let mut answered = Vec::new();
        let mut broken = None;
        let mut polls = 0;
        while !running.is_empty() {
            let next = orders.choose(running.len());
            let (index, future) = &mut running[next];
            if *index + 1 == requests.len() {
                if broken_off == Some(polls) {
                    broken = Some(requests[*index]);
                    drop(running.remove(next));
                    continue;
                }
                polls += 1;
            }
            match future.as_mut().poll(&mut context) {
                Poll::Ready(answer) => {
                    answered.push(answer);
                    drop(running.remove(next));
                }
                Poll::Pending => tokio::time::advance(Duration::from_millis(60)).await,
            }
        }
        self.storage.stepping(false);
        self.check(&original, &answered, broken);
    }

    /// What holds whatever the order was.
    fn check(&self, original: &Client<Login>, answered: &[Answered], broken: Option<Does>) {
        let now = at_once(original.open());
        let lives = |key| {
            at_once(self.storage.load(key, Read::Latest, self.world.clock.now()))
                .unwrap()
                .is_some()
        };
        let id = key_of(original);
        let alive = lives(id);
        let ended = answered.iter().any(|one| one.does.ends() && one.found);
        let perhaps_ended = broken.is_some_and(Does::ends);
        // What was ended stays ended, and nothing else ends.
        assert!(!(ended && alive), "revived");
        assert!(ended || perhaps_ended || alive, "ended by nobody");

        // One secret, whoever rotated; a token is sent only if it was written.
        let rotated: Vec<_> = answered
            .iter()
            .filter(|one| one.does.rotates() && one.said == Said::Sent)
            .collect();
        assert!(rotated.len() <= 1, "a fork");
        let perhaps_rotated = broken.is_some_and(Does::rotates);
        if alive {
            let wanted = answered.iter().any(|one| one.does.rotates());
            if !perhaps_rotated {
                assert_eq!(!rotated.is_empty(), wanted);
            }
            if !wanted && !perhaps_rotated {
                assert_eq!(now.status(), SessionStatus::Live);
            }
            for one in &rotated {
                assert_eq!(now.status(), SessionStatus::Stale);
                assert_eq!(at_once(one.client.status()), SessionStatus::Live);
            }
        } else {
            assert_eq!(now.status(), SessionStatus::Invalid);
        }

        // Every session that was begun and sent is there, and no other.
        let begun: Vec<_> = answered
            .iter()
            .filter(|one| one.does.begins() && one.said == Said::Sent)
            .collect();
        for one in &begun {
            assert_eq!(at_once(one.client.status()), SessionStatus::Live);
        }
        let there = self
            .storage
            .created()
            .into_iter()
            .filter(|key| *key != id && lives(*key))
            .count();
        let perhaps_begun = usize::from(broken.is_some_and(Does::begins));
        assert!(
            (begun.len()..=begun.len() + perhaps_begun).contains(&there),
            "{there}"
        );
        for one in answered.iter().filter(|one| one.does == Start) {
            assert_eq!(one.said, Said::Sent);
        }

        // Only who ended it, or saw it gone, tells the client to forget it.
        for one in answered.iter().filter(|one| one.said == Said::Removed) {
            assert!(!alive, "{:?} removed what lives", one.does);
        }
        for does in [Take, Revoke] {
            let winners = answered.iter().filter(|one| one.does == does && one.done);
            assert!(winners.count() <= 1);
        }

        // No acknowledged update is lost.
        if alive && !answered.iter().map(|one| one.does).chain(broken).any(Does::sets) {
            let current = rotated.first().map_or(original, |one| &one.client);
            let acknowledged = answered
                .iter()
                .filter(|one| one.does == Update && one.done)
                .count();
            let unknown = usize::from(broken == Some(Update));
            if let Some(value) = at_once(current.sees()) {
                let visits = usize::try_from(value.visits).unwrap() - 1;
                assert!(
                    (acknowledged..=acknowledged + unknown).contains(&visits),
                    "{visits}"
                );
            } else {
                assert!(perhaps_rotated);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_requests_in_every_order_agree() {
    let mut exploration = Exploration::new();
    for (index, one) in ALL.into_iter().enumerate() {
        for other in ALL.into_iter().skip(index) {
            exploration.explore(&[one, other], None).await;
        }
    }
    assert!(exploration.runs > 300);
}

#[tokio::test(start_paused = true)]
async fn two_requests_of_which_one_is_broken_off_anywhere_agree() {
    let mut exploration = Exploration::new();
    for one in ALL {
        for other in ALL {
            for polls in 0..5 {
                exploration.explore(&[one, other], Some(polls)).await;
            }
        }
    }
    assert!(exploration.runs > 2000);
}

#[tokio::test(start_paused = true)]
async fn three_requests_in_every_order_agree() {
    let mut exploration = Exploration::new();
    let does = [Update, Set, Rotate, SetAndRotate, Clear, Start];
    for (index, one) in does.into_iter().enumerate() {
        for (index, other) in does.into_iter().enumerate().skip(index) {
            for third in does.into_iter().skip(index) {
                exploration.explore(&[one, other, third], None).await;
            }
        }
    }
    exploration.explore(&[Take, Take, Update], None).await;
    exploration.explore(&[Revoke, Rotate, Update], None).await;
    assert!(exploration.runs > 5000);
}
