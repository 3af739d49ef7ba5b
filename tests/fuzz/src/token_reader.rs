//! Tokens of every kind, made up and changed.

mod minted;
mod plain;

use std::cell::LazyCell;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sessions_core::{
    Session,
    engine::{Engine, Opening, Outcome, SessionStatus, Slot, TokenAction},
};

use self::{minted::World, plain::Plains};
use crate::{at_once, bytes::Input};

thread_local! {
    static WORLD: LazyCell<World> = LazyCell::new(World::new);
    static PLAIN: LazyCell<Plains> = LazyCell::new(Plains::new);
}

/// A token is what it was when it was made, and nothing else is a session; what no signature lets through, and what is no
/// token by its form, is not looked for. Of tokens that anybody can write, each is a session or none, and can be written.
pub fn token_reader(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = usize::from(input.byte());
    WORLD.with(|world| match world.kinds.get(kind % (world.kinds.len() + 2)) {
        Some(kind) => {
            let minted = &kind.minted[usize::from(input.byte()) % kind.minted.len()];
            kind.check(&text(input, &minted.text));
        }
        None => PLAIN.with(|plain| plain.check(kind % 2 == 0, input)),
    });
}

/// The token that the input makes, perhaps of a valid one: as text, or as the bytes behind it.
fn text(mut input: Input<'_>, valid: &str) -> Vec<u8> {
    match input.byte() % 4 {
        0 => input.rest().to_vec(),
        1 => URL_SAFE_NO_PAD.encode(input.rest()).into_bytes(),
        2 => input.edited(valid.as_bytes()),
        _ => {
            let bytes = URL_SAFE_NO_PAD.decode(valid).unwrap();
            URL_SAFE_NO_PAD.encode(input.edited(&bytes)).into_bytes()
        }
    }
}

fn open<T: Session>(engine: &Engine<T>, token: Option<&[u8]>) -> Slot<T> {
    match engine.open(token, &()) {
        Opening::Ready(slot) => slot,
        Opening::Loading(loading) => at_once(loading.finish()).unwrap(),
        Opening::Failed(error) => panic!("{error:?}"),
    }
}

fn commit<T: Session>(slot: &Slot<T>) -> TokenAction {
    at_once(slot.commit(Outcome::Answered)).unwrap()
}

/// The token that was sent.
fn sent(action: TokenAction) -> String {
    match action {
        TokenAction::Send { token, .. } => token.expose().to_owned(),
        action => panic!("{action:?}"),
    }
}

/// What is seen of a token that was only read.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    status: SessionStatus,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Nothing,
    Token,
    Removal,
}

impl Seen {
    const LIVE: Self = Self {
        status: SessionStatus::Live,
        told: Told::Nothing,
    };
    /// And another token is better.
    const BEHIND: Self = Self {
        status: SessionStatus::Live,
        told: Told::Token,
    };
    const STALE: Self = Self {
        status: SessionStatus::Stale,
        told: Told::Nothing,
    };
    const INVALID: Self = Self {
        status: SessionStatus::Invalid,
        told: Told::Removal,
    };

    fn of<T: Session>(slot: &Slot<T>) -> Self {
        let status = slot.status();
        let told = match commit(slot) {
            TokenAction::Keep => Told::Nothing,
            TokenAction::Send { .. } => Told::Token,
            TokenAction::Remove { .. } => Told::Removal,
        };
        Self { status, told }
    }
}
