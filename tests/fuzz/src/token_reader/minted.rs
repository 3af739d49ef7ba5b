//! Tokens that nobody can make up: by id, and by value under a key.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use sessions_core::{
    Clock, KeyRing, ManualClock, Session, SessionSpec,
    engine::{Engine, Environment, Slot},
    options::{Options, ServerSide},
    protection::{Encrypted, Protection, Signed},
    serializer::Bincode,
};

use super::{Seen, commit, open, sent};
use crate::{
    keys::{chacha_ring, key, ring},
    tokens::{is_an_id, may_be_elsewhere, prefix},
    watched::Watched,
};

#[derive(Serialize, Deserialize)]
struct Login {
    user: String,
}

impl Session for Login {
    const SPEC: SessionSpec = SessionSpec::new("login");
    type Serializer = Bincode;
}

/// A token that was sent.
pub(super) struct Minted {
    pub(super) text: String,
    seen: Seen,
}

/// One way to keep sessions, and what it has sent.
pub(super) struct Kind {
    engine: Engine<Login>,
    storage: Arc<Watched>,
    /// What all that it has made begin with, if they are protected.
    prefix: Option<[u8; 5]>,
    form: Form,
    pub(super) minted: Vec<Minted>,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    ById,
    SignedId,
    ByValue,
}

pub(super) struct World {
    pub(super) kinds: Vec<Kind>,
}

/// From the first session of all to the time of every check: longer than any session lasts.
const AGES: Duration = Duration::from_secs(100 * 24 * 3600);

/// A clock of its own, and what an engine needs.
fn environment() -> (ManualClock, Environment) {
    let clock = ManualClock::default();
    let environment = Environment {
        clock: Arc::new(clock.clone()),
        ..Environment::default()
    };
    (clock, environment)
}

impl World {
    pub(super) fn new() -> Self {
        let (encrypted, signed) = (Encrypted::new(&ring()), Signed::new(&ring()));
        let elsewhere = KeyRing::new(key(2));
        let options = Options::of::<Login>;
        let kinds = vec![
            by_id(&options(), Form::ById),
            by_id(&options().signed(&ring()), Form::SignedId),
            by_value(&encrypted).knowing(strangers(&encrypted, &Encrypted::new(&elsewhere))),
            by_value(&Encrypted::new(&chacha_ring())),
            by_value(&signed).knowing(strangers(&signed, &Signed::new(&elsewhere))),
            by_value(&signed.clone().then(Encrypted::new(&chacha_ring()))),
        ];
        Self { kinds }
    }
}

fn by_id(options: &Options<ServerSide>, form: Form) -> Kind {
    let ((clock, environment), storage) = (environment(), Arc::new(Watched::default()));
    let engine = Engine::server_side(&environment, storage.clone(), options).unwrap();
    Kind::new(engine, storage, form, &clock)
}

fn by_value(protection: &dyn Protection) -> Kind {
    let (clock, environment) = environment();
    let engine = Engine::client_side(&environment, protection, &Options::of::<Login>()).unwrap();
    Kind::new(engine, Arc::default(), Form::ByValue, &clock)
}

/// Tokens of another session's name, and of a key that only another node has.
fn strangers(own: &dyn Protection, elsewhere: &dyn Protection) -> [(String, Seen); 2] {
    let (clock, environment) = environment();
    clock.advance(AGES);
    let options = Options::of::<Login>();
    let other = Engine::client_side(&environment, own, &options.clone().name("other")).unwrap();
    let elsewhere = Engine::client_side(&environment, elsewhere, &options).unwrap();
    [(begun(&other), Seen::INVALID), (begun(&elsewhere), Seen::STALE)]
}

/// The token of a session that was begun now.
fn begun(engine: &Engine<Login>) -> String {
    let slot = open(engine, None);
    let user = "ada".to_owned();
    slot.start(Login { user }).unwrap();
    sent(commit(&slot))
}

/// The token that takes this one's place when this is done.
fn then(engine: &Engine<Login>, token: &str, done: impl FnOnce(&Slot<Login>)) -> String {
    let slot = open(engine, Some(token.as_bytes()));
    done(&slot);
    sent(commit(&slot))
}

impl Kind {
    fn new(engine: Engine<Login>, storage: Arc<Watched>, form: Form, clock: &ManualClock) -> Self {
        let mut kind = Self {
            engine,
            storage,
            prefix: None,
            form,
            minted: Vec::new(),
        };
        let engine = &kind.engine.clone();
        kind.know([(begun(engine), Seen::INVALID)]);
        let now = clock.now().after(AGES);
        if form == Form::ByValue {
            // By a node whose clock is ahead.
            clock.set(now.after(Duration::from_secs(60)));
            kind.know([(begun(engine), Seen::STALE)]);
        }
        clock.set(now);
        kind.know([(begun(engine), Seen::LIVE)]);
        let rotated = begun(engine);
        let again = then(engine, &rotated, |slot| slot.rotate_id().unwrap());
        let cleared = begun(engine);
        let slot = open(engine, Some(cleared.as_bytes()));
        slot.clear().unwrap();
        let _ = commit(&slot);
        if form == Form::ByValue {
            // Copies outlive what is done to a session.
            kind.know([rotated, again, cleared].map(|token| (token, Seen::LIVE)));
        } else {
            kind.know([
                (rotated, Seen::STALE),
                (again, Seen::LIVE),
                (cleared, Seen::INVALID),
            ]);
            let renewing = begun(engine);
            let _ = then(engine, &renewing, |slot| slot.renew_id().unwrap());
            let renewed = begun(engine);
            let successor = then(engine, &renewed, |slot| slot.renew_id().unwrap());
            let _ = commit(&open(engine, Some(successor.as_bytes())));
            kind.know([
                (renewing, Seen::BEHIND),
                (renewed, Seen::BEHIND),
                (successor, Seen::LIVE),
            ]);
        }
        if form != Form::ById {
            kind.prefix = Some(prefix(&kind.minted[0].text));
        }
        kind.storage.asked();
        kind
    }

    fn knowing<const N: usize>(mut self, tokens: [(String, Seen); N]) -> Self {
        self.know(tokens);
        self
    }

    fn know<const N: usize>(&mut self, tokens: [(String, Seen); N]) {
        let minted = tokens.into_iter().map(|(text, seen)| Minted { text, seen });
        self.minted.extend(minted);
    }

    pub(super) fn check(&self, text: &[u8]) {
        let minted = self.minted.iter().find(|minted| minted.text.as_bytes() == text);
        let seen = Seen::of(&open(&self.engine, Some(text)));
        match minted {
            Some(minted) => assert_eq!(seen, minted.seen, "a token that was made"),
            None => assert_eq!(seen, self.made_up(text), "a token that was made up"),
        }
        let (loads, writes) = self.storage.asked();
        assert_eq!(writes, 0);
        let looked_for = match self.form {
            Form::ById => is_an_id(text),
            Form::SignedId => minted.is_some(),
            Form::ByValue => false,
        };
        assert_eq!(loads > 0, looked_for);
    }

    /// What a token is that was never made here: none, or perhaps another node's.
    fn made_up(&self, text: &[u8]) -> Seen {
        match &self.prefix {
            Some(prefix) if may_be_elsewhere(text, prefix) => Seen::STALE,
            _ => Seen::INVALID,
        }
    }
}
