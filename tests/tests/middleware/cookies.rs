//! Whatever else a client sends as cookies, only the exact name is ours, and ours is found.

use std::{fmt::Write as _, sync::Arc};

use actix_web::{
    App,
    http::header::{COOKIE, HeaderValue},
    test, web,
};
use sessions_actix::{CurrentSession, Sessions};

use crate::support::{Answer, Login, Spy, begin, get, get_with, login, send, sessions, user};

/// Sends these `Cookie` lines, in which `@` stands for a live session's token, and reads the session.
async fn read<const N: usize>(lines: [&[u8]; N]) -> Answer {
    let storage = Spy::new();
    let sessions = sessions(&storage);
    let cookie = begin(&sessions, login("ada")).await;
    let token = cookie.strip_prefix("LOGIN=").unwrap();
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(read))).await;
    let mut request = get("/");
    for line in lines {
        let parts: Vec<_> = line.split(|octet| *octet == b'@').collect();
        let line = parts.join(token.as_bytes());
        request = request.append_header((COOKIE, HeaderValue::from_bytes(&line).unwrap()));
    }
    send(&app, request).await
}

async fn assert_found<const N: usize>(lines: [&[u8]; N]) {
    let answer = read(lines).await;
    assert_eq!((answer.text(), answer.set_cookies().len()), ("ada", 0));
}

/// No session, and no cookie of ours to take away.
async fn assert_not_ours(line: &[u8]) {
    let answer = read([line]).await;
    assert_eq!(
        (answer.text(), answer.set_cookies().len()),
        ("-", 0),
        "{}",
        line.escape_ascii()
    );
}

#[actix_web::test]
async fn it_is_found_in_any_of_several_cookie_headers() {
    assert_found([b"a=1", b"LOGIN=@"]).await;
    assert_found([b"LOGIN=@", b"a=1; b=2"]).await;
    assert_found([b"a=1", b"b=2", b"c=3; LOGIN=@"]).await;
}

#[actix_web::test]
async fn it_is_found_among_junk() {
    assert_found([b"; ;;=; =x; ===; foo; LOGIN=@; bar"]).await;
    assert_found([b"LOGIN=@;"]).await;
    assert_found([b";LOGIN=@"]).await;
    assert_found([b"a={\"b\": [1, 2]}; LOGIN=@; c=\"open"]).await;
    assert_found([b"a=b=c=LOGIN=d; LOGIN=@"]).await;
}

#[actix_web::test]
async fn it_is_found_in_quotes_and_between_spaces_and_tabs() {
    assert_found([b"LOGIN=\"@\""]).await;
    assert_found([b"a=1;  \tLOGIN=@\t ; b=2"]).await;
    assert_found([b"a=1;LOGIN=@;b=2"]).await;
}

#[actix_web::test]
async fn it_is_found_beside_octets_that_are_not_utf_8() {
    assert_found([b"a=\xff\xfe; LOGIN=@"]).await;
    assert_found([b"LOGIN=@; \xc3\x28=\xa0"]).await;
    assert_found([b"a=\xff", b"LOGIN=@"]).await;
}

#[actix_web::test]
async fn it_is_found_among_a_hundred_others() {
    let mut line = String::new();
    for index in 0..100 {
        let _ = write!(line, "c{index}=v{index}; ");
        if index == 57 {
            line.push_str("LOGIN=@; ");
        }
    }
    assert_found([line.as_bytes()]).await;
}

#[actix_web::test]
async fn a_percent_encoded_name_is_another_one() {
    assert_not_ours(b"%4cOGIN=@").await;
    assert_not_ours(b"%4COGIN=@").await;
    assert_not_ours(b"LOGI%4E=@").await;
    assert_found([b"%4cOGIN=junk; LOGIN=@"]).await;
}

#[actix_web::test]
async fn only_ascii_space_and_tab_are_trimmed() {
    for space in [
        '\u{85}', '\u{a0}', '\u{1680}', '\u{2000}', '\u{2028}', '\u{3000}', '\u{feff}',
    ] {
        assert_not_ours(format!("{space}LOGIN=@").as_bytes()).await;
        assert_not_ours(format!("a=1; {space} LOGIN{space}=@").as_bytes()).await;
    }
    assert_not_ours("\u{2003}LOGIN=@".as_bytes()).await;
    assert_not_ours("LOGIN\u{2003}=@".as_bytes()).await;
    assert_not_ours(b"\xa0LOGIN=@").await;
    assert_found(["\u{a0}LOGIN=junk; \u{2003}LOGIN=junk; LOGIN=@".as_bytes()]).await;
}

#[actix_web::test]
async fn a_longer_a_shorter_and_a_differently_cased_name_are_other_ones() {
    for line in [
        b"XLOGIN=@" as &[u8],
        b"LOGINX=@",
        b"LOGIN-=@",
        b"LOGI=@",
        b"login=@",
        b"__Host-LOGIN=@",
        b"LOGIN.=@",
        b"LOGIN LOGIN=@",
        b"\"LOGIN\"=@",
        b"$LOGIN=@",
    ] {
        assert_not_ours(line).await;
    }
}

#[actix_web::test]
async fn a_name_without_an_equals_sign_is_no_cookie() {
    assert_not_ours(b"LOGIN").await;
    assert_not_ours(b"LOGIN; @").await;
    assert_found([b"LOGIN; LOGIN=@"]).await;
}

#[actix_web::test]
async fn an_empty_value_is_no_session_and_is_taken_away() {
    let answer = read([b"LOGIN="]).await;
    assert_eq!(answer.text(), "-");
    assert!(answer.removes("LOGIN"));
    assert_found([b"LOGIN=; LOGIN=@"]).await;
    assert_found([b"LOGIN=\"\"; LOGIN=@"]).await;
}

#[actix_web::test]
async fn of_several_tokens_of_the_name_the_live_one_counts() {
    assert_found([b"LOGIN=junk; LOGIN=@"]).await;
    assert_found([b"LOGIN=@; LOGIN=junk"]).await;
    assert_found([b"LOGIN=junk; LOGIN=rubbish; LOGIN=@"]).await;
    assert_found([b"LOGIN=@; LOGIN=@; LOGIN=@; LOGIN=@; LOGIN=@"]).await;
    assert_found([b"LOGIN=a; LOGIN=a; LOGIN=a; LOGIN=a; LOGIN=@"]).await;
}

#[actix_web::test]
async fn more_than_three_different_tokens_of_the_name_are_not_looked_at() {
    let answer = read([b"LOGIN=a; LOGIN=b; LOGIN=c; LOGIN=@"]).await;
    assert_eq!(answer.text(), "-");
    // Three that somebody else has set must not have the good one removed.
    assert!(!answer.removes("LOGIN"));
}

#[actix_web::test]
async fn a_token_with_anything_around_it_is_no_session() {
    for line in [
        b"LOGIN=@x" as &[u8],
        b"LOGIN=x@",
        b"LOGIN=@ @",
        b"LOGIN=\"@",
        b"LOGIN=@\"",
        b"LOGIN=%20@",
        b"LOGIN==@",
        b"LOGIN=\xff@",
    ] {
        let answer = read([line]).await;
        assert_eq!(answer.text(), "-", "{}", line.escape_ascii());
        assert!(answer.removes("LOGIN"));
    }
}

#[actix_web::test]
async fn a_pair_without_a_name_is_not_the_cookie_that_its_value_looks_like() {
    for line in [
        b"=LOGIN=@" as &[u8],
        b" = LOGIN=@",
        b"==LOGIN=@",
        b"=; =LOGIN=@; LOGIN",
    ] {
        assert_not_ours(line).await;
    }
    assert_found([b"=LOGIN=junk; LOGIN=@"]).await;
    assert_found([b"LOGIN=@; =LOGIN=junk"]).await;
}

#[actix_web::test]
async fn nothing_poses_as_a_cookie_with_a_prefix() {
    let storage = Spy::new();
    let sessions = Sessions::builder()
        .server_side_with::<Login>(Arc::clone(&storage), |o| o.name("__Host-LOGIN"))
        .build()
        .unwrap();
    let cookie = begin(&sessions, login("ada")).await;
    let token = cookie.strip_prefix("__Host-LOGIN=").unwrap();
    let read = |session: CurrentSession<Login>| async move { user(&session) };
    let app = test::init_service(App::new().wrap(sessions).route("/", web::get().to(read))).await;
    // Names that a browser takes without Secure, from a neighbouring host or over plain http.
    for name in [
        "__%48ost-LOGIN",
        "%5f_Host-LOGIN",
        "=__Host-LOGIN",
        "\u{85}__Host-LOGIN",
        "\u{a0}__Host-LOGIN",
        "\u{2000}__Host-LOGIN",
        "\u{3000}__Host-LOGIN",
        "__host-LOGIN",
        "__HOST-LOGIN",
        "__Host-LOGIN\u{a0}",
        "__Host-LOGIN.",
        "$__Host-LOGIN",
        "LOGIN",
    ] {
        for line in [
            format!("{name}={token}"),
            format!("a=1; {name}={token}; b=2"),
            format!("a=1;{name}={token}"),
        ] {
            let answer = send(&app, get_with("/", &line)).await;
            assert_eq!((answer.text(), answer.set_cookies().len()), ("-", 0), "{line}");
        }
        // And none hides the real one, in either order.
        for line in [format!("{name}=junk; {cookie}"), format!("{cookie}; {name}=junk")] {
            let answer = send(&app, get_with("/", &line)).await;
            assert_eq!((answer.text(), answer.set_cookies().len()), ("ada", 0), "{line}");
        }
    }
}

#[actix_web::test]
async fn it_is_found_in_more_than_eight_kibibytes_in_one_line_and_in_many() {
    let filling = "f=".to_owned() + &"x".repeat(100) + "; ";
    let before = filling.repeat(200);
    assert_found([format!("{before}LOGIN=@").as_bytes()]).await;
    assert_found([format!("LOGIN=@; {before}").as_bytes()]).await;
    let line = before.trim_end_matches("; ").as_bytes();
    assert_found([line, line, b"LOGIN=@", line]).await;
}
