use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(rolling, resave = false, touch)]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(save_uninitialized = false)]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(permanent = true, persistent)]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(renew, regenerate)]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(csrf)]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie, csrf)]
struct Quiz {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(id = "S")]
struct Tour {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(session_timeout = "30m")]
struct Game {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(inactivity = "30m")]
struct Plan {}

fn main() {}
