//! What has to hold when all requests are over, whatever the order was, and whichever responses arrive.

use sessions_core::{Record, engine::SessionStatus};

use crate::support::{Client, Login, Said, at_once, key_of};
use crate::{
    names::key_and_hash,
    order::Order,
    requests::Does,
    scene::{GRACE, Variant},
};

pub(crate) fn check(order: &Order<'_>) {
    let storage = &order.scene.storage;
    let now = order.now();
    storage.stepping(false);
    let records = storage.records(now);
    let record = records.get(&order.scene.key).map(|record| &**record);
    check_session(order, record);
    storage.restore(&records);
    check_begun(order);
    storage.restore(&records);
    check_jars(order, record);
    storage.restore(&records);
    order.scene.clock.set(now);
}

fn status(order: &Order<'_>, client: &Client<Login>) -> SessionStatus {
    at_once(client.at(&order.scene.looking).status())
}

/// What this token of the session has to be.
fn expected(order: &Order<'_>, record: Option<&Record>, client: &Client<Login>) -> SessionStatus {
    let Some(record) = record else {
        return SessionStatus::Invalid;
    };
    let hash = key_and_hash(client).1;
    let secrets = &record.secrets;
    let previous = secrets
        .previous
        .as_ref()
        .is_some_and(|previous| previous.hash.0 == hash);
    let rotated = order
        .answered()
        .filter(|one| one.does.rotates() && one.said(&Said::Sent));
    let others = rotated.filter(|one| key_and_hash(&one.client).1 != hash).count();
    let perhaps = order.broken().any(Does::rotates) && secrets.past.iter().any(|past| past.0 == hash);
    // A grace that was over before, or that can be by now.
    let long = order.now().since(secrets.since) >= GRACE;
    let late = long && (previous || secrets.past.iter().any(|past| past.0 == hash));
    if others > 0 || perhaps || late {
        SessionStatus::Stale
    } else {
        SessionStatus::Live
    }
}

fn check_session(order: &Order<'_>, record: Option<&Record>) {
    let scene = order.scene;
    let alive = record.is_some();
    // A take ends only the session that it can give: not one whose id was rotated since it was opened.
    let ended = order
        .answered()
        .any(|one| one.does.ends() && one.found && (one.does != Does::Take || one.done));
    let perhaps_ended = order.broken().any(Does::ends) || scene.variant == Variant::RevokingReuse;
    // What was ended stays ended, and nothing else ends.
    assert!(!(ended && alive), "revived");
    assert!(ended || perhaps_ended || alive, "ended by nobody");

    // One secret, whoever rotated.
    let rotated: Vec<_> = order
        .answered()
        .filter(|one| one.does.rotates() && one.said(&Said::Sent))
        .collect();
    assert!(rotated.len() <= 1, "a fork");
    let wanted = order
        .answered()
        .any(|one| one.does.rotates() && one.found && one.end.is_ok());
    if alive && !order.broken().any(Does::rotates) {
        assert_eq!(!rotated.is_empty(), wanted, "a rotation was lost");
    }
    if alive {
        for one in &rotated {
            assert_eq!(status(order, &one.client), SessionStatus::Live);
        }
    }
    for (client, _) in scene.all_shown() {
        assert_eq!(status(order, client), expected(order, record, client));
    }
    for does in [Does::Take, Does::Revoke] {
        let winners = order.answered().filter(|one| one.does == does && one.done);
        assert!(winners.count() <= 1);
    }

    // No acknowledged update is lost.
    let mut all = order.does.iter().copied();
    if let (Some(record), false) = (record, all.any(Does::sets)) {
        let acknowledged = order
            .answered()
            .filter(|one| one.does == Does::Update && one.done)
            .count();
        let unknown = order.broken().filter(|does| *does == Does::Update).count();
        let visits = usize::try_from(crate::steps::read(record).visits).unwrap() - 1;
        assert!(
            (acknowledged..=acknowledged + unknown).contains(&visits),
            "{visits}"
        );
    }
}

/// Every session that was begun and sent is there, and no other.
fn check_begun(order: &Order<'_>) {
    let expired = order.answered().any(|one| one.does == Does::Expire);
    let begun: Vec<_> = order
        .answered()
        .filter(|one| one.does.begins() && one.said(&Said::Sent))
        .collect();
    for one in begun.iter().filter(|_| !expired) {
        assert_eq!(status(order, &one.client), SessionStatus::Live);
    }
    let storage = &order.scene.storage;
    let there = storage.records(order.now());
    let there = there.keys().filter(|key| **key != order.scene.key).count();
    let perhaps = order.broken().filter(|does| does.begins()).count();
    assert!(
        expired || (begun.len()..=begun.len() + perhaps).contains(&there),
        "{there}"
    );
    for one in order.answered().filter(|one| one.does == Does::Start) {
        assert_eq!(one.end, Ok(Said::Sent));
    }
}

/// Responses may arrive in any order, and each may be lost: so a browser is left with what it had, or with what any one
/// of them said. Whatever that is, renewals log nobody out, and at most two tokens are good.
fn check_jars(order: &Order<'_>, record: Option<&Record>) {
    let scene = order.scene;
    let now = order.now();
    let records = scene.storage.records(now);
    let spoken = order
        .answered()
        .filter(|one| one.end.is_ok() && !one.said(&Said::Nothing));
    let mut jars: Vec<_> = spoken
        .map(|one| &one.client)
        .chain(scene.all_shown().iter().map(|(client, _)| client))
        .filter(|jar| jar.has_token() && key_of(jar) == scene.key)
        .collect();
    jars.sort_unstable_by_key(|jar| jar.token());
    jars.dedup_by_key(|jar| jar.token());
    // A node's cache does not know that time is turned back here.
    let engine = match scene.variant {
        Variant::Cached => &scene.looking,
        _ => &scene.engine,
    };
    let mut good = 0;
    for jar in jars {
        let found = status(order, jar);
        assert_eq!(found, expected(order, record, jar));
        scene.storage.restore(&records);
        if found != SessionStatus::Live {
            continue;
        }
        good += 1;
        let mut jar = jar.at(engine);
        at_once(jar.reads());
        scene.clock.advance(2 * GRACE);
        at_once(jar.reads());
        assert_eq!(
            at_once(jar.status()),
            SessionStatus::Live,
            "logged out by a renewal"
        );
        scene.clock.set(now);
        scene.storage.restore(&records);
    }
    assert!(good <= 2, "a fork: {record:?}");
}
