//! Key rings, and protections of one's own.

use std::{env, error::Error, process::Command};

use sessions_core::{
    BoundProtection, ConfigError, KeyError, Protection, ProtectionError, SessionError,
    engine::Engine,
    options::{ClientSide, Options, ServerSide},
    protection::{Encrypted, Guarantee, Key, KeyRing, Mode, Plain, Purpose, Signed},
};

use crate::support::{Checked, Client, Login, Note, Said, World, key, login, ring};

fn by_value(protection: &dyn Protection) -> Result<Engine<Login>, ConfigError> {
    Engine::client_side(
        &World::new().environment,
        protection,
        &Options::<ClientSide>::of::<Login>(),
    )
}

#[test]
fn two_keys_that_are_the_same_are_a_mistake() {
    let twice = ring(1).rotate(key(2)).rotate(key(1));
    for built in [
        by_value(&Encrypted::new(&twice)),
        by_value(&Signed::new(&twice)),
        by_value(&Squeezed.then(Signed::new(&twice))),
        Engine::server_side(
            &World::new().environment,
            World::new().storage,
            &Options::<ServerSide>::of::<Login>().signed(&twice),
        ),
    ] {
        assert!(matches!(built, Err(ConfigError::DuplicateKey)));
    }
}

#[test]
fn a_session_that_nothing_protects_is_a_mistake_unless_it_is_said_aloud() {
    for built in [by_value(&Squeezed), by_value(&Squeezed.then(Squeezed))] {
        let Err(error @ ConfigError::Unprotected { .. }) = built else {
            panic!("it was accepted");
        };
        assert!(error.to_string().contains("Login"), "{error}");
    }
    for allowed in [
        by_value(&Plain),
        by_value(&Squeezed.then(Plain)),
        by_value(&Squeezed.then(Signed::new(&ring(1)))),
        by_value(&Squeezed.then(Squeezed).then(Encrypted::new(&ring(1)))),
    ] {
        assert!(allowed.is_ok());
    }
}

#[test]
fn what_is_made_for_one_purpose_is_refused_for_every_other() {
    let purpose = |mode, application, name| Purpose {
        mode,
        application,
        name,
    };
    let purposes = [
        purpose(Mode::ById, "", "login"),
        purpose(Mode::ByValue, "", "login"),
        purpose(Mode::Csrf, "", "login"),
        purpose(Mode::ByValue, "", "cart"),
        purpose(Mode::ByValue, "shop", "login"),
        purpose(Mode::ByValue, "shoplogin", ""),
        purpose(Mode::ByValue, "", "shoplogin"),
    ];
    let (encrypted, signed) = (Encrypted::new(&ring(1)), Signed::new(&ring(1)));
    let protections: [&dyn Protection; 2] = [&encrypted, &signed];
    for protection in protections {
        for made in &purposes {
            let mut token = b"some bytes".to_vec();
            protection.bind(made).unwrap().protect(&mut token).unwrap();
            for opened in &purposes {
                let mut bytes = token.clone();
                let opens = protection.bind(opened).unwrap().unprotect(&mut bytes);
                if std::ptr::eq(made, opened) {
                    assert!(opens.is_ok() && bytes == b"some bytes");
                } else {
                    assert!(
                        matches!(opens, Err(ProtectionError::Forged)),
                        "{made:?} {opened:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unprotected_session_comes_back() {
    let world = World::new();
    let mut client = Client::new(&world.client_side(&Plain));
    assert_eq!(client.does(|slot| slot.set(login("alice", 3))).await, Said::Sent);
    assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 3)));
}

#[tokio::test]
async fn a_protection_of_ones_own_goes_before_the_one_that_keeps_it() {
    let world = World::new();
    let keys = ring(1);
    let long = || Note::new("x".repeat(3500));
    let plainly = world.client_side::<Note>(&Encrypted::new(&keys));
    assert!(matches!(
        Client::new(&plainly).open().await.set(long()).checked(),
        Err(SessionError::TooLargeForTransport { .. })
    ));
    for engine in [
        world.client_side(&Squeezed.then(Encrypted::new(&keys))),
        world.client_side(&Squeezed.then(Signed::new(&keys)).then(Encrypted::new(&keys))),
    ] {
        let mut client = Client::new(&engine);
        assert_eq!(client.does(|slot| slot.set(long())).await, Said::Sent);
        assert_eq!(client.sees().await.unwrap().text.len(), 3500);
        assert!(client.at(&plainly).sees().await.is_none());
    }
}

#[tokio::test]
async fn a_protection_that_fails_is_an_error_when_the_value_is_set() {
    let world = World::new();
    let engine = world.client_side::<Note>(&Squeezed.then(Signed::new(&ring(1))));
    let slot = Client::new(&engine).open().await;
    let refused = slot.set(Note::new("unlucky"));
    assert!(matches!(refused, Err(SessionError::Protection(_))));
    assert_eq!(slot.get(), None);
}

#[test]
fn a_key_of_no_use_is_refused() {
    assert!(matches!(Key::from_bytes(&[1; 31]), Err(KeyError::Length(31))));
    assert!(matches!(Key::from_bytes(&[1; 32]), Err(KeyError::Weak)));
    assert!(matches!(Key::from_base64("not base64"), Err(KeyError::Text)));
    assert!(matches!(Key::from_base64("AAAA"), Err(KeyError::Length(3))));
    let key = Key::generate().unwrap();
    let again = Key::from_base64(&format!(" {}\n", *key.expose_base64())).unwrap();
    assert_eq!(key.expose_base64(), again.expose_base64());
}

const VARIABLE: &str = "SESSIONS_CORE_TEST_KEYS";

/// Says to a process that it is the one that tells.
const TELLS: &str = "SESSIONS_CORE_TEST_TELLS";

/// The process's environment cannot be changed safely, so a process of its own tells what it finds there. In all
/// others this does nothing.
#[tokio::test]
async fn tells_what_is_in_the_environment() {
    if env::var_os(TELLS).is_none() {
        return;
    }
    match KeyRing::from_env(VARIABLE) {
        Ok(keys) => {
            let world = World::new();
            for number in 1..=3 {
                let client = world
                    .alice(&world.client_side(&Encrypted::new(&ring(number))))
                    .await;
                let engine = world.client_side::<Login>(&Encrypted::new(&keys));
                println!("opens {number}: {}", client.at(&engine).sees().await.is_some());
                let client = world.alice(&engine).await;
                let engine = world.client_side::<Login>(&Encrypted::new(&ring(number)));
                println!("makes {number}: {}", client.at(&engine).sees().await.is_some());
            }
        }
        Err(error) => {
            println!("shows {error:?}");
            let mut error: Option<&dyn Error> = Some(&error);
            while let Some(cause) = error {
                println!("says {cause}");
                error = cause.source();
            }
        }
    }
}

fn with_environment(value: Option<&str>) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture"])
        .arg("commit_by_value::keys::tells_what_is_in_the_environment")
        .env(TELLS, "1")
        .env_remove(VARIABLE);
    if let Some(value) = value {
        command.env(VARIABLE, value);
    }
    let output = command.output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_ring_in_the_environment_has_the_current_key_first_and_then_the_retired() {
    let keys = [1, 2].map(|seed| key(seed).expose_base64().to_string());
    let said = with_environment(Some(&keys.join(", ")));
    for line in [
        "opens 1: true",
        "opens 2: true",
        "opens 3: false",
        "makes 1: true",
        "makes 2: false",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn a_ring_in_the_environment_says_the_state_of_each_key() {
    let [one, two] = [1, 2].map(|seed| key(seed).expose_base64().to_string());
    let said = with_environment(Some(&format!(
        "upcoming {one},current {two}, revoked {}",
        key(3).id()
    )));
    for line in [
        "opens 1: true",
        "opens 2: true",
        "opens 3: false",
        "makes 1: false",
        "makes 2: true",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn a_mistake_in_the_environment_names_the_variable_and_never_shows_a_key() {
    let good = key(1).expose_base64().to_string();
    let weak = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let short = "c2VjcmV0IQ==";
    let text = "hunter2 hunter2!";
    for (value, cause) in [
        (None, "is not set"),
        (Some(String::new()), "32 bytes"),
        (Some(text.to_owned()), "base64"),
        (Some(short.to_owned()), "not 7"),
        (Some(weak.to_owned()), "all the same"),
        (Some(format!("{good},{text}")), "key 2"),
        (Some(format!("{good},")), "key 2"),
        (Some(format!("{good},{good}")), "listed already"),
        (Some(format!("retired {good}")), "no current key"),
    ] {
        let said = with_environment(value.as_deref());
        let says: String = said.lines().filter(|line| line.starts_with("says")).collect();
        assert!(says.contains(VARIABLE) && says.contains(cause), "{said}");
        for secret in [good.as_str(), weak, short, "hunter2"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

/// Writes each run of bytes as its length and the byte; fails on one word.
struct Squeezed;

impl Protection for Squeezed {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Nothing
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(Self))
    }
}

impl BoundProtection for Squeezed {
    fn protect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        if bytes.windows(7).any(|window| window == b"unlucky") {
            return Err(ProtectionError::Failed("that word".into()));
        }
        let mut squeezed: Vec<u8> = Vec::new();
        for byte in bytes.iter() {
            match squeezed.last_chunk_mut::<2>() {
                Some([count, last]) if last == byte && *count < u8::MAX => *count += 1,
                _ => squeezed.extend([1, *byte]),
            }
        }
        *bytes = squeezed;
        Ok(())
    }

    fn unprotect(&self, bytes: &mut Vec<u8>) -> Result<(), ProtectionError> {
        let (runs, []) = bytes.as_chunks::<2>() else {
            return Err(ProtectionError::Forged);
        };
        *bytes = runs
            .iter()
            .flat_map(|[count, byte]| std::iter::repeat_n(*byte, (*count).into()))
            .collect();
        Ok(())
    }
}

#[test]
fn what_a_main_prints_of_a_key_that_is_of_no_use_says_why() {
    let error = KeyRing::from_env("PATH").unwrap_err();
    let shown = format!("{error:?}");
    assert!(shown.starts_with("the environment variable `PATH` holds no key ring: "));
    assert!(shown.contains(": a key is "), "{shown}");
}
