use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Cart<'a> {
    owner: &'a str,
}

fn main() {}
