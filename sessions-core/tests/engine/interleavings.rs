//! Requests of one session at one time, in every order in which their storage calls can happen, with one of them broken
//! off after any call, and with their responses lost or late: `docs/rotation.md` has what must hold.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sessions_core::{
    Clock, ManualClock, PublicId, SessionStorage,
    engine::{Engine, SessionStatus},
    storage::Read,
};
use tokio::task::unconstrained;

use crate::support::{Client, Login, Said, Stepped, World, at_once, hours, key_of, login, mins, secs};

/// What a request does, if it finds the session; a start, and a revocation, also if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Look,
    Set,
    Update,
    Renew,
    Rotate,
    SetAndRotate,
    Clear,
    ClearAndSet,
    Start,
    Take,
    Revoke,
    /// Time passes, until the session has expired.
    Expire,
}
use Does::*;

const ALL: [Does; 12] = [
    Look,
    Set,
    Update,
    Renew,
    Rotate,
    SetAndRotate,
    Clear,
    ClearAndSet,
    Start,
    Take,
    Revoke,
    Expire,
];

/// What the requests show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    /// The one secret that there is.
    Current,
    /// The current secret, while a successor waits that never arrived.
    Renewed,
    /// The successor, for the first time.
    Successor,
    /// The predecessor, within its grace.
    Predecessor,
}

const SHOWN: [Shows; 4] = [
    Shows::Current,
    Shows::Renewed,
    Shows::Successor,
    Shows::Predecessor,
];

const GRACE: Duration = secs(30);

impl Does {
    fn rotates(self) -> bool {
        matches!(self, Rotate | SetAndRotate)
    }

    fn ends(self) -> bool {
        matches!(self, Clear | ClearAndSet | Start | Take | Revoke | Expire)
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

async fn request(mut client: Client<Login>, does: Does, value: u32, clock: ManualClock) -> Answered {
    if does == Expire {
        // After a call like others, that finds nothing.
        client
            .engine()
            .revoke(&PublicId::from_bytes(&[0; 16]).unwrap())
            .await
            .unwrap();
        clock.advance(hours(1));
        return Answered {
            does,
            found: true,
            done: true,
            said: Said::Nothing,
            client,
        };
    }
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
        Look | Expire => {}
        Set => slot.set(login("alice", value)).unwrap(),
        Update => done = slot.update(|login| login.visits += 1).await.unwrap().is_some(),
        Renew => slot.renew_id().unwrap(),
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
    shows: Shows,
    runs: usize,
}

impl Exploration {
    fn new(shows: Shows) -> Self {
        let mut world = World::new();
        // Time is let pass only for waits between attempts.
        world.environment.storage_timeout = hours(1000);
        let storage = Arc::new(Stepped::default());
        Self {
            engine: world.server_on(storage.clone()),
            world,
            storage,
            shows,
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
        let original = at_once(self.original());
        self.storage.stepping(true);
        let mut context = Context::from_waker(Waker::noop());
        let mut running: Vec<(usize, Running)> = Vec::new();
        for (index, does) in requests.iter().enumerate() {
            let value = 100 * (u32::try_from(index).unwrap() + 1);
            let request = request(original.clone(), *does, value, self.world.clock.clone());
            let mut request: Running = Box::pin(unconstrained(request));
            // Up to its first call nothing depends on the order.
            assert!(request.as_mut().poll(&mut context).is_pending(), "{does:?}");
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
        self.check_jars(&original, &answered, broken);
    }

    /// A session that is two minutes old, so that its activity is written down, and the client that shows it.
    async fn original(&self) -> Client<Login> {
        self.world.clock.set(ManualClock::default().now());
        let old = self.world.alice(&self.engine).await;
        self.world.pass(mins(2));
        let mut new = old.clone();
        if self.shows != Shows::Current {
            assert_eq!(new.does(|slot| slot.renew_id()).await, Said::Sent);
        }
        match self.shows {
            Shows::Current | Shows::Renewed => old,
            Shows::Successor => new,
            Shows::Predecessor => {
                new.reads().await;
                old
            }
        }
    }

    /// Responses may arrive in any order, and each may be lost: so a browser is left with what it had, or with what any
    /// one of them said. Whatever that is, renewals log nobody out.
    fn check_jars(&self, original: &Client<Login>, answered: &[Answered], broken: Option<Does>) {
        let (now, key) = (self.world.clock.now(), key_of(original));
        let snapshot = self.storage.snapshot(now);
        let unharmed = snapshot.contains_key(&key)
            && !answered
                .iter()
                .map(|one| one.does)
                .chain(broken)
                .any(Does::rotates);
        let spoken = answered.iter().filter(|one| one.said != Said::Nothing);
        for jar in spoken.map(|one| &one.client).chain([original]) {
            if !jar.has_token() || key_of(jar) != key {
                continue;
            }
            if unharmed {
                assert_eq!(at_once(jar.status()), SessionStatus::Live);
            }
            if at_once(jar.status()) != SessionStatus::Live {
                continue;
            }
            self.storage.restore(&snapshot, now);
            let mut jar = jar.clone();
            at_once(jar.reads());
            self.world.pass(2 * GRACE);
            at_once(jar.reads());
            assert_eq!(
                at_once(jar.status()),
                SessionStatus::Live,
                "logged out by a renewal"
            );
            self.world.clock.set(now);
        }
        self.storage.restore(&snapshot, now);
        // Of all tokens that there ever were, at most two are good.
        let mut tokens: Vec<&str> = answered
            .iter()
            .map(|one| &one.client)
            .chain([original])
            .filter(|client| client.has_token() && key_of(client) == key)
            .map(Client::token)
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        let secrets = snapshot.get(&key).map(|record| &record.secrets);
        let good = tokens.iter().filter(|token| {
            let client = Client::showing(&self.engine, [**token]);
            at_once(client.status()) == SessionStatus::Live
        });
        assert!(good.count() <= 2, "a fork: {secrets:?}");
        self.storage.restore(&snapshot, now);
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
        // A take ends only the session that it can give: not one whose id was rotated since it was opened.
        let ended = answered
            .iter()
            .any(|one| one.does.ends() && one.found && (one.does != Take || one.done));
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
            // Nothing is sent that was not written: it is good, or a rotation has taken its power.
            for one in answered.iter().filter(|one| one.said == Said::Sent) {
                let status = at_once(one.client.status());
                let rotated = wanted || perhaps_rotated;
                assert!(
                    status == SessionStatus::Live || rotated && status == SessionStatus::Stale,
                    "{:?} sent what is {status:?}",
                    one.does
                );
            }
        } else {
            assert_eq!(now.status(), SessionStatus::Invalid);
        }

        // Every session that was begun and sent is there, and no other.
        let begun: Vec<_> = answered
            .iter()
            .filter(|one| one.does.begins() && one.said == Said::Sent)
            .collect();
        let expired = answered.iter().any(|one| one.does == Expire);
        for one in begun.iter().filter(|_| !expired) {
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
            expired || (begun.len()..=begun.len() + perhaps_begun).contains(&there),
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

/// How many orders there were.
async fn pairs(shows: Shows) -> usize {
    let mut exploration = Exploration::new(shows);
    for (index, one) in ALL.into_iter().enumerate() {
        for other in ALL.into_iter().skip(index) {
            exploration.explore(&[one, other], None).await;
        }
    }
    exploration.runs
}

#[tokio::test(start_paused = true)]
async fn two_requests_in_every_order_agree() {
    for shows in SHOWN {
        let runs = pairs(shows).await;
        println!("{shows:?}: {runs} orders");
        assert!(runs > 500, "{shows:?}: {runs}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_requests_of_which_one_is_broken_off_anywhere_agree() {
    for shows in SHOWN {
        let mut exploration = Exploration::new(shows);
        for one in ALL {
            for other in ALL.into_iter().filter(|other| *other != Expire) {
                for polls in 0..5 {
                    exploration.explore(&[one, other], Some(polls)).await;
                }
            }
        }
        println!("{shows:?}: {} orders", exploration.runs);
        assert!(exploration.runs > 3000);
    }
}

#[tokio::test(start_paused = true)]
async fn three_requests_in_every_order_agree() {
    for shows in SHOWN {
        let mut exploration = Exploration::new(shows);
        // To confirm the successor takes two calls more of each request, and so far more orders.
        let does: &[Does] = match shows {
            Shows::Successor => &[Rotate, Clear],
            _ => &[Update, Renew, Rotate, Clear, Start],
        };
        for (index, &one) in does.iter().enumerate() {
            for (index, &other) in does.iter().enumerate().skip(index) {
                for &third in does.iter().skip(index) {
                    exploration.explore(&[one, other, third], None).await;
                }
            }
        }
        if shows != Shows::Successor {
            for more in [
                [Take, Take, Update],
                [Revoke, Rotate, Update],
                [Set, SetAndRotate, Renew],
                [Set, Renew, Look],
                [Look, Renew, Expire],
                [Set, Set, Clear],
            ] {
                exploration.explore(&more, None).await;
            }
        }
        println!("{shows:?}: {} orders", exploration.runs);
        assert!(exploration.runs > 3000);
    }
}
