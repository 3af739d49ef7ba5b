//! The operations, each one script on one key: it runs as a whole, or not at all.

use redis::Script;

/// What a script answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Absent,
    Done,
    /// There is another one than was expected.
    Other,
    Unreadable,
}

impl Outcome {
    pub(super) fn of(answer: i64) -> Option<Self> {
        match answer {
            0 => Some(Self::Absent),
            1 => Some(Self::Done),
            2 => Some(Self::Other),
            3 => Some(Self::Unreadable),
            _ => None,
        }
    }
}

/// A script, and the digest by which a server knows it once it has seen it.
pub(super) struct Operation {
    pub(super) text: String,
    pub(super) digest: String,
}

impl Operation {
    fn new(text: String) -> Self {
        let digest = Script::new(&text).get_hash().to_owned();
        Self { text, digest }
    }

    fn on_session(text: &str) -> Self {
        Self::new([include_str!("scripts/session.lua"), text].concat())
    }
}

pub(super) struct Scripts {
    pub(super) create: Operation,
    pub(super) replace_at_revision: Operation,
    pub(super) replace_within_epoch: Operation,
    pub(super) touch: Operation,
    pub(super) delete: Operation,
    pub(super) delete_of_kind: Operation,
    pub(super) replace_roster: Operation,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            create: Operation::on_session(include_str!("scripts/create.lua")),
            replace_at_revision: Operation::on_session(include_str!("scripts/replace_at_revision.lua")),
            replace_within_epoch: Operation::on_session(include_str!("scripts/replace_within_epoch.lua")),
            touch: Operation::on_session(include_str!("scripts/touch.lua")),
            delete: Operation::on_session(include_str!("scripts/delete.lua")),
            delete_of_kind: Operation::on_session(include_str!("scripts/delete_of_kind.lua")),
            replace_roster: Operation::new(include_str!("scripts/replace_roster.lua").to_owned()),
        }
    }
}
