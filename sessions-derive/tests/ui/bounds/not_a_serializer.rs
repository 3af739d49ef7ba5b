use sessions_derive::CoreSession;

struct Format;

#[derive(CoreSession)]
#[session(serializer = Format)]
struct Cart;

fn main() {}
