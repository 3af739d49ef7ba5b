use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = LOGIN, idle_timeout = 30, version = "2", serializer = "Json", transport = cookie(secure = "no", same_site = "lax"))]
struct Cart;

fn main() {}
