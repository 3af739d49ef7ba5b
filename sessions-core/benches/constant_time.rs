//! Whether the time that a refusal takes says how much of a guess was right.
//!
//! `cargo bench -p sessions-core --bench constant_time` takes about a minute, after its build, on a machine that does nothing else.
//!
//! After `dudect` (Reparaz, Balasch, Verbauwhede 2017): two kinds of guesses, one wrong at its beginning and one at its end,
//! are timed in random order, and Welch's t tells whether the means of their times differ; of all times, and of those below
//! each of some percentiles, as the rare long ones, which are the system's, would hide a difference. Beyond 4.5 a difference
//! is all but certain; with more samples a difference grows, and chance does not.
//!
//! A comparison of its own that stops at the first difference, alone and as a protection of tokens, shows that it would find
//! one; it fails if it does not, and if it finds one in the library.

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sessions_core::{
    BoundProtection, ConfigError, KeyRing, ManualClock, Protection, ProtectionError, SecretHash, Session,
    SessionSpec,
    engine::{Engine, Environment, Opening, Outcome, Slot, TokenAction},
    options::{Options, ServerSide},
    protection::{Encrypted, Guarantee, Key, Mode, Purpose, Signed},
    serializer::Bincode,
    storage::MemoryStorage,
};

type Failure = Box<dyn std::error::Error>;

/// How many times each kind of guess is timed.
const SAMPLES: usize = 2_000_000;
/// Beyond this the two kinds differ.
const THRESHOLD: f64 = 4.5;
/// Shares of all times that are looked at by themselves: the shortest ones.
const CROPS: [f64; 8] = [1.0, 0.999, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25];

#[derive(Serialize, Deserialize)]
struct Login {
    user: u64,
}

impl Session for Login {
    const SPEC: SessionSpec = SessionSpec::new("login");
    type Serializer = Bincode;
}

fn main() -> Result<(), Failure> {
    // As a test it has nothing to say.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    println!("| what refuses a guess | ns | t | cropped t | |\n|---|---|---|---|---|");
    let controls = controls()?;
    let found = [secrets()?, signatures()?].concat();
    if !controls.iter().all(|leaks| *leaks) {
        return Err(
            "what is known to leak was not found: a longer run, or a quieter machine, is needed".into(),
        );
    }
    if found.contains(&true) {
        return Err("the time of a refusal says where a guess was wrong".into());
    }
    Ok(())
}

/// What is not constant-time: alone, and where a token is opened.
fn controls() -> Result<Vec<bool>, Failure> {
    let alone = row("control: stops early", 64, &kinds(&CODE, 0), |guess| {
        black_box(stops_early(guess));
    });
    let engine = Engine::client_side(&environment(), &StopsEarly, &Options::of::<Login>())?;
    let token = URL_SAFE_NO_PAD.decode(begun(&engine)?)?;
    let code = token.len() - CODE.len();
    let opened = row(
        "control: a token whose code stops early",
        4,
        &texts(&token, code),
        |guess| {
            black_box(open(&engine, guess).status());
        },
    );
    Ok(vec![alone, opened])
}

const CODE: [u8; 32] = [7; 32];

fn stops_early(guess: &[u8]) -> bool {
    CODE.iter()
        .zip(guess)
        .all(|(one, other)| black_box(one) == black_box(other))
}

/// Adds a code that is always the same, and compares it byte by byte.
struct StopsEarly;

impl Protection for StopsEarly {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Waived
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(Self))
    }
}

impl BoundProtection for StopsEarly {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        bytes.extend_from_slice(&CODE);
        Ok(())
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let start = bytes.len().saturating_sub(CODE.len());
        if !stops_early(&bytes[start..]) {
            return Err(ProtectionError::Forged);
        }
        bytes.truncate(start);
        Ok(())
    }
}

/// Tokens by id: right but for the first, or the last, byte of the secret.
fn secrets() -> Result<Vec<bool>, Failure> {
    let right = SecretHash([7; 32]);
    let compared = row("a secret's hash", 64, &kinds(&right.0, 0), |guess| {
        let guess = SecretHash(*guess.first_chunk().unwrap_or(&[0; 32]));
        black_box(black_box(right) == guess);
    });
    let engine = by_id(&Options::of::<Login>())?;
    let token = URL_SAFE_NO_PAD.decode(begun(&engine)?)?;
    let handle = token.len() - 32;
    let opened = row("a token by id: its secret", 4, &texts(&token, handle), |guess| {
        black_box(open(&engine, guess).status());
    });
    Ok(vec![compared, opened])
}

/// Signed tokens: right but for the first, or the last, byte of the code.
fn signatures() -> Result<Vec<bool>, Failure> {
    let keys = KeyRing::new(Key::generate()?);
    let engine = by_id(&Options::of::<Login>().signed(&keys))?;
    let token = URL_SAFE_NO_PAD.decode(begun(&engine)?)?;
    let code = token.len() - 32;
    let by_id = row(
        "a signed token by id: its code",
        4,
        &texts(&token, code),
        |guess| {
            black_box(open(&engine, guess).status());
        },
    );
    let purpose = Purpose {
        mode: Mode::ByValue,
        application: "shop",
        name: "form",
    };
    let signed = unwrapped(
        "`Signed`: a code of 32 bytes",
        &*Signed::new(&keys).bind(&purpose)?,
        32,
    )?;
    let encrypted = unwrapped(
        "`Encrypted`: a tag of 16 bytes",
        &*Encrypted::new(&keys).bind(&purpose)?,
        16,
    )?;
    Ok(vec![by_id, signed, encrypted])
}

/// What ends in a code of this length, as a form's token does.
fn unwrapped(what: &str, protection: &dyn BoundProtection, code: usize) -> Result<bool, Failure> {
    let mut token = [7; 32].to_vec();
    protection.protect(&mut token)?;
    let code = token.len() - code;
    let mut bytes = Vec::with_capacity(token.len());
    Ok(row(what, 8, &kinds(&token, code), |guess| {
        bytes.clear();
        bytes.extend_from_slice(guess);
        black_box(protection.unprotect(&mut bytes).is_ok());
    }))
}

fn environment() -> Environment {
    Environment {
        clock: Arc::new(ManualClock::default()),
        ..Environment::default()
    }
}

fn by_id(options: &Options<ServerSide>) -> Result<Engine<Login>, Failure> {
    Ok(Engine::server_side(
        &environment(),
        Arc::new(MemoryStorage::new()),
        options,
    )?)
}

/// The token of a new session.
fn begun(engine: &Engine<Login>) -> Result<String, Failure> {
    let Opening::Ready(slot) = engine.open([], &()) else {
        return Err("a session was there".into());
    };
    slot.start(Login { user: 7 })?;
    match at_once(slot.commit(Outcome::Answered))? {
        TokenAction::Send { token, .. } => Ok(token.expose().to_owned()),
        action => Err(format!("{action:?}").into()),
    }
}

fn open(engine: &Engine<Login>, token: &[u8]) -> Slot<Login> {
    match engine.open([token], &()) {
        Opening::Ready(slot) => slot,
        Opening::Loading(loading) => at_once(loading.finish()).unwrap_or_else(|error| panic!("{error}")),
        Opening::Failed(error) => panic!("{error}"),
    }
}

fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a memory storage answers at once"),
    }
}

/// Wrong in the byte at `from`, and in the last one.
fn kinds(right: &[u8], from: usize) -> [Vec<u8>; 2] {
    [from, right.len() - 1].map(|at| {
        let mut guess = right.to_vec();
        guess[at] ^= 0x55;
        guess
    })
}

fn texts(right: &[u8], from: usize) -> [Vec<u8>; 2] {
    kinds(right, from).map(|guess| URL_SAFE_NO_PAD.encode(guess).into_bytes())
}

/// Times `refuse`, so many times for each sample, and prints what came of it: whether the two kinds differ.
fn row(what: &str, times: u32, kinds: &[Vec<u8>; 2], mut refuse: impl FnMut(&[u8])) -> bool {
    let mut samples = [Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES)];
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    // In one place in memory, whichever kind it is.
    let mut guess = kinds[0].clone();
    for sample in 0..2 * SAMPLES + SAMPLES / 10 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let kind = usize::from(random >> 63 != 0);
        guess.copy_from_slice(&kinds[kind]);
        let begun = Instant::now();
        for _ in 0..times {
            refuse(black_box(&guess));
        }
        let time = begun.elapsed().as_nanos() as f64 / f64::from(times);
        // The first ones warm up.
        if sample >= SAMPLES / 10 {
            samples[kind].push(time);
        }
    }
    let mut all = samples.concat();
    all.sort_by(f64::total_cmp);
    let t = |share: f64| {
        let most = all[((all.len() - 1) as f64 * share) as usize];
        let [one, other] = samples
            .each_ref()
            .map(|times| Moments::of(times.iter().copied().filter(|time| *time <= most)));
        welch(&one, &other)
    };
    let cropped = CROPS
        .map(t)
        .into_iter()
        .fold(0.0, |most: f64, t| if t.abs() > most.abs() { t } else { most });
    let leaks = cropped.abs() > THRESHOLD;
    println!(
        "| {what} | {:.0} | {:.2} | {cropped:.2} | {} |",
        all[all.len() / 2],
        t(1.0),
        if leaks { "differs" } else { "no difference" },
    );
    leaks
}

/// Of a sample of times.
struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(times: impl Iterator<Item = f64>) -> Self {
        // Welford's sums.
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for time in times {
            count += 1.0;
            let delta = time - mean;
            mean += delta / count;
            squares += delta * (time - mean);
        }
        Self {
            count,
            mean,
            variance: squares / (count - 1.0),
        }
    }
}

/// How many standard errors lie between two means.
fn welch(one: &Moments, other: &Moments) -> f64 {
    let error = (one.variance / one.count + other.variance / other.count).sqrt();
    if error > 0.0 {
        (one.mean - other.mean) / error
    } else {
        0.0
    }
}
