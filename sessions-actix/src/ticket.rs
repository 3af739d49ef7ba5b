//! The stay of a request inside the installations around it: noted without an allocation, and found again from the request.
//!
//! A request extension costs a box for each request, and application data cannot be added while anyone holds a clone
//! of the request. So it is noted beside the requests, in a table of the worker thread, under the address of the
//! request's head, which stays where it is for as long as the request lives. Addresses come back: a marker without a
//! size (which costs no box) in the request's extensions tells a request that is noted from a newer one at the same
//! address.

use std::{cell::RefCell, mem, rc::Rc};

use actix_web::dev::{Extensions, RequestHead};

use crate::{
    frame::{Frame, WorkerRegistry},
    opened::Opened,
};

/// That the request is, or was, inside an installation.
struct Marker;

/// What a request finds.
pub(crate) enum Found {
    /// Its frame.
    Frame(Rc<Frame>),
    /// Its response head is ready, and the frame gone.
    Done,
    /// No middleware.
    Nothing,
}

/// The requests of one worker.
struct Table {
    /// By the addresses of their heads. Lists, and no map that probes: what comes and goes at ever other addresses would
    /// have that built anew every few requests.
    buckets: [Vec<Entry>; Self::BUCKETS],
    /// How many there have been.
    entered: u64,
    /// Frames that nobody uses, with the room that they have made.
    spare: Vec<Rc<Frame>>,
}

/// A request inside an installation.
struct Entry {
    /// `None` when another request has come to be there.
    address: Option<usize>,
    serial: u64,
    /// The outermost installation's.
    registry: WorkerRegistry,
    /// For those alone that ask for a session, or that a second installation is around.
    frame: Option<Rc<Frame>>,
}

impl Table {
    /// More than a worker has requests at once, as a rule.
    const BUCKETS: usize = 1 << Self::BITS;
    const BITS: u32 = 8;
    /// More than one worker has at once, as a rule.
    const MAX_SPARE: usize = 128;

    const fn new() -> Self {
        Self {
            buckets: [const { Vec::new() }; Self::BUCKETS],
            entered: 0,
            spare: Vec::new(),
        }
    }

    #[inline]
    fn bucket(&mut self, address: usize) -> &mut Vec<Entry> {
        // Fibonacci hashing: the product's high bits depend on all of the address.
        let product = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        &mut self.buckets[(product >> (u64::BITS - Self::BITS)) as usize]
    }

    /// Notes a request that is not inside an installation yet.
    #[inline]
    fn note(&mut self, address: usize, registry: &WorkerRegistry) -> Noted {
        self.entered += 1;
        let serial = self.entered;
        let bucket = self.bucket(address);
        for gone in bucket.iter_mut().filter(|entry| entry.address == Some(address)) {
            gone.address = None;
        }
        bucket.push(Entry {
            address: Some(address),
            serial,
            registry: Rc::clone(registry),
            frame: None,
        });
        Noted { address, serial }
    }

    /// The frame of the request at this address.
    fn frame(&mut self, address: usize) -> Option<Rc<Frame>> {
        let mut bucket = self.bucket(address).iter();
        let place = bucket.position(|entry| entry.address == Some(address))?;
        if let Some(frame) = &self.bucket(address)[place].frame {
            return Some(Rc::clone(frame));
        }
        let frame = self.spare.pop().unwrap_or_default();
        let entry = &mut self.bucket(address)[place];
        frame.enter(Rc::clone(&entry.registry));
        entry.frame = Some(Rc::clone(&frame));
        Some(frame)
    }

    /// The frame of a request whose head is ready, if it has one; if not, it is no longer noted.
    #[inline]
    fn leave(&mut self, noted: &Noted) -> Option<Rc<Frame>> {
        let bucket = self.bucket(noted.address);
        let place = bucket.iter().position(|entry| entry.serial == noted.serial)?;
        let frame = bucket[place].frame.clone();
        if frame.is_none() {
            bucket.swap_remove(place);
        }
        frame
    }

    fn forget(&mut self, noted: &Noted) {
        self.bucket(noted.address)
            .retain(|entry| entry.serial != noted.serial);
    }

    /// Keeps a frame in which there is nothing left.
    fn spare(&mut self, frame: &Rc<Frame>) {
        if self.spare.len() < Self::MAX_SPARE {
            self.spare.push(Rc::clone(frame));
        }
    }
}

thread_local! {
    static TABLE: RefCell<Table> = const { RefCell::new(Table::new()) };
}

fn address(head: &RequestHead) -> usize {
    std::ptr::from_ref(head).addr()
}

/// The frame of this request.
pub(crate) fn find(head: &RequestHead, extensions: &Extensions) -> Found {
    if !extensions.contains::<Marker>() {
        return Found::Nothing;
    }
    let frame = TABLE.with_borrow_mut(|table| table.frame(address(head)));
    frame.map_or(Found::Done, Found::Frame)
}

/// Where the table has a request.
struct Noted {
    address: usize,
    serial: u64,
}

/// The stay of a request inside one installation, while its service works.
pub(crate) struct Ticket(Stay);

enum Stay {
    /// In the outermost installation; in the frame, too, if it has come to have one.
    Noted(Noted),
    /// In another one.
    Inside(Inside),
    Over,
}

impl Ticket {
    /// Makes the installation's sessions reachable from the request.
    #[inline]
    pub(crate) fn enter(head: &RequestHead, extensions: &mut Extensions, registry: &WorkerRegistry) -> Self {
        let address = address(head);
        let nested = extensions.insert(Marker).is_some();
        Self(
            TABLE.with_borrow_mut(|table| match nested.then(|| table.frame(address)).flatten() {
                Some(frame) => Stay::Inside(Inside {
                    level: frame.enter(Rc::clone(registry)),
                    frame,
                    noted: None,
                }),
                None => Stay::Noted(table.note(address, registry)),
            }),
        )
    }

    /// What has to be done now that the service has answered: nothing, if no session was asked for.
    #[inline]
    pub(crate) fn used(mut self) -> Option<Inside> {
        self.leave().filter(|inside| !inside.frame.is_unused())
    }

    #[inline]
    fn leave(&mut self) -> Option<Inside> {
        match mem::replace(&mut self.0, Stay::Over) {
            Stay::Noted(noted) => {
                // The thread may be ending.
                let frame = TABLE.try_with(|table| table.borrow_mut().leave(&noted));
                Some(Inside {
                    frame: frame.ok()??,
                    level: 0,
                    noted: Some(noted),
                })
            }
            Stay::Inside(inside) => Some(inside),
            Stay::Over => None,
        }
    }
}

impl Drop for Ticket {
    #[inline]
    fn drop(&mut self) {
        self.leave();
    }
}

/// The stay of a request that has a frame inside one installation; closes its sessions when dropped.
pub(crate) struct Inside {
    pub(crate) frame: Rc<Frame>,
    level: usize,
    /// In the outermost installation alone.
    noted: Option<Noted>,
}

impl Inside {
    /// The sessions of this installation's types that were asked for, one after the other.
    pub(crate) fn session(&self, index: &mut usize) -> Option<Rc<dyn Opened>> {
        self.frame.next(index, |level| level == self.level)
    }

    /// As [`session`](Self::session), with those of the installations inside this one.
    pub(crate) fn session_or_inner(&self, index: &mut usize) -> Option<Rc<dyn Opened>> {
        self.frame.next(index, |level| level >= self.level)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let over = self.frame.leave(self.level);
        let Some(noted) = &self.noted else {
            return;
        };
        // The thread may be ending.
        let _ = TABLE.try_with(|table| {
            let mut table = table.borrow_mut();
            table.forget(noted);
            if over {
                table.spare(&self.frame);
            }
        });
    }
}
