//! What the environment says: where to listen, where the sessions are, which keys protect them.

use std::{
    env::{self, VarError},
    error::Error,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process,
};

use sessions_actix::protection::{Key, KeyRing};

pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    pub(crate) folder: PathBuf,
    pub(crate) keys: KeyRing,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error>> {
        let host = match env::var("BIND_ADDRESS") {
            Ok(host) => host
                .parse()
                .map_err(|error| format!("BIND_ADDRESS is no IP address: {error}"))?,
            Err(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let port = match env::var("PORT") {
            Ok(port) => port
                .parse()
                .map_err(|error| format!("PORT is no port number: {error}"))?,
            Err(_) => 8080,
        };
        let folder = PathBuf::from(env::var_os("SESSIONS_DIR").unwrap_or_else(|| ".sessions".into()));
        create_private_folder(&folder)?;
        println!("The sessions are kept in {}.", folder.display());

        let keys = match env::var("SESSION_KEY") {
            Err(VarError::NotPresent) => kept_keys(&folder.join("keys"))?,
            _ => KeyRing::from_env("SESSION_KEY")?,
        };
        Ok(Self {
            address: SocketAddr::new(host, port),
            folder,
            keys,
        })
    }
}

/// The keys in the file, which is made with one if it isn't there.
fn kept_keys(path: &Path) -> Result<KeyRing, Box<dyn Error>> {
    let shown = path.display();
    if path.exists() || make_key(path).map_err(|error| format!("cannot make {shown}: {error}"))? {
        println!("SESSION_KEY is not set: using the keys in {shown}.");
    } else {
        println!("SESSION_KEY is not set: made a key, kept in {shown}, which only you can read.");
    }
    // It has one key after the other as time goes by; `main` watches it.
    KeyRing::from_file(path).map_err(|error| format!("{error:?}. Delete the file to get a new key.").into())
}

/// Makes the file with a key in it. It has its name only when all of it is written: whoever starts at the same time, or after
/// this one was killed, finds a whole one or none. Says whether somebody else was faster.
fn make_key(path: &Path) -> Result<bool, Box<dyn Error>> {
    let draft = path.with_extension(process::id().to_string());
    // One that is there is of a program that was killed.
    let _ = fs::remove_file(&draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(Key::generate()?.expose_base64().as_bytes())?;
    file.sync_all()?;
    // A rename would take the place of another one's.
    let named = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match named {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        named => Ok(named.is_err()),
    }
}

fn create_private_folder(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| format!("cannot make the folder {}: {error}", path.display()).into())
}
