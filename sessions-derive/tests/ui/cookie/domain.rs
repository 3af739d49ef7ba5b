use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cookie(domain = "https://example.org:443"))]
struct Cart;

fn main() {}
