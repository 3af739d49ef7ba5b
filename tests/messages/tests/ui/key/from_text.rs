use sessions_actix::protection::Key;

fn main() {
    let _ = Key::from_bytes("0123456789abcdef0123456789abcdef");
    let _ = Key::derived_from(&String::from("the secret of the application"));
}
