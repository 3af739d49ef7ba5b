//! Requests of one session at one time, in every order in which their storage calls can happen, with some of them broken
//! off at any call, and with their responses lost or late: `docs/rotation.md` has what must hold.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

mod ends;
mod explore;
mod names;
mod order;
mod requests;
mod scene;
mod stepped;
mod steps;
#[path = "../engine/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "what the tests of the engine share, of which little is of use here"
)]
mod support;

use std::time::Instant;

use self::{
    explore::{Explored, Orders, explore},
    order::Breaks,
    requests::{ALL, Does},
    scene::{Scene, Shows, VARIANTS, Variant},
};

/// All choices of so many kinds; in every order where it matters who shows what, or comes to which node. Three that come
/// to two nodes are dealt out in one way.
fn choices(variant: Variant, shows: Shows, count: usize) -> Vec<Vec<Does>> {
    let differ = shows.differ() || variant == Variant::Cached && count == 2;
    let mut choices = vec![Vec::new()];
    for _ in 0..count {
        choices = choices
            .into_iter()
            .flat_map(|chosen: Vec<Does>| {
                ALL.into_iter()
                    .filter(|does| differ || chosen.last().is_none_or(|last| last <= does))
                    .map(|does| chosen.iter().copied().chain([does]).collect())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    choices
}

async fn explore_all(variant: Variant, shows: Shows, count: usize, breaks: Breaks) {
    let begun = Instant::now();
    let scene = Scene::new(variant, shows);
    let mut explored = Explored::default();
    for does in choices(variant, shows, count) {
        explored += explore(&scene, &does, breaks, Orders::EveryOther).await.0;
    }
    println!(
        "{variant:?} {shows:?} {count} {breaks:?}: {explored:?}, {:.1?}",
        begun.elapsed()
    );
    // So many there are at least, or something has ended before it began.
    assert!(
        explored.orders > if count == 2 { 500 } else { 20_000 },
        "{explored:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn two_requests_in_every_order_agree() {
    for variant in VARIANTS {
        for shows in variant.shown() {
            explore_all(variant, shows, 2, Breaks::Nothing).await;
        }
    }
}

macro_rules! optimized {
    ($($name:ident: $variants:expr, $shown:ident, $count:literal, $breaks:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        #[cfg_attr(debug_assertions, ignore = "takes minutes where it is not optimized; `tests/run` runs it")]
        async fn $name() {
            for variant in $variants {
                for shows in variant.$shown() {
                    explore_all(variant, shows, $count, $breaks).await;
                }
            }
        }
    )*};
}
optimized! {
    two_requests_of_which_any_are_broken_off_anywhere_agree: VARIANTS, shown, 2, Breaks::AtMost(2);
    three_requests_in_every_order_agree: [Variant::Plain], shown, 3, Breaks::Nothing;
    three_requests_of_which_one_is_broken_off_anywhere_agree:
        [Variant::Plain], shown_alike, 3, Breaks::AtMost(1);
    three_requests_agree_where_conflicts_are_refused:
        [Variant::Rejecting], shown_alike, 3, Breaks::Nothing;
    three_requests_agree_where_tokens_are_renewed_by_themselves:
        [Variant::Renewing], shown_alike, 3, Breaks::Nothing;
    three_requests_agree_where_reuse_ends_the_session:
        [Variant::RevokingReuse], shown_alike, 3, Breaks::Nothing;
    three_requests_agree_where_every_response_has_the_token:
        [Variant::AlwaysSending], shown_alike, 3, Breaks::Nothing;
    three_requests_to_two_nodes_with_caches_agree:
        [Variant::Cached], shown_alike, 3, Breaks::Nothing;
}

/// That only one is tried of the orders that come to the same hides nothing: all end as some that are tried.
#[tokio::test(start_paused = true)]
async fn the_orders_that_are_tried_end_as_all_orders_do() {
    let mut saved = (0, 0);
    for variant in [Variant::Plain, Variant::Rejecting, Variant::Cached] {
        for shows in variant.shown() {
            let scene = Scene::new(variant, shows);
            for does in choices(variant, shows, 2) {
                let tried = explore(&scene, &does, Breaks::Nothing, Orders::EveryOther).await;
                let all = explore(&scene, &does, Breaks::Nothing, Orders::Every).await;
                assert_eq!(tried.1, all.1, "{variant:?}, {shows:?}: {does:?}");
                saved = (saved.0 + tried.0.orders, saved.1 + all.0.orders);
            }
        }
    }
    let scene = Scene::new(Variant::Plain, Shows::Current);
    for (does, breaks) in [
        (&[Does::Update, Does::Renew, Does::Rotate][..], Breaks::Nothing),
        (&[Does::Set, Does::Update, Does::Clear], Breaks::Nothing),
        (&[Does::Look, Does::Renew, Does::GracePasses], Breaks::Nothing),
        (&[Does::Look, Does::SetAndRotate, Does::Revoke], Breaks::AtMost(1)),
        (&[Does::Take, Does::Update], Breaks::AtMost(2)),
        (&[Does::Start, Does::Rotate], Breaks::AtMost(2)),
    ] {
        let tried = explore(&scene, does, breaks, Orders::EveryOther).await;
        let all = explore(&scene, does, breaks, Orders::Every).await;
        assert_eq!(tried.1, all.1, "{does:?}");
        saved = (saved.0 + tried.0.orders, saved.1 + all.0.orders);
    }
    println!("{} orders instead of {}", saved.0, saved.1);
}
