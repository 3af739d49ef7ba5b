//! Writes one session over and over, for a test that kills it: `directory_writer FOLDER NUMBER` goes on after that
//! number, and prints each that the storage has acknowledged.

use std::{env, error::Error, io::Write as _, sync::Arc};

use sessions_actix::Clock as _;
use sessions_actix::{
    Payload, Record, Revision, StorageKey, SystemClock,
    storage::{DirectoryStorage, Expected, Read, Replaced, SessionStorage as _},
};
use tests::numbered;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(folder), Some(number)) = (arguments.next(), arguments.next()) else {
        return Err("directory_writer FOLDER NUMBER".into());
    };
    let storage = DirectoryStorage::open(folder)?;
    let key = StorageKey::from_bytes(numbered::KEY);
    let mut stdout = std::io::stdout().lock();
    for number in number.parse::<u64>()? + 1.. {
        let now = SystemClock.now();
        let stored = storage
            .load(key, Read::Latest, now)
            .await?
            .ok_or("the session is gone")?;
        let mut revision = [0; 16];
        revision[..8].copy_from_slice(&number.to_be_bytes());
        let record = Record {
            revision: Revision(revision),
            payload: Payload::new(numbered::payload(number)),
            ..Record::clone(&stored)
        };
        let expected = Expected::Revision(stored.revision);
        let replaced = storage.replace(key, Arc::new(record), expected, now).await?;
        if replaced != Replaced::Done {
            return Err(format!("{replaced:?}").into());
        }
        writeln!(stdout, "{number}")?;
        stdout.flush()?;
    }
    Ok(())
}
