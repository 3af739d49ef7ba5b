use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Login(#[session(pricipal)] String, #[session(name = "LOGIN")] u8, #[session(skip)] u8, #[session(rename = "y")] u8);

fn main() {}
