//! Rings in files, and what becomes of a server when such a file changes.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use sessions_core::{
    ConfigError, KeyError,
    engine::{Engine, SessionStatus},
    protection::{Encrypted, KeyRing},
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::{Heard, Login, World, at_once, key, listening, mins, ring, secs};

/// A key file of one's own.
struct Kept {
    _folder: TempDir,
    path: PathBuf,
}

impl Kept {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kept = Self {
            path: folder.path().join("keys"),
            _folder: folder,
        };
        kept.write(text);
        kept.mode(0o600);
        kept
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&self.path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn base64(seed: u8) -> String {
    key(seed).expose_base64().to_string()
}

fn engine(world: &World, keys: &KeyRing) -> Engine<Login> {
    world.client_side(&Encrypted::new(keys))
}

/// What becomes of a token of each of these keys.
fn statuses<const N: usize>(world: &World, engine_of: &Engine<Login>, seeds: [u8; N]) -> [SessionStatus; N] {
    seeds.map(|seed| {
        let client = at_once(world.alice(&engine(world, &ring(seed))));
        at_once(client.at(engine_of).status())
    })
}

/// All that an error says, causes included, and what it shows.
fn told(error: &dyn Error) -> String {
    let mut text = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        text = format!("{text}\n{error}");
        cause = error.source();
    }
    text
}

use SessionStatus::{Invalid, Live, Stale};

#[test]
fn a_file_says_the_state_of_each_key() {
    let world = World::new();
    let file = Kept::new(&format!(
        "# Keys of the shop.\n\nupcoming {}\r\ncurrent\t{}\n  retired   {}  \nrevoked {}\nrevoked {}",
        base64(1),
        base64(2),
        base64(3),
        base64(4),
        key(5).id(),
    ));
    let keys = KeyRing::from_file(&file.path).unwrap();
    assert_eq!(keys.current(), key(2).id());
    assert_eq!(
        statuses(&world, &engine(&world, &keys), [1, 2, 3, 4, 5, 6]),
        [Live, Live, Live, Invalid, Invalid, Stale],
    );
}

#[test]
fn a_list_without_states_has_the_current_key_first_and_then_the_retired() {
    let world = World::new();
    let file = Kept::new(&format!("{}\n{}\n", base64(1), base64(2)));
    let keys = KeyRing::from_file(&file.path).unwrap();
    assert_eq!(keys.current(), key(1).id());
    assert_eq!(
        statuses(&world, &engine(&world, &keys), [1, 2, 3]),
        [Live, Live, Stale]
    );
}

#[test]
fn a_mistake_in_a_file_names_the_line_and_never_shows_a_key() {
    let (good, id) = (base64(1), key(1).id());
    let weak = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let half = &base64(2)[..30];
    for (text, cause) in [
        (String::new(), "no current key"),
        ("# nothing\n".to_owned(), "no current key"),
        (format!("retired {good}"), "no current key"),
        (format!("\ncurrent {weak}"), "line 2"),
        (format!("current {good}\nretired {half}"), "line 2"),
        (format!("current {good}\n\nretired"), "line 3"),
        (
            format!("current {good}\ncurrent {}", base64(2)),
            "a current key already",
        ),
        (format!("current {good}\nupcoming {good}"), "listed already"),
        (format!("current {good}\nrevoked {id}"), "listed already"),
        (
            format!("current {good}\nrevoked {}", &id.to_string()[..7]),
            "line 2",
        ),
        (format!("{good}\n{} {good}", base64(2)), "what it is"),
        (format!("Current {good}"), "what it is"),
    ] {
        let file = Kept::new(&text);
        let told = told(&KeyRing::from_file(&file.path).unwrap_err());
        assert!(told.contains(file.path.to_str().unwrap()), "{told}");
        assert!(told.contains(cause), "{cause}: {told}");
        for secret in [&good[..20], half, &weak[..20], &base64(2)[..20]] {
            assert!(!told.contains(secret), "{told}");
        }
    }
}

#[test]
fn a_file_that_is_none_is_refused() {
    let file = Kept::new(&base64(1));
    let missing = KeyRing::from_file(file.path.with_extension("missing"));
    assert!(matches!(missing, Err(KeyError::File(..))));
    assert!(matches!(
        KeyRing::from_file(file.path.parent().unwrap()),
        Err(KeyError::File(..))
    ));
    fs::write(&file.path, [0xff; 40]).unwrap();
    assert!(matches!(KeyRing::from_file(&file.path), Err(KeyError::File(..))));
    // A pipe is not waited for.
    let pipe = file.path.with_extension("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert!(matches!(KeyRing::from_file(&pipe), Err(KeyError::File(..))));
    file.write(&"#\n".repeat(64 * 1024));
    assert!(matches!(
        KeyRing::from_file(&file.path),
        Err(KeyError::FileLength(_))
    ));
}

#[test]
fn a_file_that_others_may_write_is_refused_and_one_that_others_may_read_is_told() {
    let file = Kept::new(&base64(1));
    let heard = |mode| {
        file.mode(mode);
        let heard = listening();
        let read = KeyRing::from_file(&file.path);
        (read, heard.all())
    };
    for mode in [0o600, 0o400] {
        let (read, heard) = heard(mode);
        assert!(read.is_ok() && heard.is_empty(), "{mode:o}: {heard:?}");
    }
    for mode in [0o644, 0o640, 0o444] {
        let (read, heard) = heard(mode);
        assert!(read.is_ok());
        let [told] = heard.as_slice() else {
            panic!("{mode:o}: {heard:?}")
        };
        assert!(
            told.starts_with("WARN") && told.contains("others may read the key file"),
            "{told}"
        );
    }
    for mode in [0o602, 0o620, 0o666, 0o660] {
        let (read, _) = heard(mode);
        let told = told(&read.unwrap_err());
        assert!(
            told.contains("chmod go-w") && told.contains(file.path.to_str().unwrap()),
            "{told}"
        );
    }
}

#[test]
fn a_file_that_others_may_replace_is_refused_and_keys_that_are_in_use_are_kept() {
    let file = Kept::new(&base64(1));
    let folder = Kept {
        path: file.path.parent().unwrap().to_owned(),
        _folder: tempfile::tempdir().unwrap(),
    };
    // Where only its owner may replace a file, as in the mounted secrets of Kubernetes, others may write.
    for mode in [0o700, 0o755, 0o1777, 0o1770] {
        folder.mode(mode);
        assert!(KeyRing::from_file(&file.path).is_ok(), "{mode:o}");
    }
    let keys = KeyRing::from_file(&file.path).unwrap();
    file.write(&base64(2));
    for mode in [0o777, 0o775, 0o720] {
        folder.mode(mode);
        let told = told(&KeyRing::from_file(&file.path).unwrap_err());
        assert!(told.contains("may replace the key file"), "{mode:o}: {told}");
        assert!(keys.reload().is_err());
        assert_eq!(keys.current(), key(1).id());
    }
    folder.mode(0o700);
    assert!(keys.reload().unwrap());
}

#[test]
fn a_reload_takes_what_has_changed_and_says_so() {
    let world = World::new();
    let file = Kept::new(&base64(1));
    let keys = KeyRing::from_file(&file.path).unwrap();
    let engine = engine(&world, &keys);
    assert!(!keys.reload().unwrap());
    file.write(&format!("current {}\nretired {}", base64(2), base64(1)));
    let heard = listening();
    assert!(keys.clone().reload().unwrap());
    let said = heard.all().join("\n");
    assert!(
        said.starts_with("INFO") && said.contains(&key(2).id().to_string()),
        "{said}"
    );
    assert!(!said.contains(&base64(1)[..20]) && !said.contains(&base64(2)[..20]));
    assert!(!keys.reload().unwrap());
    assert_eq!(statuses(&world, &engine, [1, 2, 3]), [Live, Live, Stale]);
    assert_eq!(keys.current(), key(2).id());
    assert!(
        !ring(1).reload().unwrap(),
        "a ring from nowhere has nothing to take"
    );
}

/// Each text that a file may hold while somebody writes it.
#[test]
fn a_file_that_is_half_written_gives_no_key_that_is_not_in_the_whole() {
    let world = World::new();
    let whole = format!(
        "current {}\nretired {}\nrevoked {}\n",
        base64(2),
        base64(1),
        key(3).id()
    );
    for len in 0..whole.len() {
        let file = Kept::new(&base64(1));
        let keys = KeyRing::from_file(&file.path).unwrap();
        let engine = engine(&world, &keys);
        file.write(&whole[..len]);
        match keys.reload() {
            // Whole lines are good ones.
            Ok(true) => assert!(
                whole[len..].starts_with('\n') || whole[..len].ends_with('\n'),
                "{len}"
            ),
            Ok(false) => panic!("{len}"),
            Err(error) => {
                assert!(matches!(error, ConfigError::Key(_)), "{error}");
                assert_eq!(keys.current(), key(1).id());
                assert_eq!(statuses(&world, &engine, [1, 2]), [Live, Stale]);
            }
        }
        file.write(&whole);
        keys.reload().unwrap();
        assert_eq!(statuses(&world, &engine, [1, 2, 3]), [Live, Live, Invalid]);
    }
}

fn put_in_place(path: &Path, text: &str) {
    let next = path.with_extension("next");
    fs::write(&next, text).unwrap();
    fs::rename(next, path).unwrap();
}

/// Lets a file be looked at, on a thread of its own.
async fn a_while() {
    sleep(secs(12)).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_runs_takes_the_keys_of_its_file_and_keeps_them_when_it_breaks() {
    let world = World::new();
    let file = Kept::new(&base64(1));
    let engine = {
        let keys = KeyRing::from_file(&file.path).unwrap();
        tokio::spawn(keys.watch(secs(10)));
        // From here on only the protection holds the ring.
        engine(&world, &keys)
    };
    let heard = listening();
    a_while().await;
    assert_eq!(statuses(&world, &engine, [1, 2]), [Live, Stale]);

    put_in_place(
        &file.path,
        &format!("current {}\nretired {}", base64(2), base64(1)),
    );
    a_while().await;
    assert_eq!(statuses(&world, &engine, [1, 2, 3]), [Live, Live, Stale]);
    assert_eq!(heard.errors(), [""; 0]);

    for broken in [
        String::new(),
        format!("current {}\ncurrent {}", base64(3), base64(2)),
        format!("current {}", &base64(3)[..20]),
    ] {
        file.write(&broken);
        a_while().await;
        assert_eq!(statuses(&world, &engine, [1, 2, 3]), [Live, Live, Stale]);
    }
    fs::remove_file(&file.path).unwrap();
    a_while().await;
    assert_eq!(statuses(&world, &engine, [1, 2, 3]), [Live, Live, Stale]);
    let errors = heard.errors();
    assert!(errors.len() >= 4, "{errors:?}");
    for told in &errors {
        assert!(told.contains("the keys stay as they are"), "{told}");
        assert!(
            !told.contains(&base64(3)[..16]) && !told.contains(&base64(2)[..16]),
            "{told}"
        );
    }

    put_in_place(
        &file.path,
        &format!("current {}\nrevoked {}", base64(3), key(1).id()),
    );
    a_while().await;
    assert_eq!(statuses(&world, &engine, [1, 2, 3]), [Invalid, Stale, Live]);
}

#[tokio::test(start_paused = true)]
async fn nobody_watches_a_ring_that_nothing_uses_or_that_is_from_nowhere() {
    ring(1).watch(secs(10)).await;
    let file = Kept::new(&base64(1));
    let keys = KeyRing::from_file(&file.path).unwrap();
    let engine = engine(&World::new(), &keys);
    let watching = tokio::spawn(keys.watch(secs(10)));
    drop(keys);
    sleep(mins(5)).await;
    assert!(!watching.is_finished());
    drop(engine);
    a_while().await;
    watching.await.unwrap();
}

/// A ring is given other keys while several threads make and open tokens.
#[test]
fn no_token_is_lost_while_the_keys_change() {
    let world = World::new();
    let keys = ring(1).with_upcoming(key(2));
    let engine = engine(&world, &keys);
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let client = at_once(world.alice(&engine));
                        assert!(at_once(client.sees()).is_some());
                    }
                })
            })
            .collect();
        let rings = [ring(1).rotate(key(2)), ring(2).with_upcoming(key(1))];
        for ring in rings.iter().cycle() {
            keys.replace(ring).unwrap();
            if working.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
    });
}

/// So that the helper is not taken for granted.
#[test]
fn what_is_heard_is_what_was_said() {
    let heard: Heard = listening();
    let file = Kept::new(&base64(1));
    file.mode(0o644);
    KeyRing::from_file(&file.path).unwrap();
    assert_eq!(heard.all().len(), 1);
}
