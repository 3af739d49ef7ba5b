//! The stay of a request inside the installations around it: noted without an allocation, and found again from the request.
//!
//! A request extension costs a box for each request, and application data cannot be added while anyone holds a clone
//! of the request. So it is noted beside the requests, in a table of the worker thread, under the address of the
//! request's head, which stays where it is for as long as the request lives. Addresses come back: a marker without a
//! size (which costs no box) in the request's extensions tells a request that is noted from a newer one at the same
//! address.

use std::{cell::RefCell, mem, rc::Rc};

use actix_web::{
    HttpMessage as _,
    dev::{Extensions, RequestHead, ServiceRequest},
};

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
        &mut self.buckets[Self::place(address)]
    }

    #[inline]
    fn place(address: usize) -> usize {
        // Fibonacci hashing: the product's high bits depend on all of the address.
        let product = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (product >> (u64::BITS - Self::BITS)) as usize
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
        let Self { buckets, spare, .. } = self;
        let mut bucket = buckets[Self::place(address)].iter_mut();
        let entry = bucket.find(|entry| entry.address == Some(address))?;
        let frame = entry.frame.get_or_insert_with(|| {
            let frame = spare.pop().unwrap_or_default();
            // There is nothing in it that could be dropped.
            frame.enter(Rc::clone(&entry.registry));
            frame
        });
        Some(Rc::clone(frame))
    }

    /// What is to be done for a request whose head is ready; one without a frame is no longer noted.
    #[inline]
    fn leave(&mut self, noted: Noted) -> Option<Left> {
        let bucket = self.bucket(noted.address);
        let place = bucket.iter().position(|entry| entry.serial == noted.serial)?;
        Some(match &bucket[place].frame {
            Some(frame) => Left::Inside(Rc::clone(frame)),
            None => Left::Unused(bucket.swap_remove(place).registry),
        })
    }

    fn forget(&mut self, noted: Noted) -> Option<Entry> {
        let bucket = self.bucket(noted.address);
        let place = bucket.iter().position(|entry| entry.serial == noted.serial)?;
        Some(bucket.swap_remove(place))
    }

    /// Keeps a frame in which there is nothing left.
    fn spare(&mut self, frame: &Rc<Frame>) {
        if self.spare.len() < Self::MAX_SPARE {
            self.spare.push(Rc::clone(frame));
        }
    }
}

/// A request that leaves the outermost installation.
enum Left {
    /// It has asked for something.
    Inside(Rc<Frame>),
    /// To be dropped when the table is not borrowed any more: it may be the last that knows the registry, in which there is
    /// what the application has given.
    Unused(#[expect(dead_code, reason = "it is only dropped")] WorkerRegistry),
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
#[derive(Clone, Copy)]
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
    pub(crate) fn enter(request: &ServiceRequest, registry: &WorkerRegistry) -> Self {
        let address = address(request.head());
        let nested = request.extensions_mut().insert(Marker).is_some();
        if nested && let Some(frame) = TABLE.with_borrow_mut(|table| table.frame(address)) {
            return Self(Stay::Inside(Inside {
                // Sessions may be dropped here, and they are the application's: nothing is borrowed, of the request either.
                level: frame.enter(Rc::clone(registry)),
                frame,
                noted: None,
            }));
        }
        Self(Stay::Noted(
            TABLE.with_borrow_mut(|table| table.note(address, registry)),
        ))
    }

    /// What has to be done now that the service has answered: nothing, if no session was asked for.
    #[inline]
    pub(crate) fn used(&mut self) -> Option<Inside> {
        self.leave().filter(|inside| !inside.frame.is_unused())
    }

    #[inline]
    fn leave(&mut self) -> Option<Inside> {
        let Stay::Noted(noted) = self.0 else {
            return match mem::replace(&mut self.0, Stay::Over) {
                Stay::Inside(inside) => Some(inside),
                Stay::Noted(_) | Stay::Over => None,
            };
        };
        self.0 = Stay::Over;
        // The thread may be ending.
        let left = TABLE.try_with(|table| table.borrow_mut().leave(noted));
        match left.ok()?? {
            Left::Inside(frame) => Some(Inside {
                frame,
                level: 0,
                noted: Some(noted),
            }),
            Left::Unused(_) => None,
        }
    }
}

impl Drop for Ticket {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.0, Stay::Over) {
            self.leave();
        }
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
        let Some(noted) = self.noted else {
            return;
        };
        // The thread may be ending. What is forgotten is dropped when the table is not borrowed any more.
        let _forgotten = TABLE.try_with(|table| {
            let mut table = table.borrow_mut();
            if over {
                table.spare(&self.frame);
            }
            table.forget(noted)
        });
    }
}
