//! A ring in a file, and its changes.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;
use tokio::{task::spawn_blocking, time::sleep};
use zeroize::Zeroizing;

use super::{
    KeyError, KeyRing,
    ring::Keys,
    text::{self, Mistake},
};
use crate::{ConfigError, log};

/// More than any ring takes.
const MAX_LEN: u64 = 64 * 1024;
/// The shortest time between two looks at a file.
const SHORTEST: Duration = Duration::from_secs(1);

/// The bits of a mode that let the group or everyone write.
const OTHERS_WRITE: u32 = 0o022;
/// The bit of a folder's mode that lets only its owner replace a file.
const STICKY: u32 = 0o1000;

/// Where the keys of a ring come from.
pub(super) struct KeyFile {
    path: PathBuf,
    /// What it held when its keys were taken from it last.
    taken: Mutex<Digest>,
}

type Digest = [u8; 32];

impl KeyRing {
    /// The ring in a file: its [text](Self#as-text), one key a line. Empty lines, and those that begin with `#`, are
    /// nothing.
    ///
    /// Only the server's own user should be able to read the file. That others can is told to the log as a warning, and
    /// no more than that, because containers are given their secrets so. That its group or everyone may write into it is
    /// an error, and that they may write into its folder, too, unless that is sticky as `/tmp` is: whoever can put keys
    /// there can make sessions.
    ///
    /// # Errors
    /// The file cannot be read, or it holds no ring.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let text = Text::read(path)?;
        text.warn();
        let keys = text.keys()?;
        let file = KeyFile {
            path: path.to_owned(),
            taken: Mutex::new(text.digest),
        };
        Ok(Self::of(keys, Some(file)))
    }

    /// Takes the keys that its file holds now, and says whether it had changed. A ring that is not from a file never
    /// has. It reads a file: in a server that runs, [`watch`](Self::watch) calls it where nobody waits.
    ///
    /// # Errors
    /// The file cannot be read, or it holds no ring. Then the keys are as they were.
    pub fn reload(&self) -> Result<bool, ConfigError> {
        let Some(file) = &self.0.file else {
            return Ok(false);
        };
        // One at a time, so that an older text never comes after a newer one.
        let mut taken = file.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let text = Text::read(&file.path)?;
        if text.digest == *taken {
            return Ok(false);
        }
        self.give(text.keys()?)?;
        text.warn();
        *taken = text.digest;
        log::keys_changed(&file.path, self);
        Ok(true)
    }

    /// Looks once in `every` (at least a second) whether the file has changed, and takes its keys: a future to be
    /// spawned where the server is started.
    ///
    /// A file that cannot be read, or that is half written, is told to the log as an error, and the keys stay as they
    /// are until it is whole. It ends when nothing uses the ring any more, and at once if the ring is not from a file.
    /// To be polled in a runtime of `tokio`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sessions_core::KeyRing;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sessions_core::KeyError> {
    /// let keys = KeyRing::from_file("/etc/shop/session-keys")?;
    /// tokio::spawn(keys.watch(Duration::from_secs(30)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self, every: Duration) -> impl Future<Output = ()> + Send + use<> {
        let ring = self.0.file.is_some().then(|| Arc::downgrade(&self.0));
        async move {
            let Some(ring) = ring else { return };
            loop {
                sleep(every.max(SHORTEST)).await;
                let Some(ring) = ring.upgrade().map(Self) else {
                    return;
                };
                // Where a file that is slow to read holds nobody up.
                let reloaded = spawn_blocking(move || ring.reload()).await;
                match reloaded {
                    Ok(Ok(_)) => {}
                    Ok(Err(failure)) => log::keys_kept(&failure),
                    Err(ended) => log::keys_kept(&ended),
                }
            }
        }
    }
}

/// What a key file holds.
struct Text<'p> {
    path: &'p Path,
    text: Zeroizing<String>,
    digest: Digest,
    metadata: Metadata,
}

impl<'p> Text<'p> {
    fn read(path: &'p Path) -> Result<Self, KeyError> {
        let unreadable = |error| KeyError::File(path.to_owned(), error);
        let file = open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            let what = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
            return Err(unreadable(what));
        }
        if mode(&metadata) & OTHERS_WRITE != 0 {
            return Err(KeyError::Writable(path.to_owned()));
        }
        // The folder of the name, and that of the file, where the name is a link.
        let file_itself = fs::canonicalize(path).map_err(unreadable)?;
        for folder in [folder_of(path), folder_of(&file_itself)] {
            let of_folder = mode(&fs::metadata(folder).map_err(unreadable)?);
            if of_folder & OTHERS_WRITE != 0 && of_folder & STICKY == 0 {
                return Err(KeyError::WritableFolder(folder.to_owned()));
            }
        }
        // Room for all of it at once, so that no copy of a key is left behind by growing.
        let mut bytes = Zeroizing::new(vec![0; MAX_LEN as usize + 1]);
        let len = fill(file, &mut bytes).map_err(unreadable)?;
        if len > MAX_LEN as usize {
            return Err(KeyError::FileLength(path.to_owned()));
        }
        let text = std::str::from_utf8(&bytes[..len])
            .map_err(|_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not text")))?;
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Ok(Self {
            path,
            text: Zeroizing::new(text.to_owned()),
            digest,
            metadata,
        })
    }

    fn keys(&self) -> Result<Keys, KeyError> {
        let lines = (1..)
            .zip(self.text.lines().map(str::trim))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        text::keys(lines).map_err(|mistake| match mistake {
            Mistake::At(line, source) => KeyError::InFile {
                path: self.path.to_owned(),
                line,
                source: Box::new(source),
            },
            Mistake::NoCurrent => KeyError::NoCurrent(format!("the key file {}", self.path.display())),
        })
    }

    fn warn(&self) {
        if mode(&self.metadata) & 0o044 != 0 {
            log::keys_readable(self.path);
        }
    }
}

/// The folder that this name is looked up in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Reads until the end, or until there is no room.
fn fill(mut file: File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < bytes.len() {
        match file.read(&mut bytes[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Opens it to be read, and waits for nobody at the other end, should it be a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Who may read and write it, where files have such a thing.
#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o600
}
