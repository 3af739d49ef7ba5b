//! What a storage has to do that is wrapped around another one, as a cache is, beside what every storage has to do.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use super::{
    gated::{Call, Failure, Gated, Moment},
    operation::Operation,
    sequences::{Copies, do_as_the_model},
    subject::{LATER, NOW, Subject, in_time, record},
    wrapped::{Wrapped, Write, begin, give_up, neighbours, shows, writes},
};
use crate::storage::{Created, Read, SessionStorage};

/// Makes one test of each check of a storage that is wrapped around another.
///
/// It takes a function from the storage behind, a [`Gated`](crate::storage::contract::Gated), to the one in front, and
/// needs `tokio` with the features `macros` and `rt-multi-thread`.
///
/// ```
/// mod cached {
///     use sessions_core::storage::CachedStorage;
///
///     sessions_core::wrapper_contract_tests!(CachedStorage::new);
/// }
/// ```
#[macro_export]
macro_rules! wrapper_contract_tests {
    (@all $then:ident [$($given:tt)*]) => {
        $crate::wrapper_contract_tests! { @$then [$($given)*];
            what_is_written_through_it_is_seen_at_once,
            the_latest_is_asked_of_the_storage_behind,
            an_absence_is_not_kept,
            a_load_that_a_write_overtakes_is_not_kept,
            a_load_that_comes_during_a_write_is_not_kept,
            a_load_that_nobody_waits_for_is_not_kept_against_a_write,
            a_failure_is_an_error_and_is_not_kept,
            a_lost_reply_leaves_no_copy_that_lies,
            a_write_that_nobody_waits_for_leaves_no_copy_that_lies,
            sessions_that_are_deleted_by_name_leave_no_copy,
            a_call_that_hangs_holds_up_no_other_session,
        }
    };
    (@tests [$wrap:expr]; $($check:ident,)*) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $check() {
            let wrapped = $crate::storage::contract::Wrapped::new($wrap);
            $crate::storage::contract::$check(wrapped).await;
        }
    )*};
    (@run [$wrap:expr]; $($check:ident,)*) => {$(
        $check(Wrapped::new($wrap)).await;
    )*};
    (@give [$callback:ident]; $($check:ident,)*) => {
        $callback! { $($check)* }
    };
    (names => $callback:ident) => {
        $crate::wrapper_contract_tests! { @all give [$callback] }
    };
    ($wrap:expr) => {
        $crate::wrapper_contract_tests! { @all tests [$wrap] }
    };
}

/// Runs every check of a storage that `wrap` puts around another.
///
/// # Panics
/// The storage breaks its promise.
pub async fn check_wrapper<S: SessionStorage>(wrap: impl Fn(Gated) -> S) {
    crate::wrapper_contract_tests! { @all run [&wrap] }
}

/// What one has written oneself is what a load shows, one that a copy will do for also.
pub async fn what_is_written_through_it_is_seen_at_once(wrapped: Wrapped) {
    do_as_the_model(&wrapped.one, Copies::Current).await;
}

/// `Latest` goes to the storage behind, each time, and shows what another wrapper has written.
pub async fn the_latest_is_asked_of_the_storage_behind(wrapped: Wrapped) {
    let stored = record(*b"stored");
    let subject = wrapped.known(&stored).await;
    for write in writes(&stored) {
        let subject = wrapped.known(&stored).await;
        let left = write.leaves(&stored);
        write.operation.on(&subject.on(&wrapped.other), LATER).await;
        let latest = subject.load(LATER).await;
        assert_eq!(latest, left, "load of the latest after another wrapper's write");
    }
    for _ in 0..3 {
        let before = wrapped.behind.calls(Call::Load);
        subject.live(NOW).await;
        assert!(
            wrapped.behind.calls(Call::Load) > before,
            "load of the latest did not ask the storage behind"
        );
    }
}

/// That there is no session is not remembered: another wrapper may create it.
pub async fn an_absence_is_not_kept(wrapped: Wrapped) {
    let subject = Subject::unused(&wrapped.one);
    let stored = record(*b"stored");
    shows(&subject, None, "before its create").await;
    let created = subject.on(&wrapped.other).create(&stored, NOW).await;
    assert_eq!(created, Created::Created, "create under a key that is free");
    shows(&subject, Some(&stored), "after another wrapper's create").await;
}

/// A load that has its answer, or has not asked yet, when a write through the wrapper is acknowledged: what it brings is
/// not shown to anybody else.
pub async fn a_load_that_a_write_overtakes_is_not_kept(wrapped: Wrapped) {
    let stored = record(*b"stored");
    for moment in [Moment::BeforeItsWork, Moment::AfterItsWork] {
        for read in [Read::Any, Read::Latest] {
            for write in writes(&stored) {
                let subject = wrapped.unknown(&stored).await;
                let gate = wrapped.behind.hold(Call::Load, moment);
                let load = begin(&Operation::Load(read), &subject);
                gate.reached().await;
                in_time("a write during a load", write.operation.on(&subject, LATER)).await;
                gate.open();
                drop(in_time("a load during a write", load).await);
                let after = format!("after {write:?} during a load({read:?})");
                shows(&subject, write.leaves(&stored).as_deref(), &after).await;
            }
        }
    }
}

/// A load that begins while a write is under way, and ends before that or after it: once the write is acknowledged, what
/// the load brings is not shown to anybody else.
pub async fn a_load_that_comes_during_a_write_is_not_kept(wrapped: Wrapped) {
    // Longer than a load takes; one that waits for the write ends later.
    const A_MOMENT: Duration = Duration::from_millis(20);
    let stored = record(*b"stored");
    for moment in [Moment::BeforeItsWork, Moment::AfterItsWork] {
        for outlasts in [false, true] {
            for write in writes(&stored) {
                let subject = wrapped.unknown(&stored).await;
                let gate = wrapped.behind.hold(write.call, moment);
                let writing = begin(&write.operation, &subject);
                gate.reached().await;
                let held = outlasts.then(|| wrapped.behind.hold(Call::Load, Moment::AfterItsWork));
                let mut load = begin(&Operation::Load(Read::Latest), &subject);
                match &held {
                    Some(held) => held.reached_within(A_MOMENT).await,
                    None => drop(tokio::time::timeout(A_MOMENT, &mut load).await),
                }
                gate.open();
                drop(in_time("a write during a load", writing).await);
                if let Some(held) = held {
                    held.open();
                }
                if !load.is_finished() {
                    drop(in_time("a load during a write", load).await);
                }
                let after = format!("after a load that came during {write:?}, {moment:?}");
                shows(&subject, write.leaves(&stored).as_deref(), &after).await;
            }
        }
    }
}

/// The same of a load that is given up, before the write or after it.
pub async fn a_load_that_nobody_waits_for_is_not_kept_against_a_write(wrapped: Wrapped) {
    let stored = record(*b"stored");
    for read in [Read::Any, Read::Latest] {
        for before in [true, false] {
            for write in writes(&stored) {
                let subject = wrapped.unknown(&stored).await;
                let gate = wrapped.behind.hold(Call::Load, Moment::AfterItsWork);
                let load = begin(&Operation::Load(read), &subject);
                gate.reached().await;
                if before {
                    give_up(load).await;
                    in_time("a write after a load", write.operation.on(&subject, LATER)).await;
                } else {
                    in_time("a write during a load", write.operation.on(&subject, LATER)).await;
                    give_up(load).await;
                }
                gate.open();
                let after = format!("after {write:?} and a load({read:?}) that was given up");
                shows(&subject, write.leaves(&stored).as_deref(), &after).await;
            }
        }
    }
}

/// A storage behind that refuses is an error, never that there is no session; and the next call is answered.
pub async fn a_failure_is_an_error_and_is_not_kept(wrapped: Wrapped) {
    let behind = &wrapped.behind;
    let stored = record(*b"stored");
    for read in [Read::Any, Read::Latest] {
        for subject in [Subject::unused(&wrapped.one), wrapped.unknown(&stored).await] {
            behind.fail(Call::Load, Failure::Refuses);
            let answer = Operation::Load(read).ask(&subject, NOW).await;
            assert!(
                answer.is_err(),
                "load({read:?}) gave {answer:?} when the storage behind refused"
            );
        }
        let subject = wrapped.unknown(&stored).await;
        behind.fail(Call::Load, Failure::Refuses);
        let _ = Operation::Load(read).ask(&subject, NOW).await;
        shows(&subject, Some(&stored), "after a load that was refused").await;
    }
    for write in writes(&stored).into_iter().chain([Write::create(&stored)]) {
        let subject = match write.call {
            Call::Create => Subject::unused(&wrapped.one),
            _ => wrapped.known(&stored).await,
        };
        behind.fail(write.call, Failure::Refuses);
        let answer = write.operation.ask(&subject, LATER).await;
        assert!(
            matches!(&answer, Err(error) if !error.may_have_written()),
            "{write:?} gave {answer:?} when the storage behind refused"
        );
        let left = (write.call != Call::Create).then_some(&stored);
        shows(&subject, left, &format!("after {write:?} that was refused")).await;
    }
    behind.fail(Call::PurgeExpired, Failure::Refuses);
    assert!(
        wrapped.one.purge_expired(1, NOW).await.is_err(),
        "purge_expired when the storage behind refused"
    );
    behind.fail(Call::Health, Failure::Refuses);
    assert!(
        wrapped.one.health().await.is_err(),
        "health when that of the storage behind is not good"
    );
    assert!(wrapped.one.health().await.is_ok(), "health when it is good again");
}

/// A write of which nobody knows whether it was done is told as such, and the next load shows whether it was.
pub async fn a_lost_reply_leaves_no_copy_that_lies(wrapped: Wrapped) {
    let stored = record(*b"stored");
    for failure in [Failure::LosesTheRequest, Failure::LosesTheReply] {
        for write in writes(&stored).into_iter().chain([Write::create(&stored)]) {
            let create = write.call == Call::Create;
            let subject = if create {
                Subject::unused(&wrapped.one)
            } else {
                wrapped.known(&stored).await
            };
            wrapped.behind.fail(write.call, failure);
            let answer = write.operation.ask(&subject, LATER).await;
            assert!(
                matches!(&answer, Err(error) if error.may_have_written()),
                "{write:?} gave {answer:?} when its outcome was unknown"
            );
            let left = match failure {
                Failure::LosesTheReply => write.leaves(&stored),
                _ if create => None,
                _ => Some(Arc::new(stored.clone())),
            };
            shows(
                &subject,
                left.as_deref(),
                &format!("after {write:?}, {failure:?}"),
            )
            .await;
        }
    }
}

/// A write that is given up, before the storage behind has done it or after that, leaves what is stored to be seen, by
/// loads that came meanwhile, too.
pub async fn a_write_that_nobody_waits_for_leaves_no_copy_that_lies(wrapped: Wrapped) {
    let stored = record(*b"stored");
    for moment in [Moment::BeforeItsWork, Moment::AfterItsWork] {
        for read in [None, Some(Read::Any), Some(Read::Latest)] {
            for write in writes(&stored) {
                let subject = wrapped.known(&stored).await;
                let gate = wrapped.behind.hold(write.call, moment);
                let writing = begin(&write.operation, &subject);
                gate.reached().await;
                let load = read.map(|read| begin(&Operation::Load(read), &subject));
                give_up(writing).await;
                gate.open();
                if let Some(load) = load {
                    drop(in_time("a load during a write", load).await);
                }
                let left = match moment {
                    Moment::BeforeItsWork => Some(Arc::new(stored.clone())),
                    Moment::AfterItsWork => write.leaves(&stored),
                };
                let after = format!("after {write:?} that was given up, {moment:?}");
                shows(&subject, left.as_deref(), &after).await;
            }
        }
    }
}

/// Sessions that are deleted by name, through the index of the wrapper where there is one, are shown by no load, however
/// the deletion ends, and whatever load it has overtaken.
pub async fn sessions_that_are_deleted_by_name_leave_no_copy(wrapped: Wrapped) {
    if wrapped.one.index().is_none() {
        return;
    }
    let stored = record(*b"stored");
    let delete = || -> JoinHandle<()> {
        let one = Arc::clone(&wrapped.one);
        tokio::spawn(async move {
            if let Some(index) = one.index() {
                let _ = index.delete_some("", &record([]).name, 100, NOW).await;
            }
        })
    };
    let subject = wrapped.known(&stored).await;
    drop(in_time("delete_some", delete()).await);
    shows(&subject, None, "after sessions were deleted by name").await;

    let subject = wrapped.unknown(&stored).await;
    let gate = wrapped.behind.hold(Call::Load, Moment::AfterItsWork);
    let load = begin(&Operation::Load(Read::Latest), &subject);
    gate.reached().await;
    drop(in_time("delete_some", delete()).await);
    gate.open();
    drop(in_time("a load", load).await);
    shows(
        &subject,
        None,
        "after sessions were deleted by name during a load",
    )
    .await;

    let subject = wrapped.known(&stored).await;
    wrapped.behind.fail(Call::DeleteSome, Failure::LosesTheReply);
    drop(in_time("delete_some", delete()).await);
    shows(
        &subject,
        None,
        "after sessions were deleted by name, and the reply lost",
    )
    .await;

    let subject = wrapped.known(&stored).await;
    let gate = wrapped.behind.hold(Call::DeleteSome, Moment::AfterItsWork);
    let deletion = delete();
    gate.reached().await;
    give_up(deletion).await;
    shows(&subject, None, "after a deletion by name that was given up").await;
}

/// While a call for one session hangs, those for all others are answered, also for keys that are nearly the same.
pub async fn a_call_that_hangs_holds_up_no_other_session(wrapped: Wrapped) {
    let stored = record(*b"stored");
    let load = Write {
        call: Call::Load,
        operation: Operation::Load(Read::Latest),
    };
    for hanging in writes(&stored).into_iter().chain([load, Write::create(&stored)]) {
        let subject = match hanging.call {
            Call::Create => Subject::unused(&wrapped.one),
            _ => wrapped.unknown(&stored).await,
        };
        let gate = wrapped.behind.hold(hanging.call, Moment::BeforeItsWork);
        let hung = begin(&hanging.operation, &subject);
        gate.reached().await;
        for other in neighbours(&subject) {
            in_time("create", other.create(&stored, NOW)).await;
            for read in [Read::Any, Read::Latest] {
                in_time("load", Operation::Load(read).on(&other, NOW)).await;
            }
            for write in writes(&stored) {
                in_time(write.operation.name(), write.operation.on(&other, NOW)).await;
            }
        }
        give_up(hung).await;
        gate.open();
    }
}
