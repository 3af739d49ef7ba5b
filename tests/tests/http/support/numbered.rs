//! Sessions that hold one number, and routes that do one thing each with one.

use actix_web::{
    Result,
    web::{Path, ServiceConfig, get},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{CurrentSession, Session};

/// A session that holds one number.
pub(crate) trait Numbered: Session {
    fn of(number: u32) -> Self;
    fn number(&mut self) -> &mut u32;
    fn shown(&self) -> u32;
}

#[derive(Session, Serialize, Deserialize, Debug)]
#[session(name = "VISITS")]
pub(crate) struct Visits {
    pub(crate) count: u32,
}

#[derive(Session, Serialize, Deserialize, Debug)]
#[session(name = "BASKET")]
pub(crate) struct Basket {
    pub(crate) items: u32,
}

macro_rules! numbered {
    ($($type:ident . $field:ident),*) => {$(
        impl Numbered for $type {
            fn of(number: u32) -> Self {
                Self { $field: number }
            }

            fn number(&mut self) -> &mut u32 {
                &mut self.$field
            }

            fn shown(&self) -> u32 {
                self.$field
            }
        }
    )*};
}
numbered!(Visits.count, Basket.items);

/// Routes below `prefix` that do one thing each with the session.
pub(crate) fn numbers<T: Numbered>(prefix: &'static str) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let at = |path: &str| format!("{prefix}{path}");
        config
            .route(&at("/untouched"), get().to(async || "untouched"))
            .route(&at("/get"), get().to(read::<T>))
            .route(&at("/set/{number}"), get().to(set::<T>))
            .route(&at("/start/{number}"), get().to(start::<T>))
            .route(&at("/update"), get().to(update::<T>))
            .route(&at("/insert"), get().to(insert::<T>))
            .route(&at("/take"), get().to(take::<T>))
            .route(&at("/clear"), get().to(clear::<T>))
            .route(&at("/rotate"), get().to(rotate::<T>))
            .route(&at("/id"), get().to(id::<T>))
            .route(&at("/status"), get().to(status::<T>));
    }
}

fn show<T: Numbered>(value: Option<&T>) -> String {
    value.map_or("none".to_owned(), |value| value.shown().to_string())
}

async fn read<T: Numbered>(session: CurrentSession<T>) -> String {
    show(session.get().as_deref())
}

async fn set<T: Numbered>(session: CurrentSession<T>, number: Path<u32>) -> Result<String> {
    session.set(T::of(number.into_inner()))?;
    Ok(show(session.get().as_deref()))
}

async fn start<T: Numbered>(session: CurrentSession<T>, number: Path<u32>) -> Result<String> {
    session.start(T::of(number.into_inner()))?;
    Ok(show(session.get().as_deref()))
}

async fn update<T: Numbered>(session: CurrentSession<T>) -> Result<String> {
    session.update(|value| *value.number() += 1).await?;
    Ok(show(session.get().as_deref()))
}

async fn insert<T: Numbered>(session: CurrentSession<T>) -> Result<String> {
    session
        .update_or_insert_with(|| T::of(0), |value| *value.number() += 1)
        .await?;
    Ok(show(session.get().as_deref()))
}

async fn take<T: Numbered>(session: CurrentSession<T>) -> Result<String> {
    Ok(show(session.take().await?.as_deref()))
}

async fn clear<T: Numbered>(session: CurrentSession<T>) -> Result<String> {
    session.clear()?;
    Ok(show(session.get().as_deref()))
}

async fn rotate<T: Numbered>(session: CurrentSession<T>) -> Result<String> {
    session.rotate_id()?;
    Ok(show(session.get().as_deref()))
}

async fn id<T: Numbered>(session: CurrentSession<T>) -> String {
    session.public_id().map_or("none".to_owned(), |id| id.to_string())
}

async fn status<T: Numbered>(session: CurrentSession<T>) -> String {
    format!("{:?}", session.status())
}
