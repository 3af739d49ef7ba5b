//! The `devices` example in real browsers, two at a time, with clicks and keystrokes.

use std::path::Path;

use serde_json::json;
use tests::{TestResult, browser::Browser, example::Example};

const OTHER: &str = "form[action='/sign-out'] button";

/// Keeps a picture for whoever wants to look at the pages.
fn picture(browser: &mut Browser, name: &str) -> std::io::Result<()> {
    browser.screenshot(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("devices-{name}.png")))
}

/// Logs in by keyboard alone: the first field gets the focus.
fn log_in(browser: &mut Browser, example: &Example) -> std::io::Result<()> {
    browser.open(&format!("{}/", example.url()))?;
    assert_eq!(browser.url()?, format!("{}/login", example.url()));
    browser.shows("h1", "Log in")?;
    browser.find("#user:focus")?;
    browser.type_at_focus("Ada\tsecret\n")?;
    browser.shows("h1", "Your devices")?;
    browser.shows("#name", "Ada")
}

/// The devices that the page lists, this one with a mark.
fn devices(browser: &mut Browser) -> std::io::Result<serde_json::Value> {
    browser.run(
        "return [...document.querySelectorAll('li')].map(entry =>
             entry.querySelector('h2').innerText + (entry.innerText.includes('This device') ? ', here' : ''))",
    )
}

#[test]
fn somebody_signs_out_one_device_then_all_others_then_this_one() -> TestResult {
    let example = Example::start("devices", &[])?;
    let (mut here, mut there) = (Browser::start()?, Browser::start()?);
    let home = format!("{}/", example.url());

    log_in(&mut here, &example)?;
    assert_eq!(devices(&mut here)?, json!(["Chrome on Linux, here"]));
    log_in(&mut there, &example)?;
    assert_eq!(
        devices(&mut there)?,
        json!(["Chrome on Linux", "Chrome on Linux, here"])
    );
    here.reload()?;
    assert_eq!(
        devices(&mut here)?,
        json!(["Chrome on Linux, here", "Chrome on Linux"])
    );
    picture(&mut here, "two")?;

    // A button says what it ends, also to who cannot see where it stands.
    let spoken = here.run(&format!(
        "return document.querySelector(\"{OTHER}\").getAttribute('aria-label')"
    ))?;
    let spoken = spoken.as_str().unwrap_or_default();
    assert!(
        spoken.starts_with("Sign out Chrome on Linux, logged in "),
        "{spoken}"
    );

    // One click, and the other browser is logged out when it next asks.
    here.click(OTHER)?;
    here.shows("[role=status]", "Signed out: Chrome on Linux.")?;
    assert_eq!(here.url()?, home);
    assert_eq!(devices(&mut here)?, json!(["Chrome on Linux, here"]));
    picture(&mut here, "signed-out")?;
    there.reload()?;
    there.shows("h1", "Log in")?;
    assert_eq!(there.cookies()?.len(), 0, "the dead cookie is gone");
    picture(&mut there, "form")?;

    // What was said is not said again.
    here.reload()?;
    assert_eq!(
        here.run("return document.querySelector('[role=status]')")?,
        json!(null)
    );

    // All others, by keyboard: the button of this device comes first, then one for each other one.
    log_in(&mut there, &example)?;
    let credentials = [("user", "Ada"), ("password", "secret")];
    example.client().post_form("/login", &credentials)?;
    here.reload()?;
    assert_eq!(
        devices(&mut here)?,
        json!(["Chrome on Linux, here", "Chrome on Linux", "Unknown device"])
    );
    here.type_at_focus("\t\t\t\t\n")?;
    here.shows("[role=status]", "Signed out 2 other devices.")?;
    assert_eq!(devices(&mut here)?, json!(["Chrome on Linux, here"]));
    there.reload()?;
    there.shows("h1", "Log in")?;

    // A page that was open for too long still offers what is gone.
    log_in(&mut there, &example)?;
    here.reload()?;
    there.click("#logout")?;
    there.shows("[role=status]", "You have logged out.")?;
    here.click(OTHER)?;
    here.shows("h1", "No such device")?;
    picture(&mut here, "not-found")?;
    here.click("main a")?;
    here.shows("h1", "Your devices")?;

    // No script sees a cookie, and the back button brings no list back.
    assert_eq!(here.run("return document.cookie")?, "");
    assert_eq!(here.cookies()?.len(), 1);
    here.click("#logout")?;
    here.shows("h1", "Log in")?;
    picture(&mut here, "logged-out")?;
    here.run("document.querySelector('h1').textContent = 'The page before'")?;
    here.back()?;
    here.shows("h1", "Log in")?;
    Ok(())
}

#[test]
fn the_pages_fit_a_telephone_and_follow_the_colours_that_one_prefers() -> TestResult {
    let example = Example::start("devices", &[])?;
    let mut browser = Browser::start()?;
    log_in(&mut browser, &example)?;
    for user_agent in [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        "A-program-of-24-letters-/1.0",
    ] {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("user-agent", user_agent),
        ];
        example
            .client()
            .send("POST", "/login", &headers, b"user=Ada&password=secret")?;
    }
    browser.reload()?;
    let background = "return getComputedStyle(document.body).backgroundColor";
    assert_eq!(browser.run(background)?, "rgb(243, 244, 247)");
    picture(&mut browser, "wide")?;
    browser.prefer_dark()?;
    assert_eq!(browser.run(background)?, "rgb(18, 21, 27)");
    picture(&mut browser, "wide-dark")?;
    for (width, name) in [(390, "narrow"), (320, "narrowest")] {
        browser.resize(width, 900)?;
        assert_eq!(browser.run("return innerWidth")?, width);
        let cut_off = "const page = document.documentElement; return page.scrollWidth - page.clientWidth";
        assert_eq!(browser.run(cut_off)?, 0);
        picture(&mut browser, name)?;
    }
    browser.click("#logout")?;
    browser.shows("h1", "Log in")?;
    picture(&mut browser, "narrowest-form")?;
    Ok(())
}
