//! The `counter` example as a real process, over sockets.

use tests::{TestResult, example::Example};

#[test]
fn each_client_has_a_count_of_its_own() -> TestResult {
    let example = Example::start("counter", &[])?;
    let (mut one, mut other) = (example.client(), example.client());
    assert_eq!(one.get("/")?.text(), "Visit 1\n");
    assert_eq!(one.get("/")?.text(), "Visit 2\n");
    assert_eq!(other.get("/")?.text(), "Visit 1\n");
    assert_eq!(one.get("/")?.text(), "Visit 3\n");
    Ok(())
}

#[test]
fn a_cookie_that_was_tampered_with_counts_from_the_start() -> TestResult {
    let example = Example::start("counter", &[])?;
    let mut client = example.client();
    client.get("/")?;
    client.get("/")?;
    let cookie = client.cookie("counter").ok_or("no cookie")?.to_owned();
    let mut bent = cookie.clone().into_bytes();
    let middle = bent.len() / 2;
    bent[middle] = if bent[middle] == b'A' { b'B' } else { b'A' };
    client.set_cookie("counter", str::from_utf8(&bent)?);
    assert_eq!(client.get("/")?.text(), "Visit 1\n");
    client.set_cookie("counter", &cookie);
    assert_eq!(client.get("/")?.text(), "Visit 3\n");
    Ok(())
}

#[test]
fn the_count_ends_with_the_key_when_the_program_starts_anew() -> TestResult {
    let mut example = Example::start("counter", &[])?;
    let mut client = example.client();
    client.get("/")?;
    example.restart()?;
    client.moved_to(example.address());
    assert_eq!(client.get("/")?.text(), "Visit 1\n");
    Ok(())
}
