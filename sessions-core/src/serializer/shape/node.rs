//! What is known about one place in a type.

/// The place of a node in the tracer's list.
pub(super) type Id = usize;

/// What is known about one place in a type.
#[derive(Debug)]
pub(super) struct Node {
    /// Rust's name of what is read here; empty where nothing was read yet.
    pub(super) type_name: &'static str,
    pub(super) kind: Kind,
    pub(super) state: State,
    /// How many values that were fit for the call were refused by the type.
    pub(super) refusals: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is something left to try.
    Open,
    /// Everything was seen, and a value can be made.
    Known,
    /// Everything was seen that can be, and no value can be made.
    Barren,
}

/// The serde call that was made here.
#[derive(Debug)]
pub(super) enum Kind {
    Unseen,
    /// A value without parts; `bad` has a bit for each sample that was refused.
    Leaf {
        name: &'static str,
        bad: u64,
    },
    Option(Id),
    Newtype(Id),
    /// As far as they were asked for; `len` is that of a tuple.
    Elements {
        len: Option<usize>,
        children: Vec<Id>,
    },
    Map(Id, Id),
    Struct {
        fields: Vec<Field>,
        /// Its visitor takes no map.
        by_position: bool,
    },
    Enum {
        variants: Vec<Variant>,
        /// Those that a value was made of, in the order they were found: the first needs none of the others inside.
        good: Vec<usize>,
        /// The variant that is tried next.
        next: usize,
    },
    /// The same type as that one, which encloses it.
    Back(Id),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) node: Id,
    /// Another name of a field that has been given already.
    pub(super) alias: bool,
    /// Known to be the field's own name, and not an alias of it.
    pub(super) own: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) payload: Id,
}

impl Node {
    pub(super) fn new() -> Self {
        Self {
            type_name: "",
            kind: Kind::Unseen,
            state: State::Open,
            refusals: 0,
        }
    }
}
