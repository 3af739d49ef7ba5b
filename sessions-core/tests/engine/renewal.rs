//! Another token for the same session, with an overlap that logs nobody out.

use std::time::Duration;

use sessions_core::{
    Clock as _, ConfigError, SessionError,
    engine::{Engine, SessionStatus},
    options::{OnConflict, OnReuse, Options},
    protection::Encrypted,
};

use crate::support::{
    Client, Fault, Load, Login, MILLI, ReplaceEpoch, ReplaceRevision, Said, Touch, World, at_once, decode,
    encode, hours, login, mins, ring, secs,
};

const EVERY: Duration = mins(10);
const GRACE: Duration = secs(30);

fn renewing(world: &World) -> Engine<Login> {
    world.server_with(|options| options.renew_every(EVERY))
}

/// Alice's session whose renewal is due.
async fn due(world: &World, engine: &Engine<Login>) -> Client<Login> {
    let client = world.alice(engine).await;
    world.pass(EVERY);
    client
}

/// The same client before and after its token was renewed.
async fn renewed(world: &World, engine: &Engine<Login>) -> (Client<Login>, Client<Login>) {
    let old = due(world, engine).await;
    let mut new = old.clone();
    assert_eq!(new.reads().await, Said::Sent);
    assert_ne!(old.token(), new.token());
    (old, new)
}

#[tokio::test]
async fn a_token_is_renewed_at_the_first_request_after_its_interval() {
    let world = World::new();
    let engine = renewing(&world);
    let mut client = world.alice(&engine).await;
    world.pass(EVERY - MILLI);
    assert_eq!(client.reads().await, Said::Nothing);
    world.pass(MILLI);
    let id = client.open().await.public_id();
    assert_eq!(client.reads().await, Said::Sent);
    assert_eq!(client.reads().await, Said::Nothing, "it has the new one");
    assert_eq!(client.open().await.public_id(), id, "the same session");
    world.pass(EVERY - MILLI);
    assert_eq!(client.reads().await, Said::Nothing);
    world.pass(MILLI);
    assert_eq!(client.reads().await, Said::Sent, "and again");
}

#[tokio::test]
async fn without_an_interval_no_token_is_renewed() {
    let world = World::new();
    let engine = world.server();
    let mut client = world.alice(&engine).await;
    for _ in 0..100 {
        world.pass(mins(6));
        assert_eq!(client.reads().await, Said::Nothing);
    }
}

#[tokio::test]
async fn a_lost_response_logs_nobody_out() {
    let world = World::new();
    let engine = renewing(&world);
    let (old, new) = renewed(&world, &engine).await;
    // However much later, and however often: it is told the same again.
    for _ in 0..5 {
        world.pass(mins(20));
        let mut again = old.clone();
        assert_eq!(again.reads().await, Said::Sent);
        assert_eq!(again.token(), new.token());
    }
    let mut again = old.clone();
    again.reads().await;
    assert_eq!(again.reads().await, Said::Nothing);
    assert_eq!(again.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn the_grace_counts_from_when_the_new_token_is_first_shown() {
    let world = World::new();
    let engine = renewing(&world);
    let (mut old, mut new) = renewed(&world, &engine).await;
    world.pass(mins(25));
    assert_eq!(new.reads().await, Said::Nothing);
    world.pass(GRACE - MILLI);
    let parallel = old.clone();
    assert_eq!(old.reads().await, Said::Sent, "who is late is told the new token");
    assert_eq!(old.token(), new.token());
    assert_eq!(parallel.status().await, SessionStatus::Live);
    world.pass(MILLI);
    assert_eq!(parallel.status().await, SessionStatus::Stale);
    let mut late = parallel.clone();
    assert_eq!(
        late.reads().await,
        Said::Nothing,
        "it may have the new one by now"
    );
    assert_eq!(new.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn a_grace_of_ones_own_holds_and_one_of_nothing_is_none() {
    for grace in [Duration::ZERO, secs(5), hours(1)] {
        let world = World::new();
        let engine = world.server_with(|options| options.renew_every(EVERY).grace(grace));
        let (old, mut new) = renewed(&world, &engine).await;
        new.reads().await;
        if grace > Duration::ZERO {
            // An hour is beyond the idle timeout, which the new token keeps away.
            for _ in 0..4 {
                world.pass(grace / 4 - MILLI);
                new.reads().await;
            }
            assert_eq!(old.status().await, SessionStatus::Live, "{grace:?}");
            world.pass(4 * MILLI);
        }
        assert_eq!(old.status().await, SessionStatus::Stale, "{grace:?}");
    }
}

#[tokio::test]
async fn at_most_two_tokens_are_good_at_any_time() {
    let world = World::new();
    let engine = world.server_with(|options| options.renew_every(EVERY).grace(hours(1)));
    let mut tokens = vec![world.alice(&engine).await];
    for _ in 0..40 {
        world.pass(mins(5));
        let mut client = tokens.last().unwrap().clone();
        client.does(|slot| slot.renew_id()).await;
        if client.token() != tokens.last().unwrap().token() {
            tokens.push(client);
        }
        let mut good = 0;
        for client in &tokens {
            good += usize::from(client.status().await == SessionStatus::Live);
        }
        assert!((1..=2).contains(&good), "{good} of {}", tokens.len());
    }
    assert!(tokens.len() > 2);
}

#[tokio::test]
async fn renew_id_renews_at_once_and_not_while_a_renewal_is_under_way() {
    let world = World::new();
    let engine = world.server();
    let old = world.alice(&engine).await;
    let mut new = old.clone();
    assert_eq!(new.does(|slot| slot.renew_id()).await, Said::Sent);
    let mut other = old.clone();
    assert_eq!(
        other.does(|slot| slot.renew_id()).await,
        Said::Sent,
        "the same again"
    );
    assert_eq!(other.token(), new.token());
    let before = new.token().to_owned();
    assert_eq!(
        new.does(|slot| slot.renew_id()).await,
        Said::Nothing,
        "within the grace of the old one"
    );
    world.pass(GRACE);
    assert_eq!(new.does(|slot| slot.renew_id()).await, Said::Sent);
    assert_ne!(new.token(), before);
}

#[tokio::test]
async fn a_value_that_is_set_is_written_together_with_the_renewal() {
    let world = World::new();
    let engine = renewing(&world);
    let mut client = due(&world, &engine).await;
    world.storage.calls();
    assert_eq!(client.does(|slot| slot.set(login("alice", 7))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
    assert_eq!(client.sees().await.unwrap().visits, 7);
}

#[tokio::test]
async fn an_update_is_kept_by_the_renewal_after_it() {
    let world = World::new();
    let engine = renewing(&world);
    let mut client = due(&world, &engine).await;
    let said = client
        .runs(async |slot| {
            slot.update(|login| login.visits += 1).await.unwrap();
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn a_renewal_that_another_requests_write_crosses_is_left_to_the_next_request() {
    let world = World::new();
    let engine = renewing(&world);
    let mut client = due(&world, &engine).await;
    let other = world.other_node::<Login>();
    for set in [false, true] {
        let slot = client.open().await;
        let mut faster = client.at(&other);
        let theirs = 5 + u32::from(set);
        faster.does(|slot| slot.set(login("alice", theirs))).await;
        if set {
            slot.set(login("alice", 7)).unwrap();
        }
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
        assert_eq!(client.sees().await.unwrap().visits, if set { 7 } else { theirs });
    }
    assert_eq!(client.reads().await, Said::Sent);
}

#[tokio::test]
async fn a_set_that_rejects_conflicts_does_so_where_a_renewal_is_due() {
    let world = World::new();
    let engine = world.server_with(|options| options.renew_every(EVERY).on_conflict(OnConflict::Reject));
    let mut client = due(&world, &engine).await;
    let slot = client.open().await;
    client
        .at(&world.other_node())
        .does(|slot| slot.set(login("alice", 5)))
        .await;
    slot.set(login("alice", 6)).unwrap();
    assert!(matches!(client.ends(&slot).await, Err(SessionError::Conflict)));
    assert_eq!(client.sees().await.unwrap().visits, 5);
}

#[tokio::test]
async fn of_two_renewals_at_once_both_clients_get_the_one_that_was_written() {
    let world = World::new();
    let engine = renewing(&world);
    let mut one = due(&world, &engine).await;
    let mut other = one.clone();
    let (first, second) = (one.open().await, other.open().await);
    assert_eq!(one.ends(&first).await.unwrap(), Said::Sent);
    assert_eq!(other.ends(&second).await.unwrap(), Said::Nothing);
    assert_eq!(other.reads().await, Said::Sent);
    assert_eq!(one.token(), other.token());
}

#[tokio::test]
async fn a_storage_that_fails_to_renew_costs_nothing_unless_it_was_asked_for() {
    let world = World::new();
    let engine = renewing(&world);
    for fault in [Fault::Fail, Fault::LoseRequest, Fault::LoseReply] {
        let mut client = due(&world, &engine).await;
        world.storage.fault(ReplaceRevision, fault, 1);
        let said = client.reads().await;
        // A lost reply is found out by asking.
        assert_eq!(said == Said::Sent, matches!(fault, Fault::LoseReply), "{fault:?}");
        client.reads().await;
        assert_eq!(client.status().await, SessionStatus::Live);

        let mut client = world.alice(&engine).await;
        world.storage.fault(ReplaceRevision, Fault::Fail, 1);
        let slot = client.open().await;
        slot.renew_id().unwrap();
        assert!(matches!(
            client.ends(&slot).await,
            Err(SessionError::Unavailable(_))
        ));
    }
}

#[tokio::test]
async fn a_confirmation_that_fails_or_is_crossed_leaves_the_session_usable() {
    let world = World::new();
    let engine = renewing(&world);
    for fault in [Fault::Fail, Fault::LoseRequest] {
        let (old, mut new) = renewed(&world, &engine).await;
        world.storage.fault(ReplaceRevision, fault, 1);
        assert_eq!(new.status().await, SessionStatus::Live);
        assert!(
            world.record(&new).unwrap().secrets.next.is_some(),
            "not confirmed"
        );
        assert_eq!(new.reads().await, Said::Nothing);
        assert!(world.record(&new).unwrap().secrets.next.is_none(), "confirmed");
        assert_eq!(old.status().await, SessionStatus::Live);
    }
    // Another request writes in between.
    let (old, mut new) = renewed(&world, &engine).await;
    let other = world.other_node::<Login>();
    let slow = old.at(&other).open().await;
    slow.set(login("alice", 9)).unwrap();
    let mut behind = old.at(&other);
    world.storage.before(ReplaceRevision, move |_, _| {
        at_once(behind.ends(&slow)).unwrap();
    });
    assert_eq!(new.reads().await, Said::Nothing);
    assert!(world.record(&new).unwrap().secrets.next.is_none());
    assert_eq!(new.sees().await.unwrap().visits, 9);
}

#[tokio::test]
async fn rotate_id_takes_the_power_of_every_other_token() {
    let world = World::new();
    let engine = world.server_with(|options| options.renew_every(EVERY).grace(hours(1)));
    for confirmed in [false, true] {
        let (old, mut new) = renewed(&world, &engine).await;
        if confirmed {
            new.reads().await;
        }
        for by in [&old, &new] {
            let mut by = by.clone();
            if by.status().await != SessionStatus::Live {
                continue;
            }
            assert_eq!(by.does(|slot| slot.rotate_id()).await, Said::Sent);
            assert_eq!(old.status().await, SessionStatus::Stale);
            assert_eq!(new.status().await, SessionStatus::Stale);
            assert_eq!(by.status().await, SessionStatus::Live);
            assert_eq!(by.reads().await, Said::Nothing);
        }
    }
}

#[tokio::test]
async fn a_start_and_a_clear_take_the_power_of_every_token() {
    let world = World::new();
    let engine = world.server_with(|options| options.renew_every(EVERY).grace(hours(1)));
    for start in [false, true] {
        for by_old in [false, true] {
            let (old, mut new) = renewed(&world, &engine).await;
            new.reads().await;
            let mut by = if by_old { old.clone() } else { new.clone() };
            if start {
                by.does(|slot| slot.start(login("alice", 1))).await;
                assert_eq!(by.status().await, SessionStatus::Live);
            } else {
                assert_eq!(by.does(|slot| slot.clear()).await, Said::Removed);
            }
            assert_eq!(old.status().await, SessionStatus::Invalid);
            assert_eq!(new.status().await, SessionStatus::Invalid);
        }
    }
}

#[tokio::test]
async fn a_token_that_is_shown_after_its_grace_ends_the_session_where_that_is_asked_for() {
    for (on_reuse, lives) in [(OnReuse::Ignore, true), (OnReuse::Revoke, false)] {
        let world = World::new();
        let engine = world.server_with(|options| options.renew_every(EVERY).on_reuse(on_reuse));
        let (old, mut new) = renewed(&world, &engine).await;
        new.reads().await;
        assert_eq!(old.status().await, SessionStatus::Live);
        world.pass(GRACE);
        assert_eq!(old.status().await, SessionStatus::Stale);
        assert_eq!(new.status().await == SessionStatus::Live, lives);
        // Who makes tokens up ends nobody's session.
        let mut client = world.alice(&engine).await;
        let mut forged = decode(client.token());
        *forged.last_mut().unwrap() ^= 1;
        let forged = Client::showing(&engine, [encode(&forged)]);
        assert_eq!(forged.status().await, SessionStatus::Invalid);
        assert_eq!(client.reads().await, Said::Nothing);
    }
}

#[tokio::test]
async fn a_renewal_moves_no_deadline_but_the_idle_one() {
    let world = World::new();
    let engine = renewing(&world);
    let (created, end) = (world.clock.now(), world.clock.now().after(hours(12)));
    let mut client = world.alice(&engine).await;
    let mut tokens = 0;
    while client.has_token() {
        world.pass(mins(10));
        let slot = client.open().await;
        if slot.get().is_some() {
            assert_eq!(slot.created_at(), Some(created));
            assert!(slot.expires_at() <= Some(end));
        }
        tokens += usize::from(client.ends(&slot).await.unwrap() == Said::Sent);
    }
    assert_eq!(world.clock.now(), end);
    assert!(tokens > 30);
}

#[tokio::test]
async fn what_a_storage_sees_of_a_renewal_opens_nothing() {
    let world = World::new();
    let engine = renewing(&world);
    let (old, new) = renewed(&world, &engine).await;
    let record = world.record(&new).unwrap();
    let stored = record.to_bytes().unwrap();
    for client in [&old, &new] {
        let token = decode(client.token());
        for window in token[16..].windows(8) {
            assert!(
                !stored.windows(8).any(|part| part == window),
                "part of a secret is stored"
            );
        }
    }
    // Nor does what is stored, put into a token.
    let handle = &decode(new.token())[..16];
    let next = record.secrets.next.as_ref().unwrap();
    for guess in [next.mask, next.hash.0, record.secrets.current.0] {
        let token = encode(&[handle, &guess[..]].concat());
        assert_eq!(
            Client::showing(&engine, [token]).status().await,
            SessionStatus::Invalid
        );
    }
}

#[tokio::test]
async fn a_renewal_with_no_touch_due_is_one_write() {
    let world = World::new();
    let engine = world.server_with(|options| options.renew_every(EVERY));
    let mut client = due(&world, &engine).await;
    world.storage.calls();
    client.reads().await;
    assert_eq!(
        world.storage.calls(),
        [Load, ReplaceRevision],
        "the touch goes with it"
    );
    client.reads().await;
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision], "the confirmation");
    client.reads().await;
    assert_eq!(world.storage.calls(), [Load]);
    world.pass(mins(1));
    client.does(|slot| slot.set(login("alice", 3))).await;
    assert_eq!(world.storage.calls(), [Load, ReplaceEpoch]);
    world.pass(mins(1));
    client.reads().await;
    assert_eq!(world.storage.calls(), [Load, Touch]);
}

#[tokio::test]
async fn by_value_a_token_is_sealed_anew_after_the_interval_and_the_session_stays() {
    let world = World::new();
    let engine = world.client_side_with::<Login>(&Encrypted::new(&ring(1)), |options| {
        options.renew_every(mins(1)).touch_interval(mins(20))
    });
    let mut client = world.alice(&engine).await;
    let before = client.open().await;
    world.pass(mins(1) - MILLI);
    assert_eq!(client.reads().await, Said::Nothing);
    world.pass(MILLI);
    assert_eq!(client.reads().await, Said::Sent);
    let after = client.open().await;
    assert_eq!(after.public_id(), before.public_id());
    assert_eq!(after.created_at(), before.created_at());
    assert_eq!(client.does(|slot| slot.renew_id()).await, Said::Sent);
}

#[test]
fn an_interval_below_a_second_is_refused() {
    let world = World::new();
    let options = Options::of::<Login>().renew_every(secs(1) - MILLI);
    let refused = Engine::<Login>::server_side(&world.environment, world.storage.clone(), &options);
    assert!(matches!(refused, Err(ConfigError::Option { .. })));
    let options = Options::of::<Login>().renew_every(secs(1));
    assert!(Engine::<Login>::server_side(&world.environment, world.storage.clone(), &options).is_ok());
}

#[tokio::test]
async fn a_request_goes_on_with_its_secret_when_the_grace_ends_meanwhile() {
    let world = World::new();
    let engine = renewing(&world);
    let (old, mut new) = renewed(&world, &engine).await;
    let (socket, slow, taking) = (old.open().await, old.open().await, old.open().await);
    new.reads().await;
    for _ in 0..12 {
        world.pass(mins(12));
        new.reads().await;
        if !new.has_token() {
            break;
        }
        assert!(socket.still_live().await.unwrap(), "a renewal cuts no websocket");
        if world.record(&new).unwrap().times.absolute_deadline <= world.clock.now().after(mins(13)) {
            break;
        }
    }
    assert_eq!(old.status().await, SessionStatus::Stale);
    // Whatever others have written, and whatever they have done to the token.
    new.does(|slot| slot.set(login("alice", 5))).await;
    assert_eq!(slow.update(|login| login.visits += 1).await.unwrap(), Some(()));
    assert_eq!(new.sees().await.unwrap().visits, 6);
    assert_eq!(taking.take().await.unwrap().unwrap().visits, 6);
    assert!(!socket.still_live().await.unwrap());
}

#[tokio::test]
async fn a_rotation_stops_the_requests_that_it_overtakes() {
    let world = World::new();
    let engine = world.server();
    let mut client = world.alice(&engine).await;
    let slot = client.open().await;
    client.does(|slot| slot.rotate_id()).await;
    assert!(!slot.still_live().await.unwrap());
    assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_that_a_rotation_has_just_replaced_ends_no_session() {
    let world = World::new();
    let engine = world.server_with(|options| options.on_reuse(OnReuse::Revoke));
    let old = world.alice(&engine).await;
    let mut new = old.clone();
    new.does(|slot| slot.rotate_id()).await;
    // Of a page whose requests were sent together.
    world.pass(GRACE - MILLI);
    assert_eq!(old.status().await, SessionStatus::Stale);
    assert_eq!(new.status().await, SessionStatus::Live);
    world.pass(MILLI);
    assert_eq!(old.status().await, SessionStatus::Stale);
    assert_eq!(new.status().await, SessionStatus::Invalid);
}
