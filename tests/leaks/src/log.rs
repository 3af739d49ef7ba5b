//! What the session crates log.

use std::{
    cell::RefCell,
    error::Error,
    fmt::{Debug, Write as _},
    sync::Once,
};

use tracing::{
    Event, Level, Metadata, Subscriber, callsite,
    field::{Field, Visit},
    span, subscriber,
};

use crate::{IS_A_TEST, net::net, report};

thread_local! {
    /// The lines of this thread, since somebody wants to know them.
    static HEARD: RefCell<Option<Vec<(Level, String)>>> = const { RefCell::new(None) };
}

/// Collects what the session crates log, at every level and on every thread, from now on. The test that runs on this
/// thread fails for what it logs here.
pub fn watch() {
    static ONCE: Once = Once::new();
    // One for all threads: what a thread without a subscriber finds uninteresting is lost to the others too.
    ONCE.call_once(|| {
        if subscriber::set_global_default(Collector).is_ok() {
            callsite::rebuild_interest_cache();
        }
    });
    IS_A_TEST.set(true);
}

/// What this thread logs from now on.
#[derive(Debug)]
pub struct Log {
    from: usize,
}

impl Log {
    /// Begins here.
    #[must_use]
    pub fn begin() -> Self {
        watch();
        Self {
            from: HEARD.with_borrow_mut(|heard| heard.get_or_insert_default().len()),
        }
    }

    fn all(&self) -> Vec<(Level, String)> {
        HEARD.with_borrow(|heard| heard.iter().flatten().skip(self.from).cloned().collect())
    }

    /// The lines of warnings and errors of the session crates.
    pub fn complaints(&self) -> Vec<String> {
        let loud = self.all().into_iter().filter(|(level, _)| *level <= Level::WARN);
        loud.map(|(_, line)| line).collect()
    }

    /// The lines that contain this, at every level, each after its level.
    pub fn lines(&self, needle: &str) -> Vec<String> {
        let mut lines = self.up_to(Level::TRACE);
        lines.retain(|line| line.contains(needle));
        lines
    }

    /// The lines of this level and of those that are more urgent, each after its level.
    pub fn up_to(&self, level: Level) -> Vec<String> {
        let lines = self.all().into_iter().filter(|(of, _)| *of <= level);
        lines.map(|(level, line)| format!("{level} {line}")).collect()
    }

    /// Everything, at every level.
    pub fn everything(&self) -> String {
        self.lines("").join("\n")
    }
}

struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sessions_")
    }

    fn event(&self, event: &Event<'_>) {
        keep(*event.metadata().level(), |line| event.record(line));
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        keep(*span.metadata().level(), |line| span.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        keep(Level::TRACE, |line| values.record(line));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn keep(level: Level, record: impl FnOnce(&mut Line)) {
    let mut line = Line(String::new());
    record(&mut line);
    let leak = net().told(&line.0);
    if let Some(leak) = leak {
        report(leak);
    }
    // Not where the thread ends.
    let _ = HEARD.try_with(|heard| {
        if let Some(lines) = &mut *heard.borrow_mut() {
            lines.push((level, line.0));
        }
    });
}

struct Line(String);

impl Visit for Line {
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let _ = write!(self.0, "{}={error} ", field.name());
        let mut next = Some(error);
        while let Some(error) = next {
            let _ = write!(self.0, "{error:?} ");
            next = error.source();
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
