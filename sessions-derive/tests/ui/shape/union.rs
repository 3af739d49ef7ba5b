use sessions_derive::CoreSession;

#[derive(CoreSession)]
union Bits {
    int: u32,
    float: f32,
}

fn main() {}
