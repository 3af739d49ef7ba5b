//! A newer release that still writes what the older one reads.

use serde::{Deserialize, Serialize};
use sessions_core::{
    ConfigError, Downgrade, Schema, Session, SessionError, SessionSerializer, SessionSpec, Upgrade,
    WritePrevious,
    engine::{Engine, SessionStatus, Slot},
    options::OnConflict,
    protection::Encrypted,
};

use crate::support::{
    Client, Latest, Load, ReplaceEpoch, ReplaceRevision, Said, Touch, World, at_once, mins, ring,
};

/// What a request can write, by its name.
const WRITES: [&str; 9] = [
    "set",
    "start",
    "get_or_set_with",
    "update",
    "update_or_insert_with",
    "set and update",
    "set and rotate",
    "set and renew",
    "start for a while",
];

async fn write<T: Session>(slot: &Slot<T>, what: &str, value: impl Fn() -> T, change: impl Fn(&mut T)) {
    match what {
        "set" => slot.set(value()).unwrap(),
        "start" => slot.start(value()).unwrap(),
        "get_or_set_with" => drop(slot.get_or_set_with(value).unwrap()),
        "update" => drop(slot.update(change).await.unwrap()),
        "update_or_insert_with" => slot.update_or_insert_with(value, change).await.unwrap(),
        "set and update" => {
            slot.set(value()).unwrap();
            slot.update(change).await.unwrap();
        }
        "set and rotate" => {
            slot.set(value()).unwrap();
            slot.rotate_id().unwrap();
        }
        "set and renew" => {
            slot.set(value()).unwrap();
            slot.renew_id().unwrap();
        }
        "start for a while" => {
            slot.start(value()).unwrap();
            slot.remember(mins(600)).unwrap();
        }
        what => panic!("{what}?"),
    }
}

/// Three versions of one data class.
macro_rules! versions {
    ($module:ident, $serializer:ty) => {
        mod $module {
            use super::*;

            const fn spec(version: u32) -> SessionSpec {
                let mut spec = SessionSpec::new("cart");
                spec.version = version;
                spec
            }

            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            struct First {
                item: u32,
            }

            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            struct Second {
                items: Vec<u32>,
                note: String,
            }

            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            struct Third {
                items: Vec<u32>,
            }

            impl From<First> for Second {
                fn from(old: First) -> Self {
                    second([0, old.item], "upgraded")
                }
            }

            impl From<&Second> for First {
                fn from(new: &Second) -> Self {
                    Self {
                        item: new.items.last().copied().unwrap_or_default(),
                    }
                }
            }

            impl From<Second> for Third {
                fn from(Second { items, .. }: Second) -> Self {
                    Self { items }
                }
            }

            impl From<&Third> for Second {
                fn from(new: &Third) -> Self {
                    second(new.items.iter().copied(), "")
                }
            }

            impl Session for First {
                const SPEC: SessionSpec = spec(1);
                type Serializer = $serializer;
            }

            impl Session for Second {
                const SPEC: SessionSpec = spec(2);
                type Serializer = $serializer;

                fn previous() -> Vec<Upgrade<Self>> {
                    Upgrade::chain::<First>()
                }
            }

            impl Session for Third {
                const SPEC: SessionSpec = spec(3);
                type Serializer = $serializer;

                fn previous() -> Vec<Upgrade<Self>> {
                    Upgrade::chain::<Second>()
                }
            }

            impl WritePrevious for Second {
                fn downgrade() -> Downgrade<Self> {
                    Downgrade::to::<First>()
                }
            }

            impl WritePrevious for Third {
                fn downgrade() -> Downgrade<Self> {
                    Downgrade::to::<Second>()
                }
            }

            fn second(items: impl IntoIterator<Item = u32>, note: &str) -> Second {
                Second {
                    items: items.into_iter().collect(),
                    note: note.to_owned(),
                }
            }

            fn engine<T: Session>(world: &World, by_id: bool) -> Engine<T> {
                if by_id {
                    world.server()
                } else {
                    world.client_side(&Encrypted::new(&ring(1)))
                }
            }

            /// As nodes of the first of two deploys have it.
            fn both<T: WritePrevious>(world: &World, by_id: bool) -> Engine<T> {
                engine::<T>(world, by_id).write_previous().unwrap()
            }

            /// A client with a session of this value, and nothing written down.
            async fn with<T: Session>(world: &World, engine: &Engine<T>, value: T) -> Client<T> {
                let mut client = Client::new(engine);
                client.does(|slot| slot.set(value)).await;
                world.storage.calls();
                client
            }

            /// Everything that is stored is as the version wrote it.
            fn is_stored_as<T: Session, U: Session>(world: &World, client: &Client<U>, value: &T) {
                let record = world.record(client).unwrap();
                assert_eq!(record.schema, Schema::of::<T>());
                let mut bytes = Vec::new();
                <T::Serializer as SessionSerializer<T>>::serialize(value, &mut bytes).unwrap();
                assert_eq!(record.payload.as_bytes(), bytes);
            }

            #[tokio::test]
            async fn whatever_is_written_can_be_read_by_an_older_node() {
                for (by_id, there) in [(true, true), (true, false), (false, true), (false, false)] {
                    for what in WRITES {
                        let world = World::new();
                        let old = engine::<First>(&world, by_id);
                        let mut client = Client::new(&both::<Second>(&world, by_id));
                        if there {
                            client = with(&world, &old, First { item: 7 })
                                .await
                                .at(client.engine());
                        }
                        client
                            .runs(async |slot| {
                                let push = |cart: &mut Second| cart.items.push(9);
                                write(slot, what, || second([7, 8], "new"), push).await;
                            })
                            .await;
                        if !there && what == "update" {
                            assert!(!client.has_token());
                            continue;
                        }
                        let item = match what {
                            "get_or_set_with" if there => 7,
                            "update" | "update_or_insert_with" | "set and update" => 9,
                            _ => 8,
                        };
                        let seen = client.at(&old).sees().await;
                        assert_eq!(seen.as_deref(), Some(&First { item }), "{what}, {by_id}");
                        let seen = client.sees().await;
                        assert_eq!(seen.as_deref(), Some(&second([0, item], "upgraded")));
                        if by_id {
                            is_stored_as(&world, &client, &First { item });
                        }
                    }
                }
            }

            #[tokio::test]
            async fn a_session_that_is_of_the_new_version_already_stays_of_it() {
                for by_id in [true, false] {
                    for what in WRITES {
                        let world = World::new();
                        let new = engine::<Second>(&world, by_id);
                        let mut client = with(&world, &new, second([7], "kept"))
                            .await
                            .at(&both::<Second>(&world, by_id));
                        client
                            .runs(async |slot| {
                                let push = |cart: &mut Second| cart.items.push(9);
                                write(slot, what, || second([8], "new"), push).await;
                            })
                            .await;
                        let old = client.at(&engine::<First>(&world, by_id));
                        let status = old.status().await;
                        if what.starts_with("start") {
                            assert_eq!(
                                status,
                                SessionStatus::Live,
                                "a new session is for all nodes"
                            );
                            continue;
                        }
                        assert_eq!(status, SessionStatus::Foreign, "{what}, {by_id}");
                        let expected = match what {
                            "get_or_set_with" => second([7], "kept"),
                            "update" | "update_or_insert_with" => second([7, 9], "kept"),
                            "set and update" => second([8, 9], "new"),
                            _ => second([8], "new"),
                        };
                        assert_eq!(
                            client.sees().await.as_deref(),
                            Some(&expected),
                            "{what}, {by_id}"
                        );
                        if by_id {
                            is_stored_as(&world, &client, &expected);
                        }
                    }
                }
            }

            #[tokio::test]
            async fn what_is_not_changed_is_not_encoded_anew() {
                for by_id in [true, false] {
                    let world = World::new();
                    let (old, new) = (
                        engine::<First>(&world, by_id),
                        engine::<Second>(&world, by_id),
                    );
                    let both = both::<Second>(&world, by_id);
                    let older = with(&world, &old, First { item: 7 }).await.at(&both);
                    let newer = with(&world, &new, second([7], "kept")).await.at(&both);
                    world.pass(mins(10));
                    for (mut client, status) in [
                        (older, SessionStatus::Live),
                        (newer, SessionStatus::Foreign),
                    ] {
                        let seen = client.sees().await;
                        client.reads().await;
                        assert!(!by_id || world.storage.calls().contains(&Touch));
                        client.does(|slot| slot.rotate_id()).await;
                        client.does(|slot| slot.renew_id()).await;
                        assert_eq!(client.sees().await, seen);
                        assert_eq!(client.at(&old).status().await, status);
                    }
                }
            }

            #[tokio::test]
            async fn a_value_that_comes_to_the_same_in_the_format_that_is_written_is_not_written() {
                for by_id in [true, false] {
                    let world = World::new();
                    let (old, new) = (
                        engine::<First>(&world, by_id),
                        engine::<Second>(&world, by_id),
                    );
                    let both = both::<Second>(&world, by_id);
                    let older = with(&world, &old, First { item: 7 }).await.at(&both);
                    let newer = with(&world, &new, second([7], "kept")).await.at(&both);
                    for (mut client, value) in [
                        // The older version has no note, and one item.
                        (older, second([1, 2, 7], "lost")),
                        (newer, second([7], "kept")),
                    ] {
                        assert_eq!(client.does(|slot| slot.set(value)).await, Said::Nothing);
                        let calls = if by_id { vec![Load] } else { vec![] };
                        assert_eq!(world.storage.calls(), calls);
                        let said = client
                            .runs(async |slot| {
                                slot.update(|_| ()).await.unwrap().unwrap();
                            })
                            .await;
                        assert_eq!(said, Said::Nothing);
                        let calls = if by_id { vec![Load, Latest] } else { vec![] };
                        assert_eq!(world.storage.calls(), calls);
                    }
                }
            }

            #[tokio::test]
            async fn a_session_of_a_version_before_the_previous_one_is_written_as_that() {
                for by_id in [true, false] {
                    let world = World::new();
                    let oldest = engine::<First>(&world, by_id);
                    let mut client = with(&world, &oldest, First { item: 7 })
                        .await
                        .at(&both::<Third>(&world, by_id));
                    client
                        .does(|slot| slot.set(Third { items: vec![0, 7] }))
                        .await;
                    let old = client.at(&engine::<Second>(&world, by_id));
                    assert_eq!(old.sees().await.as_deref(), Some(&second([0, 7], "")));
                    assert_eq!(client.at(&oldest).status().await, SessionStatus::Foreign);
                }
            }

            /// The new version's node writes into the session at this call of the other's.
            async fn raced(world: &World, what: &str) -> Client<Second> {
                let old = with(world, &world.server(), First { item: 7 }).await;
                let mut client = old.at(&both::<Second>(world, true));
                let new = client.at(&world.other_node::<Second>());
                let slot = client.open().await;
                let at = match what {
                    "set" | "set and update" => ReplaceEpoch,
                    _ => ReplaceRevision,
                };
                world.storage.before(at, move |_, _| {
                    let mut new = new;
                    at_once(new.does(|slot| slot.set(second([5], "faster"))));
                });
                let push = |cart: &mut Second| cart.items.push(9);
                write(&slot, what, || second([8], "new"), push).await;
                client.ends(&slot).await.unwrap();
                client
            }

            #[tokio::test]
            async fn a_session_that_becomes_one_of_the_new_version_meanwhile_is_written_as_that() {
                for what in [
                    "set",
                    "update",
                    "set and update",
                    "set and rotate",
                    "set and renew",
                ] {
                    let world = World::new();
                    let client = raced(&world, what).await;
                    let expected = match what {
                        "update" => second([5, 9], "faster"),
                        "set and update" => second([8, 9], "new"),
                        _ => second([8], "new"),
                    };
                    assert_eq!(client.sees().await.as_deref(), Some(&expected), "{what}");
                    is_stored_as(&world, &client, &expected);
                }
            }

            #[tokio::test]
            async fn a_conflict_that_is_to_be_told_is_told() {
                let world = World::new();
                let telling = world.server_with::<Second>(|options| options.on_conflict(OnConflict::Reject));
                let old = with(&world, &world.server(), First { item: 7 }).await;
                let mut client = old.at(&telling.write_previous().unwrap());
                let slot = client.open().await;
                let mut new = client.at(&world.other_node::<Second>());
                new.does(|slot| slot.set(second([5], "faster"))).await;
                slot.set(second([8], "new")).unwrap();
                let ended = client.ends(&slot).await;
                assert!(matches!(ended, Err(SessionError::Conflict)), "{ended:?}");
                is_stored_as(&world, &client, &second([5], "faster"));
            }

            #[tokio::test]
            async fn a_session_that_becomes_one_of_a_version_that_it_does_not_know_is_left_alone() {
                for what in ["set", "set and rotate", "set and renew"] {
                    let world = World::new();
                    let both = both::<Second>(&world, true);
                    let mut client = with(&world, &world.server(), First { item: 7 })
                        .await
                        .at(&both);
                    let slot = client.open().await;
                    let mut newest = client.at(&world.other_node::<Third>());
                    newest.does(|slot| slot.set(Third { items: vec![5] })).await;
                    write(&slot, what, || second([8], "new"), |_| {}).await;
                    let ended = client.ends(&slot).await;
                    assert!(
                        matches!(ended, Err(SessionError::Foreign)),
                        "{what}: {ended:?}"
                    );
                    is_stored_as(&world, &client, &Third { items: vec![5] });
                }
            }

            #[tokio::test]
            async fn within_one_request_nothing_is_lost_yet() {
                for by_id in [true, false] {
                    let world = World::new();
                    let mut client = Client::new(&both::<Second>(&world, by_id));
                    client
                        .runs(async |slot| {
                            slot.set(second([1, 2], "here")).unwrap();
                            slot.update(|cart| cart.items.push(3)).await.unwrap();
                            assert_eq!(slot.get().as_deref(), Some(&second([1, 2, 3], "here")));
                        })
                        .await;
                    let seen = client.sees().await;
                    assert_eq!(seen.as_deref(), Some(&second([0, 3], "upgraded")));
                }
            }

            /// What it would be written as, it cannot read.
            #[derive(Serialize, Deserialize)]
            struct Deaf {
                items: Vec<u32>,
            }

            impl From<&Deaf> for First {
                fn from(_: &Deaf) -> Self {
                    Self { item: 0 }
                }
            }

            impl Session for Deaf {
                const SPEC: SessionSpec = spec(2);
                type Serializer = $serializer;
            }

            impl WritePrevious for Deaf {
                fn downgrade() -> Downgrade<Self> {
                    Downgrade::to::<First>()
                }
            }

            #[test]
            fn what_could_not_be_read_back_is_refused() {
                let refused = engine::<Deaf>(&World::new(), true)
                    .write_previous()
                    .unwrap_err();
                assert!(matches!(refused, ConfigError::Option { .. }));
                assert!(refused.to_string().contains("`previous()`"), "{refused}");
            }

            #[test]
            fn what_is_written_is_told_to_whoever_prints_it() {
                let world = World::new();
                let plain = format!("{:?}", engine::<Second>(&world, true));
                assert!(plain.contains("downgrade: None"), "{plain}");
                let both = format!("{:?}", both::<Second>(&world, true));
                let schema = format!("{:?}", Schema::of::<First>());
                assert!(both.contains(&schema), "{both}");
            }
        }
    };
}
versions!(bincode, sessions_core::serializer::Bincode);
versions!(json, sessions_core::serializer::Json);
