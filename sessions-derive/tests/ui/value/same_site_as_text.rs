use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(same_site = "Strict"))]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(same_site = "strict"))]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(same_site = "None"))]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(same_site = SameSite::Strict))]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(same_site = "default"))]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(same_site = "Strict")]
struct Quiz {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = "cookie")]
struct Tour {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(secure = "true"))]
struct Game {}

fn main() {}
