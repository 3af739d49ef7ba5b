//! The `devices` example as a real process, over sockets.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tests::{
    TestResult,
    client::{Client, Response},
    example::Example,
};

const ACCOUNT: &str = "account";
const NOTICE: &str = "notice";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/138.0.0.0 Safari/537.36";

/// What a page says of one device.
#[derive(Debug, PartialEq, Eq)]
struct Device {
    name: String,
    /// What its button would send; none on the device of the page itself.
    id: Option<String>,
}

impl Device {
    fn is_this_one(&self) -> bool {
        self.id.is_none()
    }
}

fn log_in(client: &mut Client, user: &str, user_agent: &str) -> std::io::Result<Response> {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", user_agent),
    ];
    client.send(
        "POST",
        "/login",
        &headers,
        format!("user={user}&password=secret").as_bytes(),
    )
}

/// A client that is logged in as this user.
fn device(example: &Example, user: &str, user_agent: &str) -> std::io::Result<Client> {
    let mut client = example.client();
    let answer = log_in(&mut client, user, user_agent)?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    Ok(client)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// The devices of a page, in its order.
fn devices_of(page: &Response) -> Vec<Device> {
    assert_eq!(page.status, 200, "{:?}", page.head);
    between(&page.text(), "<ul>", "</ul>")
        .unwrap_or_default()
        .split("<li")
        .skip(1)
        .map(|entry| {
            let id = between(entry, "name=\"id\" value=\"", "\"").map(str::to_owned);
            assert_eq!(id.is_none(), entry.contains("This device"), "{entry}");
            Device {
                name: between(entry, "<h2>", "</h2>").unwrap_or_default().to_owned(),
                id,
            }
        })
        .collect()
}

fn devices(client: &mut Client) -> std::io::Result<Vec<Device>> {
    Ok(devices_of(&client.get("/")?))
}

/// The public id of the only other device.
fn other(client: &mut Client) -> std::io::Result<String> {
    devices(client)?
        .into_iter()
        .find_map(|device| device.id)
        .ok_or_else(|| std::io::Error::other("there is no other device"))
}

fn is_logged_in(client: &mut Client) -> std::io::Result<bool> {
    let page = client.get("/")?;
    match (page.status, page.header("location")) {
        (200, None) => Ok(true),
        (303, Some("/login")) => Ok(false),
        other => Err(std::io::Error::other(format!("{other:?}"))),
    }
}

/// What the page says that the last form has done.
fn outcome(page: &Response) -> Option<String> {
    between(&page.text(), "role=\"status\">", "<").map(str::to_owned)
}

#[test]
fn a_visitor_is_sent_to_the_login_form_and_gets_no_cookie() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = example.client();
    assert!(!is_logged_in(&mut client)?);
    let page = client.get("/login")?;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("action=\"/login\""));
    assert_eq!(client.cookie_names(), [""; 0]);
    Ok(())
}

#[test]
fn each_device_sees_all_of_its_user_oldest_first_and_which_one_it_is() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut firefox = device(&example, "Ada", FIREFOX)?;
    let mut chrome = device(&example, "Ada", CHROME)?;
    device(&example, "Bob", "curl/8.14.1")?;
    for (client, here) in [(&mut firefox, 0), (&mut chrome, 1)] {
        let page = client.get("/")?;
        assert!(page.text().contains(">Ada<") && page.text().contains("Last seen just now"));
        assert!(page.text().contains(" UTC</p>"), "{}", page.text());
        let devices = devices_of(&page);
        let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
        assert_eq!(names, ["Firefox on Linux", "Chrome on Windows"]);
        assert!(devices[here].is_this_one() && !devices[1 - here].is_this_one());
    }
    Ok(())
}

#[test]
fn who_is_alone_has_nobody_to_sign_out() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = device(&example, "Ada", FIREFOX)?;
    let page = client.get("/")?;
    assert_eq!(devices_of(&page).len(), 1);
    assert!(!page.text().contains("/sign-out"));
    client.post_form("/sign-out-others", &[])?;
    let page = client.get("/")?;
    assert_eq!(
        outcome(&page).as_deref(),
        Some("There was no other device to sign out.")
    );
    Ok(())
}

#[test]
fn a_device_that_is_signed_out_is_logged_out_at_once_and_no_other_is() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let mut ended = device(&example, "Ada", CHROME)?;
    let mut spared = device(&example, "Ada", "curl/8.14.1")?;
    let chosen = devices(&mut here)?
        .into_iter()
        .find(|device| device.name == "Chrome on Windows")
        .and_then(|device| device.id)
        .ok_or("it is not listed")?;
    let answer = here.post_form("/sign-out", &[("id", &chosen)])?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(!is_logged_in(&mut ended)?);
    assert_eq!(ended.cookie(ACCOUNT), None, "the dead cookie is taken away");
    assert!(is_logged_in(&mut spared)?);
    assert_eq!(devices(&mut here)?.len(), 2);
    Ok(())
}

#[test]
fn the_outcome_is_told_once_and_only_to_who_asked() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    device(&example, "Ada", CHROME)?;
    let mut other_one = device(&example, "Ada", "curl/8.14.1")?;
    let chosen = other(&mut here)?;
    let answer = here.post_form("/sign-out", &[("id", &chosen)])?;
    assert_eq!(answer.set_cookies(NOTICE).len(), 1);
    assert_eq!(outcome(&other_one.get("/")?), None);
    let page = here.get("/")?;
    assert_eq!(outcome(&page).as_deref(), Some("Signed out: Chrome on Windows."));
    assert_eq!(here.cookie(NOTICE), None);
    assert_eq!(outcome(&here.get("/")?), None);
    Ok(())
}

#[test]
fn all_others_are_signed_out_and_this_one_stays() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut before = device(&example, "Ada", CHROME)?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let mut after = device(&example, "Ada", CHROME)?;
    let mut bob = device(&example, "Bob", FIREFOX)?;
    let answer = here.post_form("/sign-out-others", &[])?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(!is_logged_in(&mut before)? && !is_logged_in(&mut after)?);
    let page = here.get("/")?;
    assert_eq!(outcome(&page).as_deref(), Some("Signed out 2 other devices."));
    let devices = devices_of(&page);
    assert!(devices.len() == 1 && devices[0].is_this_one(), "{devices:?}");
    assert!(is_logged_in(&mut bob)?);
    Ok(())
}

#[test]
fn a_logout_ends_this_device_also_for_a_copy_of_its_cookie() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let mut other_one = device(&example, "Ada", CHROME)?;
    let mut copy = here.clone();
    let answer = here.post_form("/logout", &[])?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    assert_eq!(here.cookie(ACCOUNT), None);
    let page = here.get("/login")?;
    assert_eq!(outcome(&page).as_deref(), Some("You have logged out."));
    assert!(!is_logged_in(&mut here)? && !is_logged_in(&mut copy)?);
    assert_eq!(devices(&mut other_one)?.len(), 1);
    Ok(())
}

#[test]
fn a_device_that_signs_itself_out_is_logged_out() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let own = other(&mut device(&example, "Ada", CHROME)?)?;
    assert_eq!(here.post_form("/sign-out", &[("id", &own)])?.status, 303);
    assert!(!is_logged_in(&mut here)?);
    assert_eq!(here.cookie(ACCOUNT), None);
    let page = here.get("/login")?;
    assert_eq!(outcome(&page).as_deref(), Some("Signed out: Firefox on Linux."));
    Ok(())
}

#[test]
fn nobody_ends_somebody_elses_session_with_its_public_id() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut ada = device(&example, "Ada", FIREFOX)?;
    let mut adas_other = device(&example, "Ada", CHROME)?;
    let adas = other(&mut ada)?;
    let mut bob = device(&example, "Bob", FIREFOX)?;
    let answer = bob.post_form("/sign-out", &[("id", &adas)])?;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("role=\"alert\"") && !answer.text().contains(&adas));
    assert_eq!(answer.header("set-cookie"), None);
    assert!(is_logged_in(&mut adas_other)?);
    // The same id is good for whom it belongs to.
    assert_eq!(ada.post_form("/sign-out", &[("id", &adas)])?.status, 303);
    assert!(!is_logged_in(&mut adas_other)?);
    Ok(())
}

#[test]
fn an_id_that_names_no_device_is_a_404_and_ends_nothing() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let mut other_one = device(&example, "Ada", CHROME)?;
    let real = other(&mut here)?;
    let token = other_one.cookie(ACCOUNT).unwrap_or_default().to_owned();
    for id in [
        "",
        " ",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAA",
        &real[..21],
        &format!("{real}="),
        &format!(" {real}"),
        &format!("{real}AAAA"),
        &token,
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "\0",
        "Ünïcode",
        &"A".repeat(10_000),
        // More than a form may have.
        &"A".repeat(100_000),
    ] {
        let answer = here.post_form("/sign-out", &[("id", id)])?;
        assert_eq!(answer.status, 404, "{id}");
        assert!(!answer.text().contains("<script"), "{id}");
    }
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (header, body) in [
        (form, String::new()),
        (form, "id".to_owned()),
        (form, "id=%".to_owned()),
        (form, format!("other={real}")),
        (form, format!("id={real}&id={real}")),
        (
            ("content-type", "application/json"),
            format!("{{\"id\":\"{real}\"}}"),
        ),
        (("content-type", "text/plain"), format!("id={real}")),
    ] {
        let answer = here.send("POST", "/sign-out", &[header], body.as_bytes())?;
        assert_eq!(answer.status, 404, "{header:?} {body}");
    }
    assert!(is_logged_in(&mut other_one)?);
    assert_eq!(devices(&mut here)?.len(), 2);
    Ok(())
}

#[test]
fn a_device_that_is_signed_out_already_is_a_404() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    device(&example, "Ada", CHROME)?;
    let chosen = other(&mut here)?;
    assert_eq!(here.post_form("/sign-out", &[("id", &chosen)])?.status, 303);
    assert_eq!(here.post_form("/sign-out", &[("id", &chosen)])?.status, 404);
    Ok(())
}

#[test]
fn without_a_session_no_form_does_anything() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut ada = device(&example, "Ada", FIREFOX)?;
    device(&example, "Ada", CHROME)?;
    let adas = other(&mut ada)?;
    for cookie in [None, Some("junk"), Some(adas.as_str())] {
        for path in ["/sign-out", "/sign-out-others", "/logout"] {
            let mut stranger = example.client();
            if let Some(cookie) = cookie {
                stranger.set_cookie(ACCOUNT, cookie);
            }
            let answer = stranger.post_form(path, &[("id", &adas), ("user", "Ada")])?;
            assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
            // Strangers who post all day leave nothing behind.
            assert!(answer.set_cookies(NOTICE).is_empty());
        }
    }
    assert_eq!(devices(&mut ada)?.len(), 2);
    Ok(())
}

#[test]
fn the_cookie_is_not_for_other_sites_and_a_link_ends_nothing() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = example.client();
    let answer = log_in(&mut client, "Ada", FIREFOX)?;
    let lines = answer.set_cookies(ACCOUNT);
    assert!(
        lines.len() == 1 && lines[0].contains("; SameSite=Lax") && lines[0].contains("; HttpOnly"),
        "{:?}",
        answer.head
    );
    device(&example, "Ada", CHROME)?;
    let id = other(&mut client)?;
    for path in [
        "/sign-out",
        &format!("/sign-out?id={id}"),
        "/sign-out-others",
        "/logout",
    ] {
        assert_eq!(client.get(path)?.status, 404, "{path}");
    }
    assert_eq!(devices(&mut client)?.len(), 2);
    Ok(())
}

#[test]
fn a_login_on_a_sixth_device_signs_out_the_first() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut first = device(&example, "Ada", CHROME)?;
    let mut rest = (0..4)
        .map(|_| device(&example, "Ada", FIREFOX))
        .collect::<Result<Vec<_>, _>>()?;
    let page = first.get("/")?;
    assert_eq!(devices_of(&page).len(), 5);
    assert!(page.text().contains("at most 5 devices"), "{}", page.text());
    let mut sixth = device(&example, "Ada", "curl/8.14.1")?;
    assert!(!is_logged_in(&mut first)?);
    for client in &mut rest {
        assert!(is_logged_in(client)?);
    }
    let names: Vec<_> = devices(&mut sixth)?
        .into_iter()
        .map(|device| device.name)
        .collect();
    let firefox = "Firefox on Linux";
    assert_eq!(names, [firefox, firefox, firefox, firefox, "curl"]);
    // Somebody else's devices are not counted.
    device(&example, "Bob", FIREFOX)?;
    assert_eq!(devices(&mut sixth)?.len(), 5);
    Ok(())
}

#[test]
fn a_second_login_in_one_browser_is_still_one_device() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = device(&example, "Ada", FIREFOX)?;
    let mut copy = client.clone();
    log_in(&mut client, "Ada", CHROME)?;
    let devices = devices(&mut client)?;
    assert_eq!(
        (devices.len(), devices[0].name.as_str()),
        (1, "Chrome on Windows")
    );
    assert!(!is_logged_in(&mut copy)?);
    Ok(())
}

#[test]
fn whatever_a_device_says_of_itself_its_label_is_short_and_no_markup() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let long = "A".repeat(10_000);
    for (user_agent, expected) in [
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("\"><img src=x onerror=alert(1)>", "Unknown device"),
        (&long, "Unknown device"),
        (
            &format!("Mozilla/5.0 (X11; Linux) {long}"),
            "Unknown browser on Linux",
        ),
        (
            "Mozilla/5.0 (Windows) <script>Firefox/</script>",
            "Firefox on Windows",
        ),
    ] {
        let mut client = device(&example, "Ada", user_agent)?;
        let page = here.get("/")?;
        assert_eq!(devices_of(&page)[1].name, expected, "{user_agent}");
        assert!(!page.text().contains("<script") && !page.text().contains("<img"));
        assert!(page.body.len() < 10_000, "{} octets", page.body.len());
        client.post_form("/logout", &[])?;
    }
    // Octets that are no text, and no header at all.
    for header in [&b"user-agent: \xff\xfe<b>\x80\r\n"[..], b""] {
        let form = b"user=Ada&password=secret";
        let head = format!(
            "POST /login HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n",
            example.address(),
            form.len()
        );
        let request = [head.as_bytes(), header, b"\r\n", form].concat();
        assert_eq!(example.client().exchange(&request)?.status, 303);
        let devices = devices(&mut here)?;
        assert_eq!((devices.len(), devices[1].name.as_str()), (2, "Unknown device"));
        here.post_form("/sign-out-others", &[])?;
    }
    Ok(())
}

#[test]
fn what_a_user_types_is_text_and_never_markup() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = example.client();
    let name = "\"><script>alert('&')</script>";
    let escaped = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;";
    let form = client.post_form("/login", &[("user", name), ("password", "")])?;
    assert_eq!(form.status, 422);
    assert!(form.text().contains(escaped) && !form.text().contains("<script"));
    client.post_form("/login", &[("user", name), ("password", "secret")])?;
    let page = client.get("/")?;
    assert!(page.text().contains(escaped) && !page.text().contains("<script"));
    Ok(())
}

#[test]
fn wrong_input_gives_the_form_again_with_a_message() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = example.client();
    for fields in [
        &[("user", "Ada"), ("password", "")][..],
        &[("user", "  "), ("password", "secret")],
        &[("user", "Ada")],
        &[],
    ] {
        let answer = client.post_form("/login", fields)?;
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.text().contains("action=\"/login\"") && answer.text().contains("role=\"alert\""));
        assert_eq!(answer.header("set-cookie"), None, "{fields:?}");
    }
    let answer = client.post_form("/login", &[("user", &"A".repeat(100_000)), ("password", "x")])?;
    assert_eq!(answer.status, 422);
    Ok(())
}

#[test]
fn no_page_shows_what_logs_somebody_in() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let other_one = device(&example, "Ada", CHROME)?;
    let chosen = other(&mut here)?;
    let pages = [
        here.get("/")?,
        here.post_form("/sign-out", &[("id", "x")])?,
        here.post_form("/sign-out", &[("id", &chosen)])?,
        here.get("/")?,
    ];
    for client in [&here, &other_one] {
        let token = client.cookie(ACCOUNT).ok_or("it has no cookie")?;
        let octets = URL_SAFE_NO_PAD.decode(token)?;
        // Sixteen octets name the session; all that follows is secret, every piece of it.
        let secret = URL_SAFE_NO_PAD.encode(&octets[16..]);
        for page in &pages {
            let text = page.text();
            for half in [&token.as_bytes()[22..], secret.as_bytes()] {
                for piece in half.windows(8) {
                    assert!(!text.contains(str::from_utf8(piece)?), "{text}");
                }
            }
        }
    }
    assert!(pages[0].text().contains(&chosen), "this is no secret");
    Ok(())
}

#[test]
fn all_pages_are_for_this_moment_only() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut client = device(&example, "Ada", FIREFOX)?;
    let mut stranger = example.client();
    let not_found = client.post_form("/sign-out", &[("id", "x")])?;
    for page in [client.get("/")?, stranger.get("/login")?, not_found] {
        assert_eq!(page.headers("cache-control").collect::<Vec<_>>(), ["no-store"]);
    }
    // Who is logged in has no use for the form.
    let answer = client.get("/login")?;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    Ok(())
}

#[test]
fn the_list_survives_a_crash_of_the_server() -> TestResult {
    let mut example = Example::start("devices", &[])?;
    let mut here = device(&example, "Ada", FIREFOX)?;
    let mut other_one = device(&example, "Ada", CHROME)?;
    let before = devices(&mut here)?;
    example.restart()?;
    here.moved_to(example.address());
    other_one.moved_to(example.address());
    assert_eq!(devices(&mut here)?, before);
    let chosen = other(&mut here)?;
    here.post_form("/sign-out", &[("id", &chosen)])?;
    // What was ended stays so, and what was said is still to be told.
    example.restart()?;
    here.moved_to(example.address());
    other_one.moved_to(example.address());
    assert!(!is_logged_in(&mut other_one)?);
    let page = here.get("/")?;
    assert_eq!(outcome(&page).as_deref(), Some("Signed out: Chrome on Windows."));
    assert_eq!(devices_of(&page).len(), 1);
    Ok(())
}

#[cfg(unix)]
#[test]
fn the_database_is_for_its_owner_alone_and_has_nothing_that_logs_in() -> TestResult {
    use std::os::unix::fs::PermissionsExt;
    let example = Example::start("devices", &[])?;
    let here = device(&example, "Ada", FIREFOX)?;
    let other_one = device(&example, "Ada", CHROME)?;
    let mut stored = Vec::new();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(example.folder())? {
        let entry = entry?;
        assert_eq!(entry.metadata()?.permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name());
        stored.extend(std::fs::read(entry.path())?);
    }
    assert!(names.iter().any(|name| name == "sessions.db"), "{names:?}");
    let contains = |needle: &[u8]| stored.windows(needle.len()).any(|window| window == needle);
    assert!(contains(b"Firefox on Linux") && contains(b"Chrome on Windows"));
    for client in [&here, &other_one] {
        let token = client.cookie(ACCOUNT).ok_or("it has no cookie")?;
        let octets = URL_SAFE_NO_PAD.decode(token)?;
        assert!(contains(&octets[..16]), "the public id is stored");
        assert!(!contains(&octets[16..]) && !contains(token.as_bytes()));
        assert!(!contains(&token.as_bytes()[22..]));
    }
    Ok(())
}

#[test]
fn off_the_loopback_address_its_cookies_stay_secure() -> TestResult {
    let example = Example::start("devices", &[("BIND_ADDRESS", "0.0.0.0")])?;
    let port = example.address().port();
    let mut client = Client::new(([127, 0, 0, 1], port).into());
    let answer = log_in(&mut client, "Ada", FIREFOX)?;
    let lines = answer.set_cookies("__Host-account");
    assert!(
        lines.len() == 1 && lines[0].contains("; Secure") && lines[0].contains("; SameSite=Lax"),
        "{:?}",
        answer.head
    );
    assert!(example.output().contains("behind https"));
    Ok(())
}
