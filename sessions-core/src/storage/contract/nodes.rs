//! Two storages that share their sessions, as two nodes do.

use std::sync::Arc;

use super::{
    index::{log_in_at_once, race_a_cut_off},
    logins::{cut_off_at_each_point, log_in_at_each_point},
    pairs::{Family, on_both},
    places::Places,
    races::{count_up, deletes, race_a_delete},
    subject::{MINUTE, NOW, Subject, record, touch_at},
};
use crate::storage::{Created, Expected, Replaced, SessionStorage, Touched};

/// `Latest` on one node shows every acknowledged write of the other.
pub async fn each_node_sees_what_the_other_wrote(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    let first = record(*b"first");
    let here = Subject::with(&one, &first).await;
    let there = here.on(&other);
    assert_eq!(
        *there.live(NOW).await,
        first,
        "load of what the other node created"
    );
    assert_eq!(
        there.create(&record(*b"other"), NOW).await,
        Created::Exists,
        "create of what the other node created"
    );
    let second = record(*b"second");
    let replaced = there
        .replace(&second, Expected::Revision(first.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace of what the other node created");
    assert_eq!(
        *here.live(NOW).await,
        second,
        "load of what the other node replaced"
    );
    let later = NOW.after(MINUTE);
    assert_eq!(
        there.touch(touch_at(later), later).await,
        Touched::Touched,
        "touch of what the other node created"
    );
    assert_eq!(
        here.live(later).await.times.last_seen,
        later,
        "load of what the other node touched"
    );
    assert!(there.delete(later).await, "delete of what the other node created");
    here.assert_absent(later).await;
    there.assert_absent(later).await;
}

/// What a node has read does not let it write over a later write of the other.
pub async fn a_node_cannot_write_over_what_it_has_not_seen(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    let first = record(*b"first");
    let here = Subject::with(&one, &first).await;
    let there = here.on(&other);
    there.live(NOW).await;
    let mut second = record(*b"second");
    second.epoch = 1;
    let replaced = here
        .replace(&second, Expected::Revision(first.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
    for expected in [Expected::Revision(first.revision), Expected::Epoch(0)] {
        let replaced = there.replace(&record(*b"third"), expected, NOW).await;
        assert_eq!(
            replaced,
            Replaced::Conflict,
            "replace({expected:?}) of what the other node has replaced"
        );
    }
    assert_eq!(
        there.touch(touch_at(NOW), NOW).await,
        Touched::Superseded,
        "touch in an epoch that the other node has ended"
    );
    assert_eq!(*there.live(NOW).await, second, "load after refused writes");
}

/// Eight tasks on two nodes add one 25 times each: 200 in the end.
pub async fn parallel_updates_on_two_nodes_lose_nothing(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    let here = Subject::with(&one, &record(0_u64.to_be_bytes())).await;
    let there = here.on(&other);
    assert_eq!(
        count_up(&[here, there], 8, 25).await,
        200,
        "the sum of 200 increments on two nodes"
    );
}

/// Of 32 deletes on two nodes exactly one is true.
pub async fn of_parallel_deletes_on_two_nodes_one_wins(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    for _ in 0..20 {
        let here = Subject::with(&one, &record(*b"value")).await;
        let there = here.on(&other);
        assert_eq!(
            deletes(&[here, there], 32).await,
            1,
            "deletes on two nodes that were true"
        );
    }
}

/// Whatever writes of two nodes race with a delete, the session is gone on both once the delete is acknowledged.
pub async fn racing_nodes_never_bring_a_deleted_session_back(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    for _ in 0..100 {
        let stored = record(*b"value");
        let here = Subject::with(&one, &stored).await;
        let there = here.on(&other);
        race_a_delete(&[here, there], &stored).await;
    }
}

/// Of many logins on two nodes at once no more than the limit get a place.
pub async fn parallel_logins_on_two_nodes_keep_to_the_limit(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    for _ in 0..10 {
        let Some(here) = Places::of_somebody(&one) else {
            return;
        };
        let there = here.on(&other);
        assert_eq!(
            log_in_at_once(&[here, there], 5).await,
            5,
            "places that were taken on two nodes"
        );
    }
}

/// Whatever logins on two nodes race with a cut-off on one of them, no session is left that began before it.
pub async fn no_login_on_another_node_slips_through_a_cut_off(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    for _ in 0..30 {
        let Some(here) = Places::of_somebody(&one) else {
            return;
        };
        let there = here.on(&other);
        race_a_cut_off(&[here, there]).await;
    }
}

/// Of two requests on one session, each on a node of its own and the one at each point of the other, there comes what
/// there comes of them on one node.
pub async fn requests_on_two_nodes_have_an_order(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    for family in Family::ALL {
        on_both(&one, &other, family).await;
    }
}

/// A cut-off, and another login, at each point of a login on another node do what they do on one node.
pub async fn no_point_of_a_login_on_another_node_is_overlooked(
    one: Arc<dyn SessionStorage>,
    other: Arc<dyn SessionStorage>,
) {
    cut_off_at_each_point(&one, &other).await;
    log_in_at_each_point(&one, &other).await;
}
