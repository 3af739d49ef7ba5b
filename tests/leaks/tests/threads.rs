//! What threads log that no test runs on fails every test of its process from then on, so this is one of its own.

use std::{panic::catch_unwind, thread};

#[test]
fn what_a_spawned_thread_has_logged_is_caught_before_and_after_it_is_known_as_a_secret() {
    let log = |text: &'static str| {
        let logged = thread::spawn(move || tracing::trace!(target: "sessions_test", "{text}")).join();
        assert!(logged.is_ok());
    };
    leaks::watch();
    log("nothing that anybody wants to hide");
    log("a secret that is not known as one");
    leaks::check_log();
    assert!(catch_unwind(|| leaks::remember(b"a secret that is not known as one")).is_err());

    leaks::remember(b"this one is known before");
    leaks::check_log();
    log("this one is known before");
    assert!(catch_unwind(leaks::check_log).is_err());
    assert!(
        catch_unwind(leaks::check_log).is_err(),
        "nobody knows whose it was"
    );
}
