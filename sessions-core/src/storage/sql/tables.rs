//! What the tables are called.

use super::Dialect;

/// The names of the two tables, `sessions` and `session_rosters`, where they are to be others.
///
/// ```
/// use sessions_core::storage::SqlTables;
///
/// // auth.web_sessions and auth.web_session_rosters
/// let tables = SqlTables::new().schema("auth").prefix("web_");
/// ```
#[derive(Clone, Debug, Default)]
pub struct SqlTables {
    schema: Option<String>,
    prefix: String,
}

impl SqlTables {
    /// The names as they are, where the connection looks first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// In this schema, which has to be there; MySQL calls it a database.
    #[must_use]
    pub fn schema(mut self, name: &str) -> Self {
        self.schema = Some(name.to_owned());
        self
    }

    /// Before both names, and those of their indexes.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The statements with these names in them, quoted, so that no name can be anything else.
    pub(super) fn name_in<D: Dialect>(&self, sql: &str) -> String {
        let table = |name: &str| {
            let name = D::quoted(&format!("{}{name}", self.prefix));
            match &self.schema {
                Some(schema) => format!("{}.{name}", D::quoted(schema)),
                None => name,
            }
        };
        let index = |name: &str| D::quoted(&format!("{}{name}", self.prefix));
        // In one pass, so that nothing in a name is taken for a place of another one.
        let mut parts = sql.split(['{', '}']);
        let mut named = parts.next().unwrap_or_default().to_owned();
        while let (Some(place), Some(rest)) = (parts.next(), parts.next()) {
            named.push_str(&match place {
                "sessions" => table("sessions"),
                "rosters" => table("session_rosters"),
                "rosters_by_deadline" => index("session_rosters_by_deadline"),
                other => index(other),
            });
            named.push_str(rest);
        }
        named
    }
}
