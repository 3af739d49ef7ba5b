//! Files and folders that are this user's alone, and no symbolic links.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::Path,
};

/// More than the largest record has, so that a file that is none is not read for ever.
const MAX_LEN: u64 = 8 << 20;

/// Makes sure that there is a folder. Its name may still be lost with the power.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(path)?;
    let refused = |kind, why| Err(io::Error::new(kind, format!("{} {why}", path.display())));
    if !metadata.is_dir() {
        return refused(ErrorKind::NotADirectory, "is not a folder");
    }
    if anybody_may_write(&metadata) {
        let why = "is a folder that anybody may write into, and so make sessions in: `chmod o-w` it";
        return refused(ErrorKind::PermissionDenied, why);
    }
    Ok(())
}

#[cfg(unix)]
fn anybody_may_write(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o002 != 0
}

#[cfg(not(unix))]
fn anybody_may_write(_: &fs::Metadata) -> bool {
    false
}

/// Opens a file as told, or makes it for this user alone. Whatever else stands there, a pipe perhaps, is not waited for.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}

/// What is in a file; `None` if there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_LEN).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// What is left of a write after a loss of power: the more, the longer it waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lasting {
    /// Perhaps a part of it. It waits for nothing.
    Nothing,
    /// All of it or what was there before. It waits for the bytes, so that a new name never leads to half of them.
    Whole,
    /// All of it. It waits for the bytes and for the name.
    Everything,
}

impl Lasting {
    pub(super) fn waits_for_bytes(self) -> bool {
        self >= Self::Whole
    }

    pub(super) fn waits_for_names(self) -> bool {
        self >= Self::Everything
    }
}

/// Writes a new file.
pub(super) fn write(path: &Path, bytes: &[u8], lasting: Lasting) -> io::Result<()> {
    let mut file = open(path, OpenOptions::new().write(true).create_new(true))?;
    file.write_all(bytes)?;
    if lasting.waits_for_bytes() {
        file.sync_data()?;
    }
    Ok(())
}

/// Removes a file; false if there was none.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder last beyond a loss of power.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened, and the file system sees to it.
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}
