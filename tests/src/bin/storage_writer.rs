//! Writes into a storage over and over, for a test that kills it: `storage_writer WORK KIND FOLDER NUMBER` goes on after
//! that number, and prints what the storage has acknowledged, a line each.
//!
//! - `replace` writes one session, number by number: `written NUMBER`.
//! - `index` logs in a session of each number, and some of them out: `reserved NUMBER`, `confirmed NUMBER`,
//!   `cut off TIME`, and `ending NUMBER` before what `ended NUMBER` acknowledges.

use std::{
    env,
    error::Error,
    io::{StdoutLock, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use sessions_actix::{
    Clock as _, Record, SystemClock,
    storage::{
        Created, Expected, IndexKey, Member, Read, Replaced, Reservation, Reserved, SessionIndex,
        SessionStorage,
    },
};
use tests::{numbered, storage};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// More of one principal's are ended, the oldest first.
const LIMIT: usize = 2;
/// One login in so many ends all of its principal's sessions.
const CUT_OFF_EVERY: u64 = 5;

#[actix_web::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [work, kind, folder, number] = &arguments[..] else {
        return Err("storage_writer WORK KIND FOLDER NUMBER".into());
    };
    let mut writer = Writer {
        storage: storage::open(kind, Path::new(folder), Duration::ZERO).await?,
        stdout: std::io::stdout().lock(),
    };
    for number in number.parse::<u64>()? + 1.. {
        match work.as_str() {
            "replace" => writer.replace(number).await?,
            "index" => writer.log_in_and_out(number).await?,
            unknown => return Err(format!("there is no work `{unknown}`").into()),
        }
    }
    Ok(())
}

struct Writer {
    storage: Arc<dyn SessionStorage>,
    stdout: StdoutLock<'static>,
}

impl Writer {
    /// Says so before anything else is done.
    fn say(&mut self, what: &str, number: u64) -> Result<()> {
        writeln!(self.stdout, "{what} {number}")?;
        Ok(self.stdout.flush()?)
    }

    async fn replace(&mut self, number: u64) -> Result<()> {
        let (key, now) = (numbered::key(0), SystemClock.now());
        let stored = self.storage.load(key, Read::Latest, now).await?;
        let stored = stored.ok_or("the session is gone")?;
        let record = Record {
            times: stored.times,
            ..numbered::record(number, now)?
        };
        let expected = Expected::Revision(stored.revision);
        let replaced = self.storage.replace(key, Arc::new(record), expected, now).await?;
        is(&replaced, &Replaced::Done)?;
        self.say("written", number)
    }

    async fn log_in_and_out(&mut self, number: u64) -> Result<()> {
        let storage = Arc::clone(&self.storage);
        let index = storage.index().ok_or("there is no index")?;
        let (key, of, now) = (numbered::key(number), numbered::index(number), SystemClock.now());
        let record = numbered::record(number, now)?;
        let place = Reservation {
            session: numbered::member(&record, number),
            began: now,
            replaces: None,
            limit: None,
        };
        is(&index.reserve(of, place, now).await?, &Reserved::Reserved)?;
        self.say("reserved", number)?;
        let created = storage.create(key, Arc::new(record), now).await?;
        is(&created, &Created::Created)?;
        is(&index.confirm(of, key, SystemClock.now()).await?, &true)?;
        self.say("confirmed", number)?;
        if number.is_multiple_of(CUT_OFF_EVERY) {
            let now = SystemClock.now();
            let members = index.cut_off(of, now).await?;
            self.say("cut off", now.as_millis())?;
            return self.end(index, of, &members).await;
        }
        let members = index.members(of, SystemClock.now()).await?;
        self.end(index, of, &members[..members.len().saturating_sub(LIMIT)])
            .await
    }

    async fn end(&mut self, index: &dyn SessionIndex, of: IndexKey, members: &[Member]) -> Result<()> {
        for member in members {
            let number = numbered::member_number(member).ok_or("a key of another kind")?;
            let now = SystemClock.now();
            self.say("ending", number)?;
            // Not there if the one before was killed between this and the next step.
            self.storage.delete(member.key, now).await?;
            self.say("ended", number)?;
            index.release(of, member.key, now).await?;
        }
        Ok(())
    }
}

fn is<T: PartialEq + std::fmt::Debug>(answer: &T, expected: &T) -> Result<()> {
    if answer == expected {
        Ok(())
    } else {
        Err(format!("{answer:?}, not {expected:?}").into())
    }
}
