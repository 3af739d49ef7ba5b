//! The data class, before and after it was changed.

use serde::{Deserialize, Serialize};
use sessions_actix::Session;

/// What the handlers need of either.
pub(crate) trait Shopping: Session {
    fn of(user: String) -> Self;
    fn add(&mut self, item: &str);
    fn list(&self) -> String;
}

/// One name for each thing.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "basket")]
pub(crate) struct BasketV1 {
    #[session(principal)]
    user: String,
    items: Vec<String>,
}

impl Shopping for BasketV1 {
    fn of(user: String) -> Self {
        Self {
            user,
            items: Vec::new(),
        }
    }

    fn add(&mut self, item: &str) {
        self.items.push(item.to_owned());
    }

    fn list(&self) -> String {
        Basket::from(Self {
            user: self.user.clone(),
            items: self.items.clone(),
        })
        .list()
    }
}

/// One name for things that are the same, and how many there are.
#[derive(Session, Serialize, Deserialize)]
#[session(name = "basket", version = 2, previous = BasketV1)]
pub(crate) struct Basket {
    #[session(principal)]
    user: String,
    items: Vec<(String, u32)>,
}

impl From<BasketV1> for Basket {
    fn from(old: BasketV1) -> Self {
        let mut new = Self::of(old.user);
        old.items.iter().for_each(|item| new.add(item));
        new
    }
}

/// For as long as there are servers that know no other.
impl From<&Basket> for BasketV1 {
    fn from(new: &Basket) -> Self {
        let things = |(item, count): &(String, u32)| vec![item.clone(); *count as usize];
        Self {
            user: new.user.clone(),
            items: new.items.iter().flat_map(things).collect(),
        }
    }
}

impl Shopping for Basket {
    fn of(user: String) -> Self {
        Self {
            user,
            items: Vec::new(),
        }
    }

    fn add(&mut self, item: &str) {
        match self.items.iter_mut().find(|(name, _)| name == item) {
            Some((_, count)) => *count += 1,
            None => self.items.push((item.to_owned(), 1)),
        }
    }

    fn list(&self) -> String {
        let things = self.items.iter().map(|(item, count)| format!("{count} {item}"));
        format!("{}: {}\n", self.user, things.collect::<Vec<_>>().join(", "))
    }
}
