//! When sessions end by themselves, to the millisecond.

use std::time::{Duration, SystemTime};

use sessions_core::{
    Clock, ConfigError, Timestamp,
    engine::{Engine, SessionStatus},
    options::{ClientSide, Options, ServerSide},
    protection::Encrypted,
};

use crate::support::{Client, Load, Login, MILLI, Said, Touch, World, days, hours, login, mins, ring, secs};

/// How long a test's sessions may last.
#[derive(Clone, Copy, Default)]
struct Limits {
    idle: Option<Duration>,
    absolute: Option<Duration>,
    max_age: Option<Duration>,
    touch: Option<Duration>,
}

impl Limits {
    fn put<P>(self, mut options: Options<P>) -> Options<P> {
        if let Some(idle) = self.idle {
            options = options.idle_timeout(idle);
        }
        if let Some(absolute) = self.absolute {
            options = options.absolute_lifetime(absolute);
        }
        if let Some(max_age) = self.max_age {
            options = options.max_age(max_age);
        }
        if let Some(touch) = self.touch {
            options = options.touch_interval(touch);
        }
        options
    }

    fn engines(self, world: &World) -> [Engine<Login>; 2] {
        [
            world.server_with(|options| self.put(options)),
            world.client_side_with(&Encrypted::new(&ring(1)), |options| self.put(options)),
        ]
    }
}

/// Lives for `idle` unless it is used, and for `absolute` however much it is.
async fn lasts(limits: Limits, idle: Duration, absolute: Duration) {
    let world = World::new();
    for engine in limits.engines(&world) {
        let client = world.alice(&engine).await;
        let began = world.clock.now();
        assert_eq!(client.open().await.expires_at(), Some(began.after(idle)));
        world.clock.set(began.after(idle - MILLI));
        assert_eq!(client.status().await, SessionStatus::Live);
        world.clock.set(began.after(idle));
        assert_eq!(client.status().await, SessionStatus::Invalid);

        let mut client = world.alice(&engine).await;
        let began = world.clock.now();
        let mut used = began;
        while used.since(began) + idle / 2 < absolute {
            used = used.after(idle / 2);
            world.clock.set(used);
            assert_ne!(client.reads().await, Said::Removed);
        }
        let end = began.after(absolute);
        world.clock.set(end.after(Duration::ZERO));
        assert_eq!(client.status().await, SessionStatus::Invalid);
        world.clock.set(Timestamp::from_millis(end.as_millis() - 1));
        assert_eq!(client.status().await, SessionStatus::Live);
        assert_eq!(client.open().await.expires_at(), Some(end));
    }
}

#[tokio::test]
async fn the_defaults_are_thirty_minutes_and_twelve_hours() {
    lasts(Limits::default(), mins(30), hours(12)).await;
}

#[tokio::test]
async fn given_limits_hold_to_the_millisecond() {
    let limits = Limits {
        idle: Some(mins(5)),
        absolute: Some(hours(1)),
        ..Limits::default()
    };
    lasts(limits, mins(5), hours(1)).await;
}

#[tokio::test]
async fn max_age_alone_is_the_idle_timeout_and_the_absolute_lifetime_is_what_browsers_allow() {
    let limits = Limits {
        max_age: Some(days(30)),
        ..Limits::default()
    };
    lasts(limits, days(30), days(400)).await;
}

#[tokio::test]
async fn an_absolute_lifetime_shorter_than_the_default_idle_timeout_ends_that_too() {
    let limits = Limits {
        absolute: Some(mins(10)),
        ..Limits::default()
    };
    let world = World::new();
    for engine in limits.engines(&world) {
        let client = world.alice(&engine).await;
        world.pass(mins(10) - MILLI);
        assert_eq!(client.status().await, SessionStatus::Live);
        world.pass(MILLI);
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
}

#[tokio::test]
async fn by_id_activity_is_written_down_after_a_tenth_of_the_idle_timeout_or_a_minute() {
    for (idle, interval) in [(mins(5), secs(30)), (mins(10), secs(60)), (hours(2), secs(60))] {
        let world = World::new();
        let engine = world.server_with::<Login>(|options| options.idle_timeout(idle));
        let mut client = world.alice(&engine).await;
        world.pass(interval - MILLI);
        client.reads().await;
        assert_eq!(world.storage.calls(), [Load]);
        world.pass(MILLI);
        client.reads().await;
        assert_eq!(world.storage.calls(), [Load, Touch]);
    }
}

#[tokio::test]
async fn by_value_activity_is_sent_after_a_tenth_of_the_idle_timeout() {
    for (idle, interval) in [(mins(5), secs(30)), (hours(2), mins(12))] {
        let world = World::new();
        let engine =
            world.client_side_with::<Login>(&Encrypted::new(&ring(1)), |options| options.idle_timeout(idle));
        let mut client = world.alice(&engine).await;
        world.pass(interval - MILLI);
        assert_eq!(client.reads().await, Said::Nothing);
        world.pass(MILLI);
        assert_eq!(client.reads().await, Said::Sent);
    }
}

#[tokio::test]
async fn a_touch_interval_of_ones_own_holds() {
    let limits = Limits {
        touch: Some(mins(10)),
        ..Limits::default()
    };
    let world = World::new();
    let [by_id, by_value] = limits.engines(&world);
    let (mut stored, mut sealed) = (world.alice(&by_id).await, world.alice(&by_value).await);
    world.pass(mins(10) - MILLI);
    assert_eq!(sealed.reads().await, Said::Nothing);
    stored.reads().await;
    assert_eq!(world.storage.calls(), [Load]);
    // What was not written down is lost.
    let mut late = stored.clone();
    world.pass(MILLI);
    assert_eq!(sealed.reads().await, Said::Sent);
    stored.reads().await;
    assert_eq!(world.storage.calls(), [Load, Touch]);
    world.pass(mins(30) - MILLI);
    assert_eq!(late.reads().await, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load, Touch]);
}

#[test]
fn a_touch_interval_that_would_end_active_sessions_is_refused() {
    let environment = World::new().environment;
    for (interval, good) in [(mins(30), false), (mins(31), false), (mins(30) - MILLI, true)] {
        let by_id = Options::<ServerSide>::of::<Login>().touch_interval(interval);
        let by_value = Options::<ClientSide>::of::<Login>().touch_interval(interval);
        let protection = Encrypted::new(&ring(1));
        for built in [
            Engine::<Login>::server_side(&environment, World::new().storage, &by_id),
            Engine::client_side(&environment, &protection, &by_value),
        ] {
            match built {
                Ok(_) => assert!(good),
                Err(error) => assert!(!good && matches!(error, ConfigError::Option { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn limits_that_break_the_rules_are_refused_when_the_engine_is_built() {
    for limits in [
        Limits {
            absolute: Some(days(401)),
            ..Limits::default()
        },
        Limits {
            idle: Some(hours(13)),
            ..Limits::default()
        },
        Limits {
            max_age: Some(days(1)),
            absolute: Some(hours(1)),
            ..Limits::default()
        },
    ] {
        let options = limits.put(Options::<ServerSide>::of::<Login>());
        let built = Engine::<Login>::server_side(&World::new().environment, World::new().storage, &options);
        assert!(matches!(built, Err(ConfigError::Spec { .. })));
    }
}

#[tokio::test]
async fn nothing_but_start_gives_fresh_deadlines() {
    let world = World::new();
    for engine in Limits::default().engines(&world) {
        let mut client = world.alice(&engine).await;
        let began = world.clock.now();
        let end = began.after(hours(12));
        for _ in 0..24 {
            world.pass(mins(29));
            client.does(|slot| slot.set(login("alice", 2))).await;
            client.does(|slot| slot.set(login("alice", 3))).await;
            client.does(|slot| slot.rotate_id()).await;
            client
                .runs(async |slot| {
                    slot.update(|login| login.visits += 1).await.unwrap();
                })
                .await;
            let slot = client.open().await;
            assert_eq!(slot.created_at(), Some(began));
            assert_eq!(
                slot.expires_at(),
                Some(world.clock.now().after(mins(30)).min(end))
            );
        }
        client.does(|slot| slot.start(login("alice", 1))).await;
        assert_eq!(client.open().await.created_at(), Some(world.clock.now()));
        world.clock.set(end);
        assert_eq!(client.status().await, SessionStatus::Live);
    }
}

#[tokio::test]
async fn a_clock_that_goes_backwards_shortens_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let (seen, end) = {
        let times = world.record(&client).unwrap().times;
        (times.last_seen, times.idle_deadline)
    };
    world
        .clock
        .set(Timestamp::from_millis(world.clock.now().as_millis() - 120_000));
    client.does(|slot| slot.set(login("alice", 2))).await;
    client.does(|slot| slot.rotate_id()).await;
    client.reads().await;
    let times = world.record(&client).unwrap().times;
    assert_eq!((times.last_seen, times.idle_deadline), (seen, end));
}

#[tokio::test]
async fn a_session_ends_at_a_cap_of_its_own() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let cap = world.clock.now().after(mins(5));
    world.tamper(&client, |record| record.times.not_after = Some(cap));
    world.pass(mins(5) - MILLI);
    client.reads().await;
    assert_eq!(client.open().await.expires_at(), Some(cap));
    world.pass(MILLI);
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn at_the_end_of_time_deadlines_saturate() {
    let limits = Limits {
        idle: Some(days(400)),
        absolute: Some(days(400)),
        ..Limits::default()
    };
    let world = World::new();
    for engine in limits.engines(&world) {
        world.clock.set(Timestamp::from_millis(u64::MAX - 1));
        let mut client = world.alice(&engine).await;
        let slot = client.open().await;
        assert_eq!(slot.expires_at(), Some(Timestamp::MAX));
        let _ = SystemTime::from(Timestamp::MAX);
        assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
        world.pass(days(400));
        assert_eq!(world.clock.now(), Timestamp::MAX);
        assert_eq!(client.status().await, SessionStatus::Invalid);
        let mut late = Client::new(&engine);
        assert_eq!(late.does(|slot| slot.set(login("alice", 1))).await, Said::Sent);
        assert_eq!(late.reads().await, Said::Removed);
    }
}

#[tokio::test]
async fn no_deadline_moves_past_the_absolute_one() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let end = world.clock.now().after(hours(12));
    for _ in 0..24 {
        world.pass(mins(29));
        client.reads().await;
    }
    assert_eq!(world.record(&client).unwrap().times.idle_deadline, end);
    // When it was used is written down still.
    world.pass(mins(2));
    world.storage.calls();
    client.reads().await;
    assert_eq!(world.storage.calls(), [Load, Touch]);
    assert_eq!(world.record(&client).unwrap().times.last_seen, world.clock.now());
    client
        .runs(async |slot| {
            slot.update(|login| login.visits += 1).await.unwrap();
        })
        .await;
    client.does(|slot| slot.set(login("alice", 9))).await;
    client.does(|slot| slot.rotate_id()).await;
    let times = world.record(&client).unwrap().times;
    assert_eq!((times.idle_deadline, times.absolute_deadline), (end, end));
}

/// A session of each place, with what is asked for before the start or after it.
async fn started(
    engine: &Engine<Login>,
    first: bool,
    ask: impl Fn(&sessions_core::engine::Slot<Login>),
) -> (Client<Login>, Said) {
    let mut client = Client::new(engine);
    let slot = client.open().await;
    if first {
        ask(&slot);
    }
    slot.start(login("alice", 1)).unwrap();
    if !first {
        ask(&slot);
    }
    let said = client.ends(&slot).await.unwrap();
    (client, said)
}

#[tokio::test]
async fn a_session_to_be_remembered_lives_for_its_own_time_and_outlasts_the_browser() {
    for (index, first) in [(0, true), (0, false), (1, true), (1, false)] {
        let world = World::new();
        let engine = &Limits::default().engines(&world)[index];
        let (mut client, said) = started(engine, first, |slot| slot.remember(days(30)).unwrap()).await;
        assert_eq!(said, Said::SentFor(days(30)));
        let other = started(engine, first, |_| ()).await;
        assert_eq!(other.1, Said::Sent, "one that is not to be remembered");
        // Used or not: neither the idle timeout of others ends it, nor their absolute lifetime.
        world.pass(days(15));
        assert_eq!(client.reads().await, Said::Nothing);
        assert_eq!(
            client.does(|slot| slot.rotate_id()).await,
            Said::SentFor(days(15))
        );
        world.pass(days(15) - MILLI);
        assert_eq!(client.status().await, SessionStatus::Live);
        world.pass(MILLI);
        assert_eq!(client.status().await, SessionStatus::Invalid);
        // A login after it is one like others.
        assert_eq!(
            client.does(|slot| slot.start(login("alice", 1))).await,
            Said::Sent
        );
        world.pass(mins(30));
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
}

#[tokio::test]
async fn nothing_is_remembered_for_longer_than_browsers_keep_a_cookie() {
    let world = World::new();
    for engine in Limits::default().engines(&world) {
        let (_, said) = started(&engine, true, |slot| slot.remember(Duration::MAX).unwrap()).await;
        assert_eq!(said, Said::SentFor(days(400)));
    }
}

#[tokio::test]
async fn a_session_ends_at_the_time_that_its_start_was_given() {
    for (index, first) in [(0, true), (0, false), (1, true), (1, false)] {
        let world = World::new();
        let engine = &Limits::default().engines(&world)[index];
        let end = world.clock.now().after(mins(100));
        let (mut client, _) = started(engine, first, |slot| slot.not_after(end).unwrap()).await;
        let (mut longer, said) = started(engine, first, |slot| {
            slot.not_after(end).unwrap();
            slot.remember(days(30)).unwrap();
        })
        .await;
        assert_eq!(said, Said::SentFor(mins(100)), "a cookie that lasts no longer");
        for _ in 0..99 {
            world.pass(mins(1));
            client.reads().await;
        }
        world.pass(mins(1) - MILLI);
        assert_eq!(client.open().await.expires_at(), Some(end));
        for client in [&mut client, &mut longer] {
            assert_ne!(client.does(|slot| slot.rotate_id()).await, Said::Nothing);
            assert_eq!(client.status().await, SessionStatus::Live);
        }
        world.pass(MILLI);
        for client in [&client, &longer] {
            assert_eq!(client.status().await, SessionStatus::Invalid);
        }
    }
}

#[tokio::test]
async fn what_is_wished_for_changes_no_session_that_was_there() {
    let world = World::new();
    for engine in Limits::default().engines(&world) {
        let mut client = world.alice(&engine).await;
        let before = client.open().await.expires_at();
        client
            .does(|slot| {
                slot.remember(days(30))?;
                slot.not_after(world.clock.now())?;
                slot.set(login("alice", 2))
            })
            .await;
        assert_eq!(client.open().await.expires_at(), before);
    }
}

#[tokio::test]
async fn a_session_is_fresh_for_as_long_as_its_login_is_recent() {
    let world = World::new();
    for engine in Limits::default().engines(&world) {
        let mut client = world.alice(&engine).await;
        let fresh = async |client: &Client<Login>| client.open().await.is_fresh(mins(5)).await.unwrap();
        world.pass(mins(5) - MILLI);
        assert!(fresh(&client).await);
        client.does(|slot| slot.rotate_id()).await;
        client.does(|slot| slot.set(login("alice", 2))).await;
        world.pass(MILLI);
        assert!(!fresh(&client).await, "neither a rotation nor a write is a login");
        client.does(|slot| slot.start(login("alice", 1))).await;
        assert!(fresh(&client).await);
        let mut guest = Client::new(&engine);
        assert!(!fresh(&guest).await);
        guest.does(|slot| slot.set(crate::support::nobody(1))).await;
        assert!(!fresh(&guest).await, "nobody has logged in");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_elsewhere_is_not_fresh() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    client
        .at(&world.other_node::<Login>())
        .does(|slot| slot.clear())
        .await;
    assert!(!slot.is_fresh(mins(5)).await.unwrap());
}

#[tokio::test]
async fn a_login_of_the_future_is_not_fresh() {
    let world = World::new();
    let right = world.clock.now();
    world.pass(hours(1));
    for engine in Limits::default().engines(&world) {
        world.clock.set(right.after(hours(1)));
        let client = world.alice(&engine).await;
        world.clock.set(right);
        let slot = client.open().await;
        assert!(
            !slot.is_fresh(mins(5)).await.unwrap(),
            "by a clock that was ahead"
        );
    }
}

#[tokio::test]
async fn whether_it_is_fresh_is_asked_of_the_storage_and_so_is_its_value_then() {
    let world = World::new();
    let engine = world.server();
    let client = world.alice(&engine).await;
    world.storage.copy(world.record(&client).unwrap());
    client
        .at(&world.other_node::<Login>())
        .does(|slot| slot.set(login("alice", 9)))
        .await;
    let slot = client.open().await;
    assert_eq!(slot.get().unwrap().visits, 1, "of the copy");
    assert!(slot.is_fresh(mins(5)).await.unwrap());
    assert_eq!(slot.get().unwrap().visits, 9);
}
