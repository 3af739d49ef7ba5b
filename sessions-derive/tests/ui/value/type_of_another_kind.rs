use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(version = 2, previous = "Old")]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(serializer = Json::new())]
struct Login {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(serializer = Json())]
struct Visit {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(serializer = codec::Json::default(), name = "S")]
struct Draft {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(serializer = Json {})]
struct Poll {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(serializer = "codec::Json")]
struct Quiz {}

fn main() {}
