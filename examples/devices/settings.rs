//! What the environment says: where to listen, and where the sessions are.

use std::{
    env,
    error::Error,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    pub(crate) database: PathBuf,
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
        Ok(Self {
            address: SocketAddr::new(host, port),
            database: folder.join("sessions.db"),
        })
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
