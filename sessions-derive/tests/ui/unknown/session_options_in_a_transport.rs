use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(cookie(name = "S"))]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(cookie(name = "S", path = "/shop", maxAge = 1))]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name = "S", cookie = "S")]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name = "X-Cart", header = "X-Cart")]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(cookie("/shop"))]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie, cookie(path = "/shop"))]
struct Quiz {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie, cookie)]
struct Tour {}

fn main() {}
