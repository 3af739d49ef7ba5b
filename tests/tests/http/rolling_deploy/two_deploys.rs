//! A release that comes in two deploys: nodes of the first one write what those of before can read.

use sessions_actix::ManualClock;

use super::{bincode, json, kept, plays, plays_with_old_nodes};
use crate::support::Browser;

#[actix_web::test]
async fn of_two_deploys_no_node_sends_anybody_away_during_the_first() {
    for (by_id, seed) in [(true, 5), (true, 6), (false, 5), (false, 6)] {
        let clock = ManualClock::default();
        let [before, first, _] = bincode::two_deploys(&kept(by_id), &clock).await;
        assert_eq!(plays(&[before, first], clock, by_id, seed).await, 0);
        let clock = ManualClock::default();
        let [before, first, _] = json::two_deploys(&kept(by_id), &clock).await;
        assert_eq!(plays(&[before, first], clock, by_id, seed).await, 0);
    }
}

#[actix_web::test]
async fn of_two_deploys_no_node_sends_anybody_away_during_the_second() {
    for (by_id, seed) in [(true, 7), (true, 8), (false, 7), (false, 8)] {
        let clock = ManualClock::default();
        let [_, first, second] = bincode::two_deploys(&kept(by_id), &clock).await;
        assert_eq!(plays(&[first, second], clock, by_id, seed).await, 0);
        let clock = ManualClock::default();
        let [_, first, second] = json::two_deploys(&kept(by_id), &clock).await;
        assert_eq!(plays(&[first, second], clock, by_id, seed).await, 0);
    }
}

#[actix_web::test]
async fn nodes_of_before_between_and_after_two_deploys_lose_nobody_and_no_write() {
    for (by_id, seed) in [
        (true, 1),
        (true, 2),
        (true, 3),
        (false, 1),
        (false, 2),
        (false, 3),
    ] {
        let clock = ManualClock::default();
        let nodes = bincode::two_deploys(&kept(by_id), &clock).await;
        plays_with_old_nodes(&nodes, clock, by_id, seed).await;
        let clock = ManualClock::default();
        let nodes = bincode::four_deploys(&kept(by_id), &clock).await;
        plays_with_old_nodes(&nodes, clock, by_id, seed).await;
        let clock = ManualClock::default();
        let nodes = json::two_deploys(&kept(by_id), &clock).await;
        plays_with_old_nodes(&nodes, clock, by_id, seed).await;
        let clock = ManualClock::default();
        let nodes = json::four_deploys(&kept(by_id), &clock).await;
        plays_with_old_nodes(&nodes, clock, by_id, seed).await;
    }
}

#[actix_web::test]
async fn either_of_two_deploys_can_be_undone() {
    for by_id in [true, false] {
        let clock = ManualClock::default();
        for nodes in [
            bincode::two_deploys(&kept(by_id), &clock).await,
            json::two_deploys(&kept(by_id), &clock).await,
        ] {
            let [before, first, second] = nodes.map(|node| node.server);
            let mut browser = Browser::new(&before);
            browser.get("/set/1").await;
            // The first one, and undone: nobody sees it.
            for (server, number) in [(&first, "2"), (&before, "3"), (&first, "4")] {
                browser = browser.on(server);
                assert_eq!(browser.get("/update").await.text(), number);
            }
            // The second one, and undone: what it wrote goes on.
            for (server, number) in [(&second, "5"), (&first, "6"), (&second, "7"), (&first, "8")] {
                browser = browser.on(server);
                assert_eq!(browser.get("/update").await.text(), number);
            }
            // Both: what is of the new version waits for a node that knows it; a login is for all of them.
            browser = browser.on(&before);
            assert_eq!(browser.get("/update").await.status, 503);
            assert_eq!(browser.get("/status").await.text(), "Foreign");
            browser = browser.on(&first);
            assert_eq!(browser.get("/update").await.text(), "9");
            browser.get("/start/1").await;
            assert_eq!(browser.on(&before).get("/update").await.text(), "2");
        }
    }
}
