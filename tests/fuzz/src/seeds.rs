//! Inputs that are something valid, or nearly.

use sessions_core::{
    PublicId, Record, StorageKey, Timestamp,
    storage::{
        Member, Reservation, Roster,
        contract::{NOW, full_record, record},
    },
};

use crate::serializers;

/// Target, name and bytes of each seed.
#[must_use]
pub fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, bincode, json) in serializers::seeds() {
        seeds.push(("bincode_reader", name.to_owned(), bincode));
        seeds.push(("json_reader", name.to_owned(), json));
    }
    cookies(&mut seeds);
    tokens(&mut seeds);
    records(&mut seeds);
    rosters(&mut seeds);
    directories(&mut seeds);
    seeds
}

type Seeds = Vec<(&'static str, String, Vec<u8>)>;

fn cookies(seeds: &mut Seeds) {
    let mut add = |name: &str, lines: &[u8]| seeds.push(("cookie_reader", name.to_owned(), lines.to_vec()));
    add("a-token-of-each", b"__Host-login=\x01; theme=\x03\n\x07\x05");
    add(
        "two-live-tokens-of-each",
        b"__Host-login=\x01; theme=\x04; __Host-login=\x02\ntheme=\x03\n\x07\x05\n\x07\x06",
    );
    add(
        "in-quotes-and-between-spaces",
        b" \t__Host-login \t= \t\"\x01\" ;theme=\"\x03\";;",
    );
    add(
        "half-in-quotes",
        b"__Host-login=\"\x01; theme=\x03\"; __Host-login=\"",
    );
    add(
        "among-junk",
        b"; ;;=; =\x01; ===; \x01; __Host-login=\x01;theme; b",
    );
    add(
        "names-in-other-letters",
        b"__host-login=\x01; THEME=\x03; __Host-login=; theme",
    );
    add(
        "names-that-are-encoded",
        b"__Host%2Dlogin=\x01; %74heme=\x03; \"theme\"=\x03; $theme=\x03",
    );
    add(
        "spaces-that-are-none",
        "\u{a0}__Host-login=\x01; \u{2003}theme=\x03; theme\u{3000}=\x03".as_bytes(),
    );
    add(
        "octets-that-are-not-utf-8",
        b"\xff\xfe=\x01; __Host-login=\x01; theme=\xc3\x28\n\x07\xff",
    );
    add(
        "commas-between-pairs",
        b"__Host-login=\x01, theme=\x03\n\x07\x05, \x06",
    );
    add("more-tokens-than-are-looked-at", b"theme=a; theme=b; theme=c; theme=\x03; __Host-login=a; __Host-login=b; __Host-login=c; __Host-login=\x01");
    add(
        "tokens-in-the-wrong-place",
        b"__Host-login=\x03; theme=\x01; __Host-login=\x05\n\x07\x01\n\x07\x03",
    );
    add("empty-values", b"__Host-login=; theme=\"\"; \n\x07\n\x07 ");
    add(
        "an-equals-sign-in-the-value",
        b"__Host-login==\x01; theme=\x03=; theme=theme=\x03",
    );
    add(
        "a-token-of-another-key",
        b"theme=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
    add(
        "an-id-that-was-made-up",
        b"__Host-login=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    );
}

fn tokens(seeds: &mut Seeds) {
    // Kind, which of its tokens, what is done to it.
    let kinds = [
        ("an-id", 0),
        ("a-signed-id", 1),
        ("encrypted", 2),
        ("encrypted-with-chacha", 3),
        ("signed", 4),
        ("signed-and-encrypted", 5),
        ("plain-bincode", 6),
        ("plain-json", 7),
    ];
    for (name, kind) in kinds {
        let which: &[u8] = if kind < 6 { &[2] } else { &[] };
        let edits: [(&str, &[u8]); 7] = [
            ("as-it-is", &[2]),
            ("with-another-last-byte", &[3, 0, 1, 0xfe, 0xff]),
            ("with-a-flipped-bit", &[3, 0, 1, 9, 0]),
            ("cut-short", &[3, 4, 0, 20, 0]),
            ("padded", &[2, 3, b'=', 0xff, 0xff]),
            ("with-an-end-of-its-own", &[3, 5, 0, 5, 0, 1, 2, 3, 4]),
            ("as-other-bytes", &[1, 0, 0, 0, 7]),
        ];
        for (how, edit) in edits {
            let name = format!("{name}-{how}");
            seeds.push(("token_reader", name, [&[kind], which, edit].concat()));
        }
    }
    for which in 0..9 {
        for kind in 0..6 {
            let name = format!("kind-{kind}-token-{which}");
            seeds.push(("token_reader", name, vec![kind, which, 2]));
        }
    }
}

fn records(seeds: &mut Seeds) {
    let past = Timestamp::from_millis(1);
    let mut ended = record(*b"payload");
    ended.times.idle_deadline = past;
    let mut custom = full_record();
    custom.public_id = PublicId::from_bytes(&[9; 64]).unwrap();
    let records = [
        ("nobodys", record(*b"payload")),
        ("full", full_record()),
        ("ended", ended),
        ("with-an-id-of-ones-own", custom),
    ];
    for (name, record) in records {
        let bytes = Record::to_bytes(&record).unwrap();
        seeds.push(("record_reader", name.to_owned(), [&[0; 17], &*bytes].concat()));
        seeds.push(("sealed_records", name.to_owned(), [&[0xff], &*bytes].concat()));
    }
    let parts = [
        "payload",
        "personal",
        "revision",
        "schema",
        "public-id",
        "name",
        "key",
    ];
    for (bit, part) in parts.into_iter().enumerate() {
        let name = format!("with-the-{part}-of-another");
        seeds.push(("sealed_records", name, vec![1 << bit]));
    }
    for (name, bytes) in [
        ("as-it-was-sealed", &[0_u8] as &[u8]),
        ("all-of-another", &[0x7f]),
        ("with-a-flipped-bit", &[0, 0, 1, 40, 0]),
        ("with-another-last-byte", &[0, 0, 1, 0xfe, 0xff]),
        ("in-the-place-of-another-with-its-payload", &[0b0100_1101]),
    ] {
        seeds.push(("sealed_records", name.to_owned(), bytes.to_vec()));
    }
}

fn roster() -> Roster {
    let mut roster = Roster::default();
    for number in 0..3_u8 {
        let key = StorageKey::from_bytes([number + 0x29; 32]);
        let place = Reservation {
            session: Member {
                key,
                public_id: PublicId::from_bytes(&[number; 16]).unwrap(),
                created: NOW.after(std::time::Duration::from_secs(number.into())),
                ends: NOW.after(std::time::Duration::from_secs(1000)),
            },
            began: NOW,
            replaces: None,
            limit: None,
        };
        roster.reserve(place, NOW);
        if number > 0 {
            roster.confirm(&key, NOW);
        }
    }
    roster
}

fn rosters(seeds: &mut Seeds) {
    let (mut cut_off, mut ahead) = (roster(), roster());
    cut_off.cut_off(NOW);
    ahead.cut_off(NOW.after(1000 * Roster::LEASE));
    let at = |time: Timestamp| time.as_millis().to_le_bytes();
    // Now, and when a session's request began, when it was created, and when it ends.
    let (now, began) = (NOW.after(Roster::LEASE / 2), NOW.after(Roster::LEASE / 4));
    let times = [now, began, NOW, Timestamp::MAX].map(at).concat();
    for (name, roster, limit) in [
        ("nobody", Roster::default(), 0),
        ("three", roster(), 0),
        ("three-and-no-more", roster(), 3),
        ("cut-off", cut_off, 1),
        ("cut-off-by-a-clock-that-was-ahead", ahead, 1),
    ] {
        let bytes = roster.to_bytes().unwrap();
        seeds.push((
            "roster_reader",
            name.to_owned(),
            [&[limit], &*times, &*bytes].concat(),
        ));
    }
}

fn directories(seeds: &mut Seeds) {
    let piece = |bytes: &[u8]| {
        let len = u16::try_from(bytes.len()).unwrap();
        [&len.to_le_bytes(), bytes].concat()
    };
    let (session, roster) = (full_record().to_bytes().unwrap(), roster().to_bytes().unwrap());
    let mut ended = full_record();
    ended.times.idle_deadline = NOW;
    let ended = ended.to_bytes().unwrap();
    let mut add = |name: &str, how: u8, lock: &[u8], roster: &[u8], session: &[u8]| {
        let bytes = [&[how, 0], &*piece(lock), &*piece(roster), session].concat();
        seeds.push(("directory_files", name.to_owned(), bytes));
    };
    add("a-session-and-a-roster", 0, b"", &roster, &session);
    add("a-session-at-its-revision", 4 + 16, b"", &roster, &session);
    add("a-session-that-ends-with-all-others", 8, b"", &roster, &session);
    add("an-ended-session", 16, b"", &roster, &ended);
    add("links", 1, b"lock", &roster, &session);
    add("folders", 2, b"lock", &roster, &session);
    add("the-one-in-place-of-the-other", 0, &session, &session, &roster);
    add("half-of-each", 0, b"", &roster[..40], &session[..90]);
}
