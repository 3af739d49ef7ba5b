//! Nodes whose clocks are apart.

use std::time::Duration;

use sessions_core::{
    Clock, ManualClock, Timestamp,
    engine::{Engine, SessionStatus},
};

use super::{alice, id, log_in, node};
use crate::support::{Login, MILLI, Said, World, hours, login, secs};

/// As far apart as they may be.
const SKEW: Duration = secs(5);

/// A node whose clock is ahead by this, and one behind it.
struct Apart {
    clocks: [ManualClock; 2],
    ahead: Engine<Login>,
    behind: Engine<Login>,
}

fn apart(by: Duration) -> Apart {
    let world = World::new();
    let now = world.clock.now();
    let clocks = [ManualClock::new(now.after(by)), ManualClock::new(now)];
    Apart {
        ahead: node(&world, &clocks[0]),
        behind: node(&world, &clocks[1]),
        clocks,
    }
}

impl Apart {
    fn pass(&self, time: Duration) {
        for clock in &self.clocks {
            clock.advance(time);
        }
    }

    /// Both, in both orders.
    fn pairs(&self) -> [(&Engine<Login>, &Engine<Login>); 2] {
        [(&self.ahead, &self.behind), (&self.behind, &self.ahead)]
    }
}

async fn end(at: &Engine<Login>, everyone: bool) {
    if everyone {
        at.revoke_everyone().await.unwrap();
    } else {
        at.revoke_all(&alice()).await.unwrap();
    }
}

#[tokio::test]
async fn what_one_node_has_begun_another_ends_however_their_clocks_are_apart() {
    for by in [MILLI, secs(1), SKEW] {
        for everyone in [false, true] {
            let apart = apart(by);
            for (begins, ends) in apart.pairs() {
                let client = log_in(begins, "alice").await;
                end(ends, everyone).await;
                for at in [begins, ends] {
                    assert_eq!(
                        client.at(at).status().await,
                        SessionStatus::Invalid,
                        "{by:?} {everyone}"
                    );
                }
                apart.pass(SKEW + SKEW);
            }
        }
    }
}

#[tokio::test]
async fn what_was_begun_above_one_cut_off_another_node_ends() {
    for (first, second) in [(false, true), (true, false), (true, true), (false, false)] {
        let apart = apart(SKEW);
        for (begins, ends) in apart.pairs() {
            end(begins, first).await;
            let client = log_in(begins, "alice").await;
            assert_eq!(client.status().await, SessionStatus::Live);
            end(ends, second).await;
            assert_eq!(client.status().await, SessionStatus::Invalid, "{first} {second}");
            apart.pass(SKEW + SKEW);
        }
    }
}

#[tokio::test]
async fn a_login_after_all_were_ended_is_good_once_the_clocks_agree_that_it_is_later() {
    let apart = apart(SKEW);
    for (ends, begins) in apart.pairs() {
        for everyone in [false, true] {
            end(ends, everyone).await;
            apart.pass(SKEW);
            let client = log_in(begins, "alice").await;
            for at in [begins, ends] {
                assert_eq!(client.at(at).status().await, SessionStatus::Live);
            }
        }
    }
}

#[tokio::test]
async fn a_late_response_of_a_node_that_is_ahead_brings_nothing_back() {
    let apart = apart(SKEW);
    let mut client = log_in(&apart.ahead, "alice").await;
    let slot = client.open().await;
    apart.behind.revoke_all(&alice()).await.unwrap();
    apart.pass(secs(20));
    slot.set(login("alice", 2)).unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.status().await, SessionStatus::Invalid);
    assert_eq!(client.at(&apart.behind).status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_session_that_is_kept_by_one_node_is_kept_at_the_other() {
    let apart = apart(SKEW);
    for (begins, ends) in apart.pairs() {
        let (mut mine, other) = (log_in(begins, "alice").await, log_in(begins, "alice").await);
        ends.revoke_others(&alice(), &id(&mine).await).await.unwrap();
        assert_eq!(mine.does(|slot| slot.rotate_id()).await, Said::Sent);
        for at in [begins, ends] {
            assert_eq!(mine.at(at).status().await, SessionStatus::Live);
            assert_eq!(other.at(at).status().await, SessionStatus::Invalid);
        }
        apart.pass(SKEW + SKEW);
    }
}

#[tokio::test]
async fn what_a_node_has_ended_whose_clock_is_set_right_locks_nobody_out() {
    for everyone in [false, true] {
        let world = World::new();
        let right = world.clock.now();
        let clock = ManualClock::new(right.after(hours(1)));
        let wrong = node(&world, &clock);
        let before = log_in(&wrong, "alice").await;
        end(&wrong, everyone).await;
        clock.set(right);
        let client = log_in(&wrong, "alice").await;
        assert_eq!(client.status().await, SessionStatus::Live);
        assert_ne!(before.status().await, SessionStatus::Live);
        // And it can be ended, by the clock that is right.
        end(&wrong, everyone).await;
        assert_eq!(client.status().await, SessionStatus::Invalid);
        clock.set(Timestamp::from_millis(right.as_millis() + 1));
        assert_eq!(log_in(&wrong, "alice").await.status().await, SessionStatus::Live);
    }
}
