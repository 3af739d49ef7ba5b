use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name = S)]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name = 'S')]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session("S")]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie("/shop"))]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(5))]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(name("S"))]
struct Quiz {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(transport = cookie(path = /shop, domain = example.org))]
struct Tour {}

fn main() {}
