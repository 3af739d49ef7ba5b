//! Whose buffer it is.

use std::panic::catch_unwind;

use super::{KEPT, with};

#[test]
fn who_asks_for_a_buffer_has_an_empty_one_whoever_is_using_another() {
    with(4, |outer| {
        outer.extend_from_slice(b"outer");
        with(4, |inner| {
            assert_eq!(inner, b"");
            inner.extend_from_slice(b"inner");
        });
        assert_eq!(outer, b"outer");
    });
    with(0, |next| assert_eq!(next, b""));
}

#[test]
fn a_panic_takes_its_buffer_along() {
    let panicked = catch_unwind(|| {
        with(4, |bytes| {
            bytes.push(1);
            panic!("while it is in use");
        })
    });
    assert!(panicked.is_err());
    with(0, |next| assert_eq!(next, b""));
}

#[test]
fn a_buffer_that_has_grown_large_is_not_kept() {
    with(2 * KEPT, |_| ());
    with(0, |next| assert!(next.capacity() <= KEPT));
}
