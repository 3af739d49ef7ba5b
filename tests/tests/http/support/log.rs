//! What this thread logs, kept for a test to look at.

use std::{
    cell::RefCell,
    fmt::{Debug, Write as _},
    sync::Once,
};

use tracing::{
    Event, Level, Metadata, Subscriber, callsite,
    field::{Field, Visit},
    span, subscriber,
};

type Lines = Vec<(Level, String)>;

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// What this thread logs for as long as it lives.
pub(crate) struct Log(());

impl Log {
    pub(crate) fn begin() -> Self {
        static ONCE: Once = Once::new();
        // One for all threads: what a thread without a subscriber finds uninteresting is lost to the others too.
        ONCE.call_once(|| {
            subscriber::set_global_default(Collector).unwrap();
            callsite::rebuild_interest_cache();
        });
        LINES.set(Some(Lines::new()));
        Self(())
    }

    /// The lines of warnings and errors of the session crates.
    pub(crate) fn complaints(&self) -> Vec<String> {
        LINES.with_borrow(|lines| {
            let loud = lines.iter().flatten().filter(|(level, _)| *level <= Level::WARN);
            loud.map(|(_, line)| line.clone()).collect()
        })
    }

    /// Everything, at every level.
    pub(crate) fn everything(&self) -> String {
        LINES.with_borrow(|lines| {
            lines
                .iter()
                .flatten()
                .map(|(_, line)| format!("{line}\n"))
                .collect()
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sessions_")
    }

    fn event(&self, event: &Event<'_>) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                let mut line = Line(String::new());
                event.record(&mut line);
                lines.push((*event.metadata().level(), line.0));
            }
        });
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
