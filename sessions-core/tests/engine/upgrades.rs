//! Data classes that change while sessions live.

use serde::{Deserialize, Serialize};
use sessions_core::{
    Session, SessionError, SessionSpec, Upgrade,
    engine::{Engine, SessionStatus},
    options::{Options, ServerSide},
    protection::Encrypted,
};

use crate::support::{Checked, Client, Load, Said, Touch, World, mins, ring};

/// Three versions of one data class, and what else may claim to be the third.
macro_rules! versions {
    ($module:ident, $serializer:ty) => {
        mod $module {
            use super::*;

            const fn spec(version: u32) -> SessionSpec {
                let mut spec = SessionSpec::new("cart");
                spec.version = version;
                spec
            }

            #[derive(Serialize, Deserialize)]
            pub(super) struct First {
                pub(super) items: u32,
            }

            #[derive(Serialize, Deserialize)]
            pub(super) struct Second {
                pub(super) items: Vec<u32>,
            }

            #[derive(Debug, PartialEq, Serialize, Deserialize)]
            pub(super) struct Third {
                pub(super) items: Vec<u32>,
                pub(super) note: String,
            }

            impl From<First> for Second {
                fn from(old: First) -> Self {
                    Self {
                        items: vec![old.items],
                    }
                }
            }

            impl From<Second> for Third {
                fn from(old: Second) -> Self {
                    Self {
                        items: old.items,
                        note: "upgraded".to_owned(),
                    }
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

            /// The third version, with a field more.
            #[derive(Serialize, Deserialize)]
            pub(super) struct Longer {
                pub(super) items: Vec<u32>,
                pub(super) note: String,
                #[serde(default)]
                pub(super) gift: bool,
            }

            impl Session for Longer {
                const SPEC: SessionSpec = spec(3);
                type Serializer = $serializer;
            }

            /// The third version, with a field of another type.
            #[derive(Serialize, Deserialize)]
            pub(super) struct Other {
                pub(super) items: Vec<u32>,
                pub(super) note: bool,
            }

            impl Session for Other {
                const SPEC: SessionSpec = spec(3);
                type Serializer = $serializer;
            }

            #[tokio::test]
            async fn an_old_session_is_read_over_two_steps_and_stays_as_it_is_until_it_is_written() {
                for by_id in [true, false] {
                    let world = World::new();
                    let mut old = Client::new(&engine::<First>(&world, by_id));
                    old.does(|slot| slot.set(First { items: 7 })).await;
                    let mut client = old.at(&engine::<Third>(&world, by_id));
                    let upgraded = Third {
                        items: vec![7],
                        note: "upgraded".to_owned(),
                    };
                    assert_eq!(client.sees().await.as_ref(), Some(&upgraded.into()));
                    // Not by use, and not by rotation either.
                    world.pass(mins(10));
                    let said = client.reads().await;
                    assert_eq!(said == Said::Sent, !by_id);
                    assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
                    let back = client.at(old.engine());
                    assert_eq!(back.sees().await.unwrap().items, 7);
                    client
                        .runs(async |slot| {
                            slot.update(|cart| cart.items.push(8)).await.unwrap();
                        })
                        .await;
                    assert_eq!(client.sees().await.unwrap().items, [7, 8]);
                    assert_eq!(
                        client.at(old.engine()).status().await,
                        SessionStatus::Foreign
                    );
                }
            }

            #[tokio::test]
            async fn an_upgraded_value_that_is_set_as_it_is_is_written() {
                for by_id in [true, false] {
                    let world = World::new();
                    let mut old = Client::new(&engine::<Second>(&world, by_id));
                    old.does(|slot| slot.set(Second { items: vec![7] })).await;
                    let mut client = old.at(&engine::<Third>(&world, by_id));
                    client
                        .does(|slot| {
                            let items = slot.get().unwrap().items.clone();
                            slot.set(Third {
                                items,
                                note: "upgraded".to_owned(),
                            })
                        })
                        .await;
                    assert_eq!(
                        client.at(old.engine()).status().await,
                        SessionStatus::Foreign
                    );
                    assert_eq!(client.sees().await.unwrap().items, [7]);
                }
            }

            #[tokio::test]
            async fn a_newer_session_is_left_alone_and_can_be_ended_and_replaced() {
                for by_id in [true, false] {
                    let world = World::new();
                    let mut new = Client::new(&engine::<Third>(&world, by_id));
                    let cart = || Third {
                        items: vec![1],
                        note: String::new(),
                    };
                    new.does(|slot| slot.set(cart())).await;
                    world.pass(mins(10));
                    world.storage.calls();
                    let mut client = new.at(&engine::<Second>(&world, by_id));
                    let slot = client.open().await;
                    assert_eq!(slot.status(), SessionStatus::Foreign);
                    assert!(slot.get().is_none());
                    let second = || Second { items: vec![2] };
                    assert!(matches!(
                        slot.set(second()).checked(),
                        Err(SessionError::Foreign)
                    ));
                    let updated = slot.update(|cart| cart.items.clear()).await;
                    assert!(matches!(updated, Err(SessionError::Foreign)));
                    slot.rotate_id().unwrap();
                    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
                    assert!(!world.storage.calls().contains(&Touch));
                    assert_eq!(new.sees().await.as_deref(), Some(&cart()));
                    let mut started = client.clone();
                    assert_eq!(started.does(|slot| slot.start(second())).await, Said::Sent);
                    assert_eq!(started.sees().await.unwrap().items, [2]);
                    assert_eq!(client.does(|slot| slot.clear()).await, Said::Removed);
                }
            }

            #[tokio::test]
            async fn an_old_session_that_nothing_leads_from_is_stale() {
                for by_id in [true, false] {
                    let world = World::new();
                    let mut old = Client::new(&engine::<First>(&world, by_id));
                    old.does(|slot| slot.set(First { items: 7 })).await;
                    world.storage.calls();
                    let mut client = old.at(&engine::<Longer>(&world, by_id));
                    assert_eq!(client.status().await, SessionStatus::Stale);
                    world.storage.calls();
                    assert_eq!(client.reads().await, Said::Nothing);
                    assert_eq!(
                        world.storage.calls(),
                        if by_id { vec![Load] } else { vec![] }
                    );
                }
            }

            /// Says that it follows what has its own version.
            #[derive(Serialize, Deserialize)]
            struct Same {
                items: Vec<u32>,
            }

            impl From<Second> for Same {
                fn from(old: Second) -> Self {
                    Self { items: old.items }
                }
            }

            impl Session for Same {
                const SPEC: SessionSpec = spec(2);
                type Serializer = $serializer;

                fn previous() -> Vec<Upgrade<Self>> {
                    Upgrade::chain::<Second>()
                }
            }

            #[test]
            fn an_upgrade_from_the_same_version_is_refused() {
                let world = World::new();
                let options = Options::<ServerSide>::of::<Same>();
                let Err(error) = Engine::<Same>::server_side(&world.environment, world.storage, &options)
                else {
                    panic!("it was accepted");
                };
                assert!(error.to_string().contains("version = 3"), "{error}");
            }

            pub(super) async fn shape_of_one_version(expected: [SessionStatus; 2]) {
                for by_id in [true, false] {
                    let world = World::new();
                    let mut client = Client::new(&engine::<Third>(&world, by_id));
                    let cart = Third {
                        items: vec![1],
                        note: String::new(),
                    };
                    client.does(|slot| slot.set(cart)).await;
                    let longer = client.at(&engine::<Longer>(&world, by_id));
                    let other = client.at(&engine::<Other>(&world, by_id));
                    assert_eq!([longer.status().await, other.status().await], expected);
                    assert_eq!(other.clone().reads().await, Said::Nothing);
                    assert_eq!(client.status().await, SessionStatus::Live);
                }
            }
        }
    };
}

fn engine<T: Session>(world: &World, by_id: bool) -> Engine<T> {
    if by_id {
        world.server()
    } else {
        world.client_side(&Encrypted::new(&ring(1)))
    }
}

versions!(bincode, sessions_core::serializer::Bincode);
versions!(json, sessions_core::serializer::Json);

#[tokio::test]
async fn json_tries_another_shape_of_the_same_version() {
    json::shape_of_one_version([SessionStatus::Live, SessionStatus::Stale]).await;
}

#[tokio::test]
async fn bincode_never_tries_another_shape_of_the_same_version() {
    bincode::shape_of_one_version([SessionStatus::Stale, SessionStatus::Stale]).await;
}
