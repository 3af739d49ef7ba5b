//! The rules that a [`SessionSpec`](crate::SessionSpec) keeps, once: the derive, hand-written specs and the
//! builder's overrides all ask here.

/// The part of a spec that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Culprit {
    /// `name`.
    Name,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What to edit.
    pub culprit: Culprit,
    /// What is wrong, with the value shown.
    pub message: String,
    /// How to mend it; text that can be pasted where there is one.
    pub help: String,
}
