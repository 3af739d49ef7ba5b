//! What one request knows of its sessions, found again from the request without an allocation.
//!
//! A request extension costs a box for each request, and application data cannot be added while anyone holds a clone
//! of the request. So a frame is kept beside the requests, in a table of the worker thread, under the address of the
//! request's head, which stays where it is for as long as the request lives. Addresses come back: a marker without a
//! size (which costs no box) in the request's extensions tells a request that has a frame from a newer one at the same
//! address.

use std::{
    any::TypeId,
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    mem,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::dev::{Extensions, RequestHead};
use sessions_core::Timestamp;

use crate::{opened::Opened, registry::Registry};

/// The sessions of one request, and the installations around it.
#[derive(Default)]
pub(crate) struct Frame {
    /// The outermost first.
    levels: RefCell<Vec<Level>>,
    sessions: RefCell<Vec<Rc<dyn Opened>>>,
    cut_offs: RefCell<Vec<(TypeId, CutOff)>>,
}

/// When this request itself has last ended sessions of a principal, in milliseconds: its own login comes after that.
pub(crate) type CutOff = Arc<AtomicU64>;

/// One installation of the middleware around the request.
struct Level {
    registry: Arc<Registry>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Its response head is ready.
    Done,
}

/// That the request has, or had, a frame.
struct Marker;

/// What a request finds.
pub(crate) enum Found {
    /// The frame.
    Frame(Rc<Frame>),
    /// Its response head is ready, and the frame gone.
    Done,
    /// No middleware.
    Nothing,
}

#[derive(Default)]
struct Table {
    frames: HashMap<usize, Rc<Frame>, BuildHasherDefault<AddressHasher>>,
    /// Frames that nobody uses, with the room that they have made.
    spare: Vec<Rc<Frame>>,
}

/// More than one worker has at once, as a rule.
const MAX_SPARE: usize = 128;

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

fn address(head: &RequestHead) -> usize {
    std::ptr::from_ref(head).addr()
}

/// The frame of this request.
pub(crate) fn find(head: &RequestHead, extensions: &Extensions) -> Found {
    if !extensions.contains::<Marker>() {
        return Found::Nothing;
    }
    let frame = TABLE.with_borrow(|table| table.frames.get(&address(head)).map(Rc::clone));
    frame.map_or(Found::Done, Found::Frame)
}

/// The stay of a request inside one installation; closes its sessions when dropped.
pub(crate) struct Ticket {
    address: usize,
    frame: Rc<Frame>,
    level: usize,
}

impl Ticket {
    /// Makes the installation's sessions reachable from the request.
    pub(crate) fn enter(head: &RequestHead, extensions: &mut Extensions, registry: &Arc<Registry>) -> Self {
        let address = address(head);
        let nested = extensions.insert(Marker).is_some();
        let frame = TABLE.with_borrow_mut(|table| match table.frames.get(&address) {
            Some(frame) if nested => Rc::clone(frame),
            _ => {
                let frame = table.spare.pop().unwrap_or_default();
                table.frames.insert(address, Rc::clone(&frame));
                frame
            }
        });
        let level = frame.forget_finished();
        frame.levels.borrow_mut().push(Level {
            registry: Arc::clone(registry),
            phase: Phase::Open,
        });
        Self {
            address,
            frame,
            level,
        }
    }

    /// The sessions of this installation's types that were asked for, one after the other.
    pub(crate) fn session(&self, index: &mut usize) -> Option<Rc<dyn Opened>> {
        self.next(index, |level| level == self.level)
    }

    /// As [`session`](Self::session), with those of the installations inside this one.
    pub(crate) fn session_or_inner(&self, index: &mut usize) -> Option<Rc<dyn Opened>> {
        self.next(index, |level| level >= self.level)
    }

    fn next(&self, index: &mut usize, wanted: impl Fn(usize) -> bool) -> Option<Rc<dyn Opened>> {
        let sessions = self.frame.sessions.borrow();
        let found = sessions[*index..]
            .iter()
            .position(|session| wanted(session.level()));
        *index += found? + 1;
        Some(Rc::clone(&sessions[*index - 1]))
    }

    /// See [`CutOff`].
    pub(crate) fn cut_off(&self, session_type: TypeId) -> Option<Timestamp> {
        let cut_offs = self.frame.cut_offs.borrow();
        let (_, cut_off) = cut_offs.iter().find(|(of, _)| *of == session_type)?;
        Some(Timestamp::from_millis(cut_off.load(Ordering::Relaxed)))
    }

    /// Whether none was.
    pub(crate) fn is_unused(&self) -> bool {
        self.frame.sessions.borrow().is_empty()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        for session in self
            .frame
            .sessions
            .borrow()
            .iter()
            .filter(|session| session.level() == self.level)
        {
            session.close();
        }
        if let Some(level) = self.frame.levels.borrow_mut().get_mut(self.level) {
            level.phase = Phase::Done;
        }
        if self.level > 0 {
            return;
        }
        // The thread may be ending.
        let _ = TABLE.try_with(|table| {
            let mut table = table.borrow_mut();
            if table
                .frames
                .get(&self.address)
                .is_some_and(|frame| Rc::ptr_eq(frame, &self.frame))
            {
                table.frames.remove(&self.address);
            }
        });
        // Somebody else has it if an inner installation's future outlives this one's.
        if Rc::strong_count(&self.frame) == 1 {
            self.frame.levels.borrow_mut().clear();
            self.frame.forget_sessions(|_| false);
            self.frame.cut_offs.borrow_mut().clear();
            let _ = TABLE.try_with(|table| {
                let spare = &mut table.borrow_mut().spare;
                if spare.len() < MAX_SPARE {
                    spare.push(Rc::clone(&self.frame));
                }
            });
        }
    }
}

/// Where a session type is registered around a request.
pub(crate) enum Place {
    /// In this installation.
    Level(usize, Arc<Registry>),
    /// In an installation whose response head is ready.
    Done,
    /// In none.
    Nowhere,
    /// In one, under a name that an installation around it or inside it has given to another type.
    Clash { name: String, other: &'static str },
}

impl Frame {
    /// Forgets the innermost installations that are finished: whoever calls their services again, or others in their
    /// place, begins anew. Says how many stay.
    fn forget_finished(&self) -> usize {
        let mut levels = self.levels.borrow_mut();
        while levels.pop_if(|level| level.phase == Phase::Done).is_some() {}
        let depth = levels.len();
        drop(levels);
        self.forget_sessions(|session| session.level() < depth);
        depth
    }

    /// Keeps the sessions that are wanted, and all the room. Nothing is borrowed while the others are dropped: they are
    /// the application's.
    fn forget_sessions(&self, wanted: impl Fn(&dyn Opened) -> bool) {
        let mut sessions = mem::take(&mut *self.sessions.borrow_mut());
        sessions.retain(|session| wanted(session.as_ref()));
        *self.sessions.borrow_mut() = sessions;
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
            .find(|session| session.session_type() == type_id)
            .map(Rc::clone)
    }

    pub(crate) fn add(&self, session: Rc<dyn Opened>) {
        self.sessions.borrow_mut().push(session);
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
        let others = levels
            .iter()
            .filter_map(|level| level.registry.named(&registration.name));
        if let Some(other) = { others }.find(|other| other.type_id != type_id) {
            return Place::Clash {
                name: registration.name.clone(),
                other: other.type_name,
            };
        }
        match level.phase {
            Phase::Open => Place::Level(index, Arc::clone(&level.registry)),
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

/// Addresses differ in the middle bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.write_u64(address as u64);
    }

    fn write_u64(&mut self, value: u64) {
        // Fibonacci hashing: the product's high bits depend on all of the value's.
        self.0 = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
