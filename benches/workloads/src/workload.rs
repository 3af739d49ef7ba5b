//! What a request does with its session.

/// What a request does with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// W1: it has no token, and no handler asks for a session.
    Anonymous,
    /// W2: it has a valid token, and no handler asks for a session.
    Untouched,
    /// W3: the handler reads a field and answers with it.
    Read,
    /// W4: the handler changes a field and answers with what it is now.
    Write,
    /// W5: it has no token, and the handler begins a session.
    Login,
}

impl Workload {
    /// In the order of the tables.
    pub const ALL: [Self; 5] = [
        Self::Anonymous,
        Self::Untouched,
        Self::Read,
        Self::Write,
        Self::Login,
    ];

    /// Short, as an argument of a program and in the heading of a table.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Anonymous => "W1",
            Self::Untouched => "W2",
            Self::Read => "W3",
            Self::Write => "W4",
            Self::Login => "W5",
        }
    }

    /// In words, for the heading of a table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Anonymous => "no token, session untouched",
            Self::Untouched => "valid token, session untouched",
            Self::Read => "valid token, a field is read",
            Self::Write => "valid token, a field is read and written",
            Self::Login => "no token, a session is begun",
        }
    }

    /// What is requested.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Anonymous | Self::Untouched => "/untouched",
            Self::Read => "/read",
            Self::Write => "/write",
            Self::Login => "/login",
        }
    }

    /// Whether the request has the client's token.
    #[must_use]
    pub fn has_token(self) -> bool {
        matches!(self, Self::Untouched | Self::Read | Self::Write)
    }

    /// The workload of that [`code`](Self::code).
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.code() == code)
    }
}
