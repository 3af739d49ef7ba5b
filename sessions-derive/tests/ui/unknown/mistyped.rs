use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(nme = "LOGIN", idel_timeout = "30m", transport = cookie(htp_only))]
struct Cart;

fn main() {}
