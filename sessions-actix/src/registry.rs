//! The session types of one installation.

use std::{
    any::{Any, TypeId, type_name},
    fmt,
    sync::Arc,
};

use actix_web::{HttpRequest, HttpResponse};
use sessions_core::{
    ConfigError, KeyRing, Policy, Session, SessionPolicy, WritePrevious,
    engine::{CsrfTokens, Engine, Purger},
};

use crate::transport::Wire;

/// What answers a request that lacks a session it requires.
pub(crate) type Challenge = Arc<dyn Fn(&HttpRequest) -> HttpResponse + Send + Sync>;

type TellPolicy = Box<dyn Fn(Option<&CsrfTokens>) -> SessionPolicy + Send + Sync>;

/// One session type.
pub(crate) struct Registration {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: String,
    pub(crate) challenge: Option<Challenge>,
    /// What makes and checks its tokens against cross-site request forgery.
    pub(crate) csrf: Option<Arc<CsrfTokens>>,
    /// Where a storage keeps its sessions.
    purger: Option<Purger>,
    policy: TellPolicy,
    /// `Registered<T>`.
    typed: Arc<dyn Any + Send + Sync>,
}

/// One session type, as its own type knows it.
pub(crate) struct Registered<T: Session> {
    pub(crate) engine: Engine<T>,
    pub(crate) wire: Wire,
}

impl Registration {
    pub(crate) fn new<T: Session>(engine: Engine<T>) -> Result<Self, ConfigError> {
        let wire = Wire::new(engine.spec()).ok_or_else(|| ConfigError::Option {
            type_name: type_name::<T>(),
            message: format!("`{}` is not the name of a header", engine.name()),
        })?;
        Ok(Self {
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            name: engine.name().to_owned(),
            challenge: None,
            csrf: None,
            purger: engine.purger(),
            policy: {
                let engine = engine.clone();
                Box::new(move |csrf| engine.policy(csrf))
            },
            typed: Arc::new(Registered { engine, wire }),
        })
    }

    /// Has its sessions written in the format of the version before.
    pub(crate) fn write_previous<T: WritePrevious>(&mut self) -> Result<(), ConfigError> {
        if let Some(registered) = self.typed::<T>() {
            *self = Self {
                challenge: self.challenge.take(),
                csrf: self.csrf.take(),
                ..Self::new(registered.engine.clone().write_previous()?)?
            };
        }
        Ok(())
    }

    /// Has tokens against cross-site request forgery under these keys.
    pub(crate) fn csrf<T: Session>(&mut self, keys: &KeyRing) -> Result<(), ConfigError> {
        if let Some(registered) = self.typed::<T>() {
            self.csrf = Some(Arc::new(registered.engine.csrf_tokens(keys)?));
        }
        Ok(())
    }

    pub(crate) fn typed<T: Session>(&self) -> Option<Arc<Registered<T>>> {
        Arc::clone(&self.typed).downcast().ok()
    }
}

/// All session types of one installation: a handful, so that looking one up is comparing numbers.
#[derive(Default)]
pub(crate) struct Registry(Vec<Registration>);

impl Registry {
    /// Adds a type, unless it or its name is there already.
    pub(crate) fn add(&mut self, registration: Registration) -> Result<(), ConfigError> {
        if self.find(registration.type_id).is_some() {
            return Err(ConfigError::DuplicateType {
                type_name: registration.type_name,
            });
        }
        if let Some(other) = self.named(&registration.name) {
            return Err(ConfigError::DuplicateName {
                name: registration.name,
                first: other.type_name,
                second: registration.type_name,
            });
        }
        self.0.push(registration);
        Ok(())
    }

    pub(crate) fn find(&self, type_id: TypeId) -> Option<&Registration> {
        self.0.iter().find(|registration| registration.type_id == type_id)
    }

    pub(crate) fn find_mut(&mut self, type_id: TypeId) -> Option<&mut Registration> {
        self.0
            .iter_mut()
            .find(|registration| registration.type_id == type_id)
    }

    /// What frees the expired sessions of all types.
    pub(crate) fn purgers(&self) -> Vec<Purger> {
        self.0.iter().filter_map(|one| one.purger.clone()).collect()
    }

    /// What holds for all types.
    pub(crate) fn policy(&self) -> Policy {
        let tell = |one: &Registration| (one.policy)(one.csrf.as_deref());
        Policy::new(self.0.iter().map(tell).collect())
    }

    /// The type that goes by this name; a header's name is compared without case, and so, to be safe, is a cookie's.
    pub(crate) fn named(&self, name: &str) -> Option<&Registration> {
        self.0
            .iter()
            .find(|registration| registration.name.eq_ignore_ascii_case(name))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|one| (&one.name, one.type_name)))
            .finish()
    }
}
