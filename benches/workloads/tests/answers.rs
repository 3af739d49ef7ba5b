//! That every contestant does the work that it is measured on.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use actix_web::web::Bytes;
use workloads::{Account, Contestant, Party, WELCOME, Workload, bare, ours, timed};

async fn answer(party: &mut dyn Party, workload: Workload, requests: usize) -> String {
    let (_, answer): (_, Bytes) = timed(party, workload, requests).await.unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}

fn all() -> impl Iterator<Item = Contestant> {
    ours().unwrap().into_iter().chain([bare()])
}

#[actix_web::test]
async fn every_contestant_answers_alike() {
    for contestant in all() {
        let mut party = contestant.start().await.unwrap();
        for &workload in contestant.workloads {
            let answer = answer(&mut *party, workload, 2).await;
            match workload {
                Workload::Anonymous | Workload::Untouched | Workload::Login => assert_eq!(answer, WELCOME),
                Workload::Read => assert_eq!(answer, Account::new().user_id.to_string()),
                Workload::Write => assert_eq!(answer.len(), Account::new().page_views.to_string().len()),
            }
        }
    }
}

#[actix_web::test]
async fn what_is_written_is_read_by_the_next_round() {
    for contestant in all() {
        let mut party = contestant.start().await.unwrap();
        let mut before = Account::new().page_views;
        for _ in 0..3 {
            let now: u32 = answer(&mut *party, Workload::Write, 2).await.parse().unwrap();
            assert!(now > before, "{}: {now} after {before}", contestant.name);
            before = now;
        }
    }
}
