use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = header, name = "Set-Cookie")]
struct A;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = header, name = "cookie")]
struct B;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = header, name = "Content-Length")]
struct C;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = header, name = "host")]
struct D;

fn main() {}
