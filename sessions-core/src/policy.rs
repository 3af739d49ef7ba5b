//! All that holds for a session type where it is set up, for whoever has to check it.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use crate::{
    Schema, SessionSpec,
    options::{OnConflict, OnReuse, OverLimit},
    protection::Layer,
    rules::duration_text,
};

/// What holds for all session types of an application, as it is now. It prints itself as a table for each type; no key and
/// no secret is in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Each session type, in the order in which they were registered.
    pub sessions: Vec<SessionPolicy>,
}

/// What holds for one session type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPolicy {
    /// The data class.
    pub type_name: &'static str,
    /// Name, transport and limits, with every override.
    pub spec: SessionSpec,
    /// The application's name.
    pub application: String,
    /// The serializer's format.
    pub format: &'static str,
    /// Version and fingerprint of the data class.
    pub schema: Schema,
    /// The schema in which new sessions are written instead, by `write_previous`.
    pub written_as: Option<Schema>,
    /// How often activity is written down at most.
    pub touch_interval: Duration,
    /// How long a token lasts until it is renewed.
    pub renew_every: Option<Duration>,
    /// Whether each response has the token in it.
    pub always_send: bool,
    /// Whether a logout has the browser forget the site.
    pub clear_site_data: bool,
    /// Whether the application shapes the public halves of ids; 128 random bits otherwise.
    pub ids_of_its_own: bool,
    /// Whether the client is compared with the one that has started the session.
    pub client_context: bool,
    /// Where the sessions are.
    pub kept: Kept,
    /// What signs the tokens against cross-site request forgery, where there are any.
    pub csrf: Option<Vec<Layer>>,
}

/// Where sessions are kept, and what holds there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Kept {
    /// On the server.
    #[non_exhaustive]
    OnTheServer {
        /// The storage's [name](crate::SessionStorage::name).
        storage: String,
        /// The longest time that it may take.
        timeout: Duration,
        /// What signs the tokens, if they are signed.
        signed: Option<Vec<Layer>>,
        /// How long a token overlaps with the one after it.
        grace: Duration,
        /// What happens when a replaced token comes back.
        on_reuse: OnReuse,
        /// What `set` does to another request's write.
        on_conflict: OnConflict,
        /// How many sessions a principal may have.
        max_per_principal: Option<(usize, OverLimit)>,
    },
    /// By the client.
    #[non_exhaustive]
    ByTheClient {
        /// What protects them, the innermost first.
        protection: Vec<Layer>,
        /// The [name](crate::SessionStorage::name) of the storage that knows which were ended, if they can be.
        revocable: Option<String>,
    },
}

impl Policy {
    /// Of these types.
    #[must_use]
    pub fn new(sessions: Vec<SessionPolicy>) -> Self {
        Self { sessions }
    }
}

impl Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, session) in self.sessions.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{session}")?;
        }
        Ok(())
    }
}

impl Display for SessionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.type_name, self.spec)?;
        let mut row = |option: &str, value: &dyn Display| writeln!(f, "{option:<18} {value}");
        row(
            "application",
            &format_args!("\"{}\"", self.application.escape_debug()),
        )?;
        row("format", &self.format)?;
        row("schema", &Shown(self.schema))?;
        match self.written_as {
            Some(schema) => row("write_previous", &Shown(schema))?,
            None => row("write_previous", &"no")?,
        }
        row("touch_interval", &Time(self.touch_interval))?;
        match self.renew_every {
            Some(every) => row("renew_every", &Time(every))?,
            None => row("renew_every", &"never")?,
        }
        row("always_send", &self.always_send)?;
        row("clear_site_data", &self.clear_site_data)?;
        row("client_context", &self.client_context)?;
        match self.ids_of_its_own {
            false => row("ids", &"128 random bits, and 256 of the secret")?,
            true => row(
                "ids",
                &"of the application's generator, and 256 random bits of the secret",
            )?,
        }
        match &self.kept {
            Kept::OnTheServer {
                storage,
                timeout,
                signed,
                grace,
                on_reuse,
                on_conflict,
                max_per_principal,
            } => {
                row("kept", &"on the server")?;
                row("storage", storage)?;
                row("storage_timeout", &Time(*timeout))?;
                layers(&mut row, "signed", signed.as_deref())?;
                row("grace", &Time(*grace))?;
                let on_reuse = match on_reuse {
                    OnReuse::Ignore => "ignore",
                    OnReuse::Revoke => "revoke",
                };
                row("on_reuse", &on_reuse)?;
                let on_conflict = match on_conflict {
                    OnConflict::Overwrite => "overwrite",
                    OnConflict::Reject => "reject",
                };
                row("on_conflict", &on_conflict)?;
                match max_per_principal {
                    None => row("max_per_principal", &"no limit")?,
                    Some((most, OverLimit::EvictOldest)) => {
                        row("max_per_principal", &format_args!("{most}, then evict oldest"))?;
                    }
                    Some((most, OverLimit::Reject)) => {
                        row("max_per_principal", &format_args!("{most}, then reject"))?;
                    }
                }
            }
            Kept::ByTheClient {
                protection,
                revocable,
            } => {
                row("kept", &"by the client")?;
                layers(&mut row, "protection", Some(protection))?;
                match revocable {
                    Some(storage) => row("revocable", storage)?,
                    None => row("revocable", &"no")?,
                }
            }
        }
        layers(&mut row, "csrf", self.csrf.as_deref())
    }
}

/// A row for each layer, and for each of its keys.
fn layers(
    row: &mut impl FnMut(&str, &dyn Display) -> fmt::Result,
    option: &str,
    layers: Option<&[Layer]>,
) -> fmt::Result {
    let Some(layers) = layers else {
        return row(option, &"no");
    };
    for layer in layers {
        row(option, &layer.name)?;
        for key in &layer.keys {
            row("", &key)?;
        }
    }
    Ok(())
}

struct Time(Duration);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", duration_text(self.0))
    }
}

struct Shown(Schema);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}, {:?}", self.0.version, self.0.fingerprint)
    }
}

/// The name of a type without the modules that it and its parameters are in.
pub(crate) fn short_name<T: ?Sized>() -> String {
    let mut short = String::new();
    for (number, piece) in std::any::type_name::<T>().split("::").enumerate() {
        if number > 0 {
            let is_of_path = |letter: char| !(letter.is_alphanumeric() || letter == '_');
            let start = short.rfind(is_of_path).map_or(0, |end| end + 1);
            short.truncate(start);
        }
        short.push_str(piece);
    }
    short
}
