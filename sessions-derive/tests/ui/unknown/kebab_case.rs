use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle-timeout = "30m", max-age = "30 days")]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(same-site = lax))]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(same-site = lax)]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(renew-every = "5m")]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(user-interface)]
struct Poll {}

fn main() {}
