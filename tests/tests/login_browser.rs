//! The `login` example in a real browser, with clicks and keystrokes.

use std::path::Path;

use tests::{TestResult, browser::Browser, example::Example};

/// Keeps a picture for whoever wants to look at the pages.
fn picture(browser: &mut Browser, name: &str) -> std::io::Result<()> {
    browser.screenshot(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("login-{name}.png")))
}

#[test]
fn somebody_logs_in_changes_the_theme_comes_back_and_logs_out() -> TestResult {
    let mut example = Example::start("login", &[])?;
    let mut browser = Browser::start()?;

    browser.open(&format!("{}/", example.url()))?;
    assert_eq!(browser.text("h1")?, "Log in");
    picture(&mut browser, "form")?;

    // An empty form comes back with what is wrong.
    browser.click("#login")?;
    assert_eq!(
        browser.text("[role=alert]")?,
        "Please enter a user name and a password."
    );
    picture(&mut browser, "refused")?;

    // By keyboard alone: the first field has the focus, the tab key leads on, enter sends the form.
    browser.find("#user:focus")?;
    browser.type_at_focus("Ada\tsecret\n")?;
    assert_eq!(browser.text("#name")?, "Ada");
    assert_eq!(browser.text("#visits")?, "1");
    assert_eq!(browser.url()?, format!("{}/", example.url()));
    browser.reload()?;
    assert_eq!(browser.text("#visits")?, "2");
    picture(&mut browser, "welcome")?;

    // The browser keeps both cookies, and no script sees them.
    browser.click("#theme")?;
    browser.shows("#theme", "Use the light theme")?;
    assert_eq!(browser.text("#visits")?, "3");
    let cookies = browser.cookies()?;
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for cookie in &cookies {
        assert_eq!(
            (&cookie["httpOnly"], &cookie["sameSite"], &cookie["path"]),
            (&true.into(), &"Lax".into(), &"/".into())
        );
    }
    assert_eq!(browser.run("return document.cookie")?, "");
    let background = browser.run("return getComputedStyle(document.body).backgroundColor")?;
    assert_eq!(background, "rgb(18, 21, 27)");
    picture(&mut browser, "dark")?;

    // The server crashes and comes back: still logged in.
    example.restart()?;
    browser.open(&format!("{}/", example.url()))?;
    assert_eq!(browser.text("#visits")?, "4");

    // The logout takes the login, and leaves the theme.
    browser.click("#logout")?;
    browser.shows("h1", "Log in")?;
    assert_eq!(browser.text("#theme")?, "Use the light theme");
    assert_eq!(browser.cookies()?.len(), 1);
    picture(&mut browser, "logged-out")?;
    Ok(())
}

#[test]
fn a_form_without_its_token_or_of_another_site_is_refused() -> TestResult {
    let example = Example::start("login", &[])?;
    let mut browser = Browser::start()?;
    let home = format!("{}/", example.url());
    browser.open(&home)?;
    browser.find("#user:focus")?;
    browser.type_at_focus("Ada\tsecret\n")?;
    browser.shows("#name", "Ada")?;

    // As somebody would send it who has never seen this page.
    browser.run("document.querySelector('[name=csrf]').remove()")?;
    browser.click("#logout")?;
    browser.shows("h1", "Sorry")?;
    assert_eq!(
        browser.text("[role=alert]")?,
        "This page is out of date, and nobody was logged out."
    );
    picture(&mut browser, "no-token")?;
    browser.open(&home)?;
    browser.shows("#name", "Ada")?;

    // A login in somebody else's name from a page of no site of ours.
    let post = format!(
        "document.body.innerHTML = '<form method=post action={home}login><input name=user value=Eve>\
         <input name=password value=x><button id=go>Go</button></form>'"
    );
    browser.open("data:text/html,<body></body>")?;
    browser.run(&post)?;
    browser.click("#go")?;
    // The browser's own page for an answer without a body.
    browser.find("body.neterror")?;
    picture(&mut browser, "other-site")?;
    browser.open(&home)?;
    browser.shows("#name", "Ada")?;

    // And with its token the form does what it says.
    browser.click("#logout")?;
    browser.shows("h1", "Log in")?;
    Ok(())
}
