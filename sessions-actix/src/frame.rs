//! What one request knows of its sessions, and of the installations around it.

use std::{
    any::TypeId,
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sessions_core::Timestamp;

use crate::{opened::Opened, registry::Registry};

/// The sessions of one request, and the installations around it.
#[derive(Default)]
pub(crate) struct Frame {
    /// The outermost first.
    levels: RefCell<Vec<Level>>,
    /// Each with the installation that has registered its type, and commits it.
    sessions: RefCell<Vec<(usize, Rc<dyn Opened>)>>,
    cut_offs: RefCell<Vec<(TypeId, CutOff)>>,
}

/// When this request itself has last ended sessions of a principal, in milliseconds: its own login comes after that.
pub(crate) type CutOff = Arc<AtomicU64>;

/// One installation of the middleware around the request.
struct Level {
    registry: WorkerRegistry,
    phase: Phase,
}

/// A registry as one worker counts who uses it: without the atomic operations that would take each request tens of
/// nanoseconds.
pub(crate) type WorkerRegistry = Rc<Arc<Registry>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Its response head is ready.
    Done,
}

/// Where a session type is registered around a request.
pub(crate) enum Place {
    /// In this installation.
    Level(usize, WorkerRegistry),
    /// In an installation whose response head is ready.
    Done,
    /// In none.
    Nowhere,
    /// In one, under a name that an installation around it or inside it has given to another type.
    Clash { name: String, other: &'static str },
}

impl Frame {
    /// One more installation, inside those that are not finished. Says how many these are.
    ///
    /// The innermost ones that are finished are forgotten: whoever calls their services again, or others in their place,
    /// begins anew.
    pub(crate) fn enter(&self, registry: WorkerRegistry) -> usize {
        self.forget_levels(|level| level.phase == Phase::Done);
        let depth = self.levels.borrow().len();
        self.levels.borrow_mut().push(Level {
            registry,
            phase: Phase::Open,
        });
        self.forget_sessions(|level| level < depth);
        depth
    }

    /// One installation is finished with the request. True if all are: there is nothing left in the frame but room. An inner
    /// installation's future may outlive the outermost one's.
    pub(crate) fn leave(&self, level: usize) -> bool {
        for (of, session) in self.sessions.borrow().iter() {
            if *of == level {
                session.close();
            }
        }
        let mut levels = self.levels.borrow_mut();
        if let Some(level) = levels.get_mut(level) {
            level.phase = Phase::Done;
        }
        let over = level == 0 && levels.iter().all(|level| level.phase == Phase::Done);
        drop(levels);
        if over {
            self.forget_levels(|_| true);
            self.forget_sessions(|_| false);
            self.cut_offs.borrow_mut().clear();
        }
        over
    }

    /// Forgets the innermost installations, as far as they are not wanted. Nothing is borrowed while one is dropped, here and
    /// below: what is in it is the application's, and may ask for sessions.
    fn forget_levels(&self, unwanted: impl Fn(&mut Level) -> bool) {
        let last = || self.levels.borrow_mut().pop_if(&unwanted);
        while let Some(gone) = last() {
            drop(gone);
        }
    }

    /// Keeps the sessions that are wanted, and all the room.
    fn forget_sessions(&self, wanted: impl Fn(usize) -> bool) {
        // Those that are asked for meanwhile come after these, and stay.
        let count = self.sessions.borrow().len();
        let mut kept = 0;
        for _ in 0..count {
            let mut sessions = self.sessions.borrow_mut();
            let gone = match sessions.get(kept) {
                Some((level, _)) if !wanted(*level) => Some(sessions.remove(kept)),
                _ => None,
            };
            drop(sessions);
            match gone {
                Some(gone) => drop(gone),
                None => kept += 1,
            }
        }
    }

    /// Whether no session was asked for.
    pub(crate) fn is_unused(&self) -> bool {
        self.sessions.borrow().is_empty()
    }

    /// The sessions of the levels that are wanted, one after the other.
    pub(crate) fn next(&self, index: &mut usize, wanted: impl Fn(usize) -> bool) -> Option<Rc<dyn Opened>> {
        let sessions = self.sessions.borrow();
        let found = sessions[*index..].iter().position(|(level, _)| wanted(*level));
        *index += found? + 1;
        let (_, session) = &sessions[*index - 1];
        Some(Rc::clone(session))
    }

    /// See [`CutOff`].
    pub(crate) fn cut_off_at(&self, session_type: TypeId) -> Option<Timestamp> {
        let cut_offs = self.cut_offs.borrow();
        let (_, cut_off) = cut_offs.iter().find(|(of, _)| *of == session_type)?;
        Some(Timestamp::from_millis(cut_off.load(Ordering::Relaxed)))
    }

    /// Where to note that this request has ended sessions of this type.
    pub(crate) fn cut_off(&self, session_type: TypeId) -> CutOff {
        let mut cut_offs = self.cut_offs.borrow_mut();
        if let Some((_, known)) = cut_offs.iter().find(|(of, _)| *of == session_type) {
            return Arc::clone(known);
        }
        let new = CutOff::default();
        cut_offs.push((session_type, Arc::clone(&new)));
        new
    }

    /// The session of this type, if it was asked for before.
    pub(crate) fn session(&self, type_id: TypeId) -> Option<Rc<dyn Opened>> {
        self.sessions
            .borrow()
            .iter()
            .find(|(_, session)| session.session_type() == type_id)
            .map(|(_, session)| Rc::clone(session))
    }

    pub(crate) fn add(&self, level: usize, session: Rc<dyn Opened>) {
        self.sessions.borrow_mut().push((level, session));
    }

    /// Where a type is registered: of several installations that know it, in the outermost.
    pub(crate) fn place(&self, type_id: TypeId) -> Place {
        let levels = self.levels.borrow();
        let mut knowing = levels
            .iter()
            .enumerate()
            .filter_map(|(index, level)| Some((index, level, level.registry.find(type_id)?)));
        let Some((index, level, registration)) = knowing.next() else {
            return Place::Nowhere;
        };
        if let Some((_, _, inner)) = knowing.next() {
            warn_once(inner.type_name);
        }
        // Within one installation each name is given once.
        if levels.len() > 1 {
            let others = levels
                .iter()
                .filter_map(|level| level.registry.named(&registration.name));
            if let Some(other) = { others }.find(|other| other.type_id != type_id) {
                return Place::Clash {
                    name: registration.name.clone(),
                    other: other.type_name,
                };
            }
        }
        match level.phase {
            Phase::Open => Place::Level(index, Rc::clone(&level.registry)),
            Phase::Done => Place::Done,
        }
    }
}

/// Once for each type.
fn warn_once(type_name: &'static str) {
    static WARNED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut warned = WARNED.lock().unwrap_or_else(PoisonError::into_inner);
    if !warned.contains(&type_name) {
        warned.push(type_name);
        drop(warned);
        tracing::warn!(
            session_type = type_name,
            "a session type is registered in two `Sessions` around one route: the outer one keeps it"
        );
    }
}
