//! The `login` example, whose keys change while it runs.

use std::{
    fs, io, thread,
    time::{Duration, Instant},
};

use sessions_actix::protection::Key;
use tests::{TestResult, client::Client, example::Example};

const PREFERENCES: &str = "preferences";

/// Of whoever was there before: a login on the server, and a theme that the client keeps.
fn somebody(example: &Example) -> io::Result<Client> {
    let mut client = example.client();
    client.post_form("/login", &[("user", "Ada"), ("password", "secret")])?;
    client.post_form("/theme", &[("theme", "dark")])?;
    Ok(client)
}

fn is_dark(client: &mut Client) -> io::Result<bool> {
    Ok(client.get("/")?.text().contains("data-theme=\"dark\""))
}

fn is_logged_in(client: &mut Client) -> io::Result<bool> {
    Ok(client.get("/")?.text().contains(">Ada<"))
}

/// Version and key id of the token under which the client's theme is.
fn made_under(client: &Client) -> Option<String> {
    // Six characters are four octets and a half, which is more than another key has in common.
    client.cookie(PREFERENCES).map(|token| token[..6].to_owned())
}

/// In one step, as whoever watches it may look at any time.
fn put_in_place(example: &Example, keys: &str) -> io::Result<()> {
    let next = example.folder().join("keys.next");
    fs::write(&next, keys)?;
    fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    fs::rename(next, example.folder().join("keys"))
}

/// Asks until it is so.
fn comes(mut is_so: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if is_so()? {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(false)
}

#[test]
fn keys_are_rotated_while_it_runs_and_only_what_a_revoked_one_has_made_ends() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut early = somebody(&example)?;
    let stolen = early.clone();
    let old = fs::read_to_string(example.folder().join("keys"))?;
    let new = Key::generate()?.expose_base64().to_string();
    let before = made_under(&early);

    put_in_place(&example, &format!("current {new}\nretired {old}\n"))?;
    let mut late = somebody(&example)?;
    assert!(
        comes(|| {
            late = somebody(&example)?;
            Ok(made_under(&late) != before)
        })?,
        "new tokens are made under the new key"
    );
    for client in [&mut early, &mut late] {
        assert!(is_dark(client)? && is_logged_in(client)?, "nobody is logged out");
    }

    put_in_place(&example, &format!("current {new}\nrevoked {old}\n"))?;
    assert!(
        comes(|| Ok(!is_dark(&mut stolen.clone())?))?,
        "a revoked key's tokens die"
    );
    let mut stolen = stolen;
    let page = stolen.get("/")?;
    assert_eq!(page.set_cookies(PREFERENCES).len(), 1, "it is taken away");
    assert_eq!(stolen.cookie(PREFERENCES), None);
    assert!(
        is_logged_in(&mut stolen)?,
        "the login is on the server, and of no key"
    );
    assert!(is_dark(&mut late)?);

    // A file that is broken costs nobody anything.
    put_in_place(&example, "current nonsense\n")?;
    thread::sleep(Duration::from_secs(5));
    assert!(is_dark(&mut late)? && is_logged_in(&mut late)?);
    // Nor has it ended the watch.
    put_in_place(
        &example,
        &format!("current {}\n", Key::generate()?.expose_base64().as_str()),
    )?;
    assert!(
        comes(|| Ok(!is_dark(&mut late.clone())?))?,
        "the next file is taken"
    );
    Ok(())
}
