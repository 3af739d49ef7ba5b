use sessions_actix::{Sessions, storage::MemoryStorage};

struct Cart;

fn main() {
    let _ = Sessions::builder().server_side::<Cart>(MemoryStorage::new());
}
