//! What one key of a storage does, written down a second time: a record or none, and a few comparisons. It shares no
//! line with [`Record::replaced_by`] and [`Record::touched_by`], so that a mistake there is not made here, too.

use std::sync::Arc;

use crate::{
    Record, Timestamp,
    storage::{Created, Expected, Replaced, Touch, Touched},
};

/// One key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Model(Option<Record>);

impl Model {
    pub(super) fn with(record: &Record) -> Self {
        Self(Some(record.clone()))
    }

    /// Whether there is something that has ended.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.0.as_ref().is_some_and(|record| !is_live(record, now))
    }

    pub(super) fn load(&self, now: Timestamp) -> Option<Arc<Record>> {
        let live = self.0.as_ref().filter(|record| is_live(record, now));
        live.cloned().map(Arc::new)
    }

    pub(super) fn create(&mut self, new: &Record, now: Timestamp) -> Created {
        if self.live(now).is_some() {
            return Created::Exists;
        }
        self.0 = Some(new.clone());
        Created::Created
    }

    pub(super) fn replace(&mut self, new: &Record, expected: Expected, now: Timestamp) -> Replaced {
        let Some(stored) = self.live(now) else {
            return Replaced::NotFound;
        };
        let before = stored.times;
        match expected {
            Expected::Revision(revision) if stored.revision == revision => {
                *stored = new.clone();
                forward(stored, before.last_seen, before.idle_deadline);
            }
            Expected::Epoch(epoch)
                if stored.epoch == epoch && stored.schema.version <= new.schema.version =>
            {
                stored.payload = new.payload.clone();
                stored.schema = new.schema;
                stored.revision = new.revision;
                forward(stored, new.times.last_seen, new.times.idle_deadline);
            }
            Expected::Revision(_) | Expected::Epoch(_) => return Replaced::Conflict,
        }
        Replaced::Done
    }

    pub(super) fn touch(&mut self, touch: &Touch, now: Timestamp) -> Touched {
        match self.live(now) {
            None => Touched::Gone,
            Some(stored) if stored.epoch != touch.epoch => Touched::Superseded,
            Some(stored) => {
                forward(stored, touch.last_seen, touch.idle_deadline);
                Touched::Touched
            }
        }
    }

    /// What has ended may be left to a purge.
    pub(super) fn delete(&mut self, now: Timestamp) -> bool {
        let live = self.live(now).is_some();
        if live {
            self.0 = None;
        }
        live
    }

    pub(super) fn purge(&mut self, now: Timestamp) -> usize {
        let expired = self.is_expired(now);
        if expired {
            self.0 = None;
        }
        usize::from(expired)
    }

    fn live(&mut self, now: Timestamp) -> Option<&mut Record> {
        self.0.as_mut().filter(|record| is_live(record, now))
    }
}

fn is_live(record: &Record, now: Timestamp) -> bool {
    let times = &record.times;
    now < times.idle_deadline && now < times.absolute_deadline && times.not_after.is_none_or(|end| now < end)
}

fn forward(record: &mut Record, last_seen: Timestamp, idle_deadline: Timestamp) {
    let times = &mut record.times;
    if last_seen > times.last_seen {
        times.last_seen = last_seen;
    }
    let idle_deadline = idle_deadline.min(times.absolute_deadline);
    if idle_deadline > times.idle_deadline {
        times.idle_deadline = idle_deadline;
    }
}
