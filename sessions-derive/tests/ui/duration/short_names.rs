use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = "2 hrs")]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = "1y")]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = "500ms")]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = "7 Tage")]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = "2.5h")]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = "1_000s")]
struct Quiz {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(idle_timeout = 30m)]
struct Tour {}

fn main() {}
