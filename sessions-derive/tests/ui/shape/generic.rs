use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Cart<T, const N: usize>([T; N]);

fn main() {}
