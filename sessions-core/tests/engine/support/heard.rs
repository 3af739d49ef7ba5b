//! What this thread tells the log.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::DefaultGuard,
};

/// Listens for as long as it lives.
pub(crate) struct Heard {
    events: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

pub(crate) fn listening() -> Heard {
    let events = Arc::default();
    let guard = tracing::subscriber::set_default(Listener(Arc::clone(&events)));
    Heard {
        events,
        _guard: guard,
    }
}

impl Heard {
    /// Each event above `debug`, its level first.
    pub(crate) fn all(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        let mut events = self.all();
        events.retain(|event| event.starts_with("ERROR"));
        events
    }
}

struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() < tracing::Level::DEBUG && metadata.target().starts_with("sessions_core")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut cause = Some(value);
        while let Some(error) = cause {
            write!(self.0, " {field}={error}, {error:?}").unwrap();
            cause = error.source();
        }
    }
}
