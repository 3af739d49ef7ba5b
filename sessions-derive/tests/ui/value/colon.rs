use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name: "S")]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name: S)]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(secure: true, path: "/"))]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(path: "/shop")]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout: "30m")]
struct Poll {}

fn main() {}
