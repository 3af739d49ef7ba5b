use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(path = "/shop", domain = "example.org")]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(path = "/shop", transport = cookie(secure))]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name = "X-Cart", path = "/shop", transport = header)]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(sameSite = "Strict", httponly)]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(httpOnly = false)]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(samesite = lax)]
struct Quiz {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(cookie, path = "/shop")]
struct Tour {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(domian = "example.org", transport = cookie(domain = "header.org"))]
struct Note {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(secured, path = "/shop")]
struct Trip {}

fn main() {}
