//! Sessions that the storage behind keeps without being able to read them.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    CachedStorage, Created, Expected, Read, Replaced, SessionIndex, SessionStorage, StorageError,
    StorageFuture, Touch, Touched,
};
use crate::{
    ConfigError, KeyRing, Payload, Principal, ProtectionError, Record, RecordError, SerializerError,
    SessionSerializer, StorageKey, Timestamp, lp::put, protection::BoundEncrypted, serializer::Bincode,
};

/// Encrypts sessions before another storage keeps them: whoever has a copy of that one, a backup or a dump, can read
/// neither what is in a session nor whose it is.
///
/// ```
/// use sessions_core::{
///     protection::{Key, KeyRing},
///     storage::{EncryptedStorage, MemoryStorage},
/// };
///
/// let keys = KeyRing::new(Key::generate()?); // or `KeyRing::from_file`, and the same on every node
/// let storage = EncryptedStorage::new(MemoryStorage::new(), &keys)?;
/// // The same with the sessions in use kept in memory, decrypted and decoded.
/// let cached = storage.clone().cached();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What can be read, and what cannot
///
/// | sealed | in the clear, as the storage works with it |
/// |---|---|
/// | the payload; principal, device label and client context | storage key, public id, application, name, schema, revision, epoch, hashes of secrets, times; the length of what is sealed |
///
/// An index is the one of the storage behind. It has a principal's sessions under an [`IndexKey`](super::IndexKey), a hash
/// without a secret: one sees which sessions are one principal's, and whoever can guess a principal can find them. As
/// the storage behind does not know whose a session is, the place of one that it frees stays in the index until somebody
/// meets it, or until the session's absolute deadline.
///
/// Who can *write* to the storage behind can make sessions end, and put the hash of a secret of their own into one to be
/// let in as its user. They cannot say what is in a session: what is sealed opens only for the same application, name and
/// public id, and a payload only at the revision and schema that it was written with. All of a session may still be put
/// back as it once was.
///
/// # Keys
///
/// Each key does what its state on the [`KeyRing`] says, and a ring that is given other keys gives them to the storage at
/// once. A session goes under the current key part by part: the payload with each write, all of it with an `update`, a
/// renewal or a rotation, nothing with a touch. So a key is retired until no session can be alive that was last written
/// whole while it was current: for the longest lifetime of a session, as for tokens. The ring may be the one of the tokens:
/// each use has keys derived for itself.
///
/// | sealed under a key that is | to load is |
/// |---|---|
/// | current, upcoming or retired | the session |
/// | revoked | [`Unreadable`](StorageError::Unreadable): there is no session, and the client's token is removed |
/// | not on the ring | [`Unavailable`](StorageError::Unavailable): 503, and the client keeps its token |
///
/// A key that is not on the ring may be one that another node has and this one has not yet; that there is no session is
/// nothing that this node can say. The error names the key. Where a key is gone for good, list its id as revoked, and its
/// sessions are over. Until then whoever shows the token of one gets a 503 here, a login included; and so do a list of its
/// principal's sessions, and a login at the limit of `max_per_principal`. To end all of a principal's sessions needs no key.
///
/// What was changed, moved from another session or put back from an earlier revision, and what was stored without this
/// storage, is `Unreadable`. So sessions that are there already when this storage is put in front of them have ended;
/// and every node has to have it.
///
/// # What it costs
///
/// Each load decrypts, with the one behind in memory as well, and what it gives is decoded anew. A cache in front,
/// [`cached`](Self::cached), saves both, and has the sessions in use in memory as they are. One behind has them sealed
/// there. A record grows by 70 to 100 bytes, and may have 4 MiB with them.
///
/// # Errors
/// Those of the storage behind, the two above, and `Unavailable` when nothing can be sealed, as there are no random bytes:
/// then nothing is written.
#[derive(Clone)]
pub struct EncryptedStorage<S> {
    inner: S,
    sealing: BoundEncrypted,
}

impl<S: SessionStorage> EncryptedStorage<S> {
    /// Seals what `inner` keeps under the keys of this ring.
    ///
    /// # Errors
    /// Two of the keys share an id, or the current one is revoked.
    pub fn new(inner: S, keys: &KeyRing) -> Result<Self, ConfigError> {
        Ok(Self {
            inner,
            sealing: BoundEncrypted::of_records(keys)?,
        })
    }

    /// This storage behind a cache.
    #[must_use]
    pub fn cached(self) -> CachedStorage<Self> {
        CachedStorage::new(self)
    }

    /// The record as the storage behind may see it.
    fn sealed(&self, key: &StorageKey, record: Arc<Record>) -> Result<Arc<Record>, StorageError> {
        let seal = |place: Vec<u8>, mut bytes: Vec<u8>| {
            self.sealing
                .seal(&place, &mut bytes)
                .map_err(StorageError::unavailable)?;
            Ok::<_, StorageError>(bytes)
        };
        let mut record = Arc::unwrap_or_clone(record);
        let personal = seal(personal_place(key, &record), Personal::taken_from(&mut record)?)?;
        let payload = seal(payload_place(key, &record), record.payload.as_bytes().to_vec())?;
        record.client_context = Some(personal.into());
        record.payload = Payload::new(payload);
        Ok(Arc::new(record))
    }

    /// What [`sealed`](Self::sealed) was given.
    fn opened(&self, key: &StorageKey, record: Arc<Record>) -> Result<Arc<Record>, StorageError> {
        let open = |place: Vec<u8>, sealed: &[u8]| {
            let mut bytes = sealed.to_vec();
            match self.sealing.open(&place, &mut bytes) {
                Ok(()) => Ok(bytes),
                Err(failure) => Err(unopened(failure, sealed)),
            }
        };
        let mut record = Arc::unwrap_or_clone(record);
        // Stored by somebody who sealed nothing: what is there is not believed.
        let personal = record.client_context.take().ok_or(RecordError::Version)?;
        let personal = open(personal_place(key, &record), &personal)?;
        let payload = open(payload_place(key, &record), record.payload.as_bytes())?;
        Personal::give_back(&personal, &mut record)?;
        record.payload = Payload::new(payload);
        Ok(Arc::new(record))
    }
}

/// What is sealed beside the payload, and apart from it: a write within the epoch leaves it as it is stored, as it does all
/// else of a record that is no payload, schema or revision.
#[derive(Serialize, Deserialize)]
struct Personal {
    principal: Option<Principal>,
    label: Option<Arc<str>>,
    client_context: Option<Arc<[u8]>>,
}

impl Personal {
    fn taken_from(record: &mut Record) -> Result<Vec<u8>, StorageError> {
        let personal = Self {
            principal: record.principal.take(),
            label: record.label.take(),
            client_context: record.client_context.take(),
        };
        let mut bytes = Vec::new();
        <Bincode as SessionSerializer<Self>>::serialize(&personal, &mut bytes)
            .map_err(StorageError::unavailable)?;
        Ok(bytes)
    }

    fn give_back(bytes: &[u8], record: &mut Record) -> Result<(), RecordError> {
        let personal =
            <Bincode as SessionSerializer<Self>>::deserialize(bytes).map_err(RecordError::Damaged)?;
        record.principal = personal.principal;
        record.label = personal.label;
        record.client_context = personal.client_context;
        Ok(())
    }
}

// The places say all that is written together with what is sealed, and nothing that another write may change: or a session
// could not be read after a touch, or after a write within its epoch.

fn personal_place(key: &StorageKey, record: &Record) -> Vec<u8> {
    let mut place = Vec::new();
    put(&mut place, b"personal");
    put(&mut place, key.as_bytes());
    put(&mut place, record.application.as_bytes());
    put(&mut place, record.name.as_bytes());
    put(&mut place, record.public_id.as_bytes());
    place
}

/// The storage key is a hash of application, name and public id, which the writer's record need not tell as the stored
/// one does.
fn payload_place(key: &StorageKey, record: &Record) -> Vec<u8> {
    let mut place = Vec::new();
    put(&mut place, b"payload");
    put(&mut place, key.as_bytes());
    put(&mut place, &record.revision.0);
    put(&mut place, &record.schema.version.to_be_bytes());
    put(&mut place, &record.schema.fingerprint.0);
    place
}

fn unopened(failure: ProtectionError, sealed: &[u8]) -> StorageError {
    let damaged = |why: &'static str| RecordError::Damaged(SerializerError::new(why)).into();
    match failure {
        ProtectionError::Forged => damaged("it was not sealed here, for this session, as it is now"),
        ProtectionError::RevokedKey => damaged("it was sealed under a key that is revoked"),
        // Another node may have that key. That there is no session would remove the client's token.
        ProtectionError::UnknownKey => StorageError::unavailable(match BoundEncrypted::key_of(sealed) {
            Some(key) => format!(
                "a session was sealed under the key {key}, which is not on this ring: add that key, or, if it is gone, list \
                 its id as revoked"
            ),
            None => "a session was sealed by a newer version of the library".to_owned(),
        }),
        ProtectionError::Failed(_) => StorageError::unavailable(failure),
    }
}

#[diagnostic::do_not_recommend]
impl<S: SessionStorage> SessionStorage for EncryptedStorage<S> {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        match self.sealed(&key, record) {
            Ok(record) => self.inner.create(key, record, now),
            Err(failure) => StorageFuture::ready(Err(failure)),
        }
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        StorageFuture::boxed(async move {
            let record = self.inner.load(key, read, now).await?;
            record.map(|record| self.opened(&key, record)).transpose()
        })
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        match self.sealed(&key, record) {
            Ok(record) => self.inner.replace(key, record, expected, now),
            Err(failure) => StorageFuture::ready(Err(failure)),
        }
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.inner.touch(key, touch, now)
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.inner.delete(key, now)
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.inner.purge_expired(limit, now)
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.inner.health()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index()
    }

    fn may_be_stale(&self) -> bool {
        self.inner.may_be_stale()
    }

    fn name(&self) -> String {
        format!("EncryptedStorage<{}>", self.inner.name())
    }
}

impl<S: fmt::Debug> fmt::Debug for EncryptedStorage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedStorage")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
