//! The `login` example as a real process, over sockets.

use tests::{TestResult, client::Client, client::Response, example::Example};

const LOGIN: &str = "login_session";
const PREFERENCES: &str = "preferences";

fn log_in(client: &mut Client, user: &str) -> std::io::Result<Response> {
    client.post_form("/login", &[("user", user), ("password", "secret")])
}

/// The visit count that the page shows, none on the login form.
fn visits(page: &Response) -> Option<u32> {
    let text = page.text();
    let count = text.split_once("id=\"visits\">")?.1;
    count.split('<').next()?.parse().ok()
}

/// The token in the form that logs out; none on other pages.
fn csrf(page: &Response) -> Option<String> {
    let text = page.text();
    let token = text.split_once("name=\"csrf\" value=\"")?.1;
    Some(token.split('"').next()?.to_owned())
}

/// Loads the page and sends its form.
fn log_out(client: &mut Client) -> std::io::Result<Response> {
    let token = csrf(&client.get("/")?).unwrap_or_default();
    client.post_form("/logout", &[("csrf", &token)])
}

fn shows_the_form(page: &Response) -> bool {
    page.text().contains("action=\"/login\"")
}

#[test]
fn a_visitor_sees_the_login_form_and_gets_no_cookie() -> TestResult {
    let example = Example::start("login", &[])?;
    let page = example.client().get("/")?;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(shows_the_form(&page));
    assert_eq!(page.header("set-cookie"), None);
    Ok(())
}

#[test]
fn after_a_login_each_load_counts_one_visit() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    let answer = log_in(&mut client, "Ada")?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    for count in 1..=3 {
        let page = client.get("/")?;
        assert!(page.text().contains(">Ada<"));
        assert_eq!(visits(&page), Some(count));
    }
    Ok(())
}

#[test]
fn the_login_cookie_is_out_of_reach_for_scripts_and_other_sites() -> TestResult {
    let example = Example::start("login", &[])?;
    let answer = log_in(&mut example.client(), "Ada")?;
    let lines = answer.set_cookies(LOGIN);
    assert_eq!(lines.len(), 1, "{:?}", answer.head);
    let attributes: Vec<_> = lines[0]
        .split(';')
        .skip(1)
        .map(|part| part.trim().to_lowercase())
        .collect();
    for expected in ["httponly", "samesite=lax", "path=/"] {
        assert!(
            attributes.iter().any(|attribute| attribute == expected),
            "{expected} not in {attributes:?}"
        );
    }
    // A cookie for this browser session, and on this loopback address one for plain http.
    for unexpected in ["secure", "max-age", "expires", "domain"] {
        assert!(
            !attributes
                .iter()
                .any(|attribute| attribute.starts_with(unexpected)),
            "{attributes:?}"
        );
    }
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    Ok(())
}

#[test]
fn wrong_input_gives_the_form_again_with_a_message() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    for fields in [
        &[("user", ""), ("password", "")][..],
        &[("user", "Ada"), ("password", "")],
        &[("user", ""), ("password", "secret")],
        &[("user", "  "), ("password", "secret")],
        &[("user", "Ada")],
        &[],
    ] {
        let answer = client.post_form("/login", fields)?;
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(
            shows_the_form(&answer) && answer.text().contains("role=\"alert\""),
            "{fields:?}"
        );
        assert_eq!(answer.header("set-cookie"), None, "{fields:?}");
    }
    let answer = client.send("POST", "/login", &[("content-type", "application/json")], b"{}")?;
    assert_eq!(answer.status, 422);
    Ok(())
}

#[test]
fn what_a_user_types_is_text_and_never_markup() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    let name = "\"><script>alert('&')</script>";
    let escaped = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;";
    let form = client.post_form("/login", &[("user", name), ("password", "")])?;
    assert!(form.text().contains(escaped) && !form.text().contains("<script"));
    log_in(&mut client, name)?;
    let page = client.get("/")?;
    assert!(page.text().contains(escaped) && !page.text().contains("<script"));
    Ok(())
}

#[test]
fn a_second_login_begins_a_new_session_and_ends_the_old_one() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    log_in(&mut client, "Ada")?;
    client.get("/")?;
    let mut thief = client.clone();
    log_in(&mut client, "Ada")?;
    assert_ne!(client.cookie(LOGIN), thief.cookie(LOGIN));
    assert!(shows_the_form(&thief.get("/")?));
    assert_eq!(visits(&client.get("/")?), Some(1));
    Ok(())
}

#[test]
fn a_logout_ends_the_session_also_for_a_copy_of_its_cookie() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    log_in(&mut client, "Ada")?;
    let mut copy = client.clone();
    let answer = log_out(&mut client)?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!(client.cookie(LOGIN), None);
    assert!(shows_the_form(&client.get("/")?));
    let answer = copy.get("/")?;
    assert!(shows_the_form(&answer));
    assert_eq!(
        copy.cookie(LOGIN),
        None,
        "a read of a dead token takes the cookie away"
    );
    Ok(())
}

#[test]
fn a_form_without_the_token_of_its_session_logs_nobody_out() -> TestResult {
    let example = Example::start("login", &[])?;
    let (mut ada, mut eve) = (example.client(), example.client());
    log_in(&mut ada, "Ada")?;
    log_in(&mut eve, "Eve")?;
    let eves = csrf(&eve.get("/")?).ok_or("there is no token")?;
    for fields in [&[][..], &[("csrf", "")], &[("csrf", "x")], &[("csrf", &eves)]] {
        let answer = ada.post_form("/logout", fields)?;
        assert_eq!(answer.status, 403, "{fields:?}");
        assert!(answer.text().contains("role=\"alert\""));
        assert_eq!(answer.header("set-cookie"), None);
    }
    let answer = ada.send("POST", "/logout", &[("content-type", "text/plain")], b"csrf")?;
    assert_eq!(answer.status, 403);
    // A page of before another login.
    let old = csrf(&ada.get("/")?).ok_or("there is no token")?;
    log_in(&mut ada, "Ada")?;
    assert_eq!(ada.post_form("/logout", &[("csrf", &old)])?.status, 403);
    assert!(ada.get("/")?.text().contains(">Ada<"));
    // Who is not logged in is told nothing of tokens.
    assert_eq!(example.client().post_form("/logout", &[])?.status, 303);
    Ok(())
}

#[test]
fn what_the_page_of_another_site_sends_is_refused() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    log_in(&mut client, "Ada")?;
    let token = csrf(&client.get("/")?).ok_or("there is no token")?;
    let own = example.url();
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (path, body) in [
        ("/login", "user=Eve&password=secret".to_owned()),
        ("/theme", "theme=dark".to_owned()),
        ("/logout", format!("csrf={token}")),
    ] {
        for header in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = client.send("POST", path, &[form, header], body.as_bytes())?;
            assert_eq!((answer.status, answer.body.len()), (403, 0), "{path} {header:?}");
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    let page = client.get("/")?;
    assert!(page.text().contains(">Ada<") && page.text().contains("data-theme=\"light\""));
    for header in [("sec-fetch-site", "same-origin"), ("origin", own.as_str())] {
        let answer = client.send("POST", "/theme", &[form, header], b"theme=dark")?;
        assert_eq!(answer.status, 303, "{header:?}");
    }
    Ok(())
}

#[test]
fn the_theme_is_a_session_of_its_own_and_survives_the_logout() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    assert!(client.get("/")?.text().contains("data-theme=\"light\""));
    log_in(&mut client, "Ada")?;
    let answer = client.post_form("/theme", &[("theme", "dark")])?;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.set_cookies(PREFERENCES).len(), 1);
    assert!(answer.set_cookies(PREFERENCES)[0].contains("Max-Age="));
    assert!(answer.set_cookies(LOGIN).is_empty());
    assert!(!client.cookie(PREFERENCES).unwrap_or_default().contains("dark"));
    assert!(client.get("/")?.text().contains("data-theme=\"dark\""));
    log_out(&mut client)?;
    let page = client.get("/")?;
    assert!(shows_the_form(&page) && page.text().contains("data-theme=\"dark\""));
    client.post_form("/theme", &[("theme", "light")])?;
    assert!(client.get("/")?.text().contains("data-theme=\"light\""));
    Ok(())
}

#[test]
fn an_unknown_theme_is_refused_and_changes_nothing() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    client.post_form("/theme", &[("theme", "dark")])?;
    let answer = client.post_form("/theme", &[("theme", "pink")])?;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("data-theme=\"dark\""));
    assert_eq!(answer.header("set-cookie"), None);
    Ok(())
}

#[test]
fn both_sessions_survive_a_crash_of_the_server() -> TestResult {
    let mut example = Example::start("login", &[])?;
    let mut client = example.client();
    log_in(&mut client, "Ada")?;
    client.post_form("/theme", &[("theme", "dark")])?;
    assert_eq!(visits(&client.get("/")?), Some(1));
    example.restart()?;
    client.moved_to(example.address());
    let page = client.get("/")?;
    assert_eq!(visits(&page), Some(2));
    assert!(page.text().contains("data-theme=\"dark\""));
    Ok(())
}

#[test]
fn a_key_of_ones_own_is_used_and_none_is_kept() -> TestResult {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let example = Example::start("login", &[("SESSION_KEY", key)])?;
    let mut client = example.client();
    client.post_form("/theme", &[("theme", "dark")])?;
    assert!(client.get("/")?.text().contains("data-theme=\"dark\""));
    assert!(!example.folder().join("keys").exists());
    assert!(!example.output().contains(key) && !example.output().contains("SESSION_KEY is not set"));
    Ok(())
}

#[test]
fn a_bad_key_ends_the_program_and_is_not_repeated() -> TestResult {
    let error = Example::start("login", &[("SESSION_KEY", "c2hvcnQ=")])
        .err()
        .ok_or("it started")?;
    assert!(error.to_string().contains("ended too early"), "{error}");
    assert!(!error.to_string().contains("c2hvcnQ="), "{error}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_key_that_it_makes_is_kept_for_its_owner_alone_and_it_says_so() -> TestResult {
    use std::os::unix::fs::PermissionsExt;
    let example = Example::start("login", &[])?;
    let file = example.folder().join("keys");
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    assert!(
        example.output().contains("SESSION_KEY is not set"),
        "{}",
        example.output()
    );
    assert!(!example.output().contains(std::fs::read_to_string(&file)?.trim()));
    Ok(())
}

#[test]
fn programs_that_start_at_once_in_a_new_folder_have_one_key() -> TestResult {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("sessions");
    let shared = [("SESSIONS_DIR", folder.to_str().unwrap())];
    let examples = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Example::start("login", &shared)))
            .collect();
        let started = starts.into_iter().map(|start| start.join().unwrap());
        started.collect::<Result<Vec<_>, _>>()
    })?;
    let made = examples
        .iter()
        .filter(|example| example.output().contains("made a key"));
    assert_eq!(made.count(), 1);
    let mut names = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name()));
    let names: std::io::Result<Vec<_>> = names.by_ref().collect();
    let of_keys = names?
        .into_iter()
        .filter(|name| name.to_string_lossy().starts_with("keys"));
    assert_eq!(of_keys.count(), 1, "no draft is left");
    Ok(())
}

#[test]
fn it_says_that_its_cookies_are_for_plain_http() -> TestResult {
    let example = Example::start("login", &[])?;
    assert!(
        example.output().contains("without `Secure`"),
        "{}",
        example.output()
    );
    Ok(())
}

#[test]
fn off_the_loopback_address_its_cookies_stay_secure() -> TestResult {
    let example = Example::start("login", &[("BIND_ADDRESS", "0.0.0.0")])?;
    let port = example.address().port();
    let mut client = Client::new(([127, 0, 0, 1], port).into());
    let answer = log_in(&mut client, "Ada")?;
    let lines = answer.set_cookies("__Host-login_session");
    assert!(
        lines.len() == 1 && lines[0].contains("; Secure"),
        "{:?}",
        answer.head
    );
    assert!(!example.output().contains("without `Secure`"));
    Ok(())
}

#[test]
fn health_touches_no_session() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut client = example.client();
    log_in(&mut client, "Ada")?;
    client.set_cookie(PREFERENCES, "junk");
    let answer = client.get("/health")?;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    assert_eq!(
        answer.header("set-cookie"),
        None,
        "a read would have removed the junk"
    );
    assert_eq!(answer.header("vary"), None);
    assert_eq!(visits(&client.get("/")?), Some(1));
    Ok(())
}

#[test]
fn junk_cookies_are_no_session_and_no_error() -> TestResult {
    let example = Example::start("login", &[])?;
    for junk in [
        "",
        "x",
        "\"quoted\"",
        "%00",
        "../../etc/passwd",
        &"A".repeat(3000),
    ] {
        let mut client = example.client();
        client.set_cookie(LOGIN, junk);
        client.set_cookie(PREFERENCES, junk);
        let page = client.get("/")?;
        assert_eq!(page.status, 200, "{junk}");
        assert!(shows_the_form(&page), "{junk}");
    }
    let address = example.address();
    let mut request = format!("GET / HTTP/1.1\r\nhost: {address}\r\ncookie: other=").into_bytes();
    request.extend_from_slice(b"\xff\xfe; login_session=\xff\r\nconnection: close\r\n\r\n");
    assert_eq!(example.client().exchange(&request)?.status, 200);
    Ok(())
}
