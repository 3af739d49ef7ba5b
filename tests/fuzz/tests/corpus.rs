//! Each target holds for every input of its corpus.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::BTreeSet,
    fs, panic,
    path::{Path, PathBuf},
};

use fuzz_targets::TARGETS;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Gives the target every file of its corpus, and nothing as well.
#[track_caller]
fn replay(target: &str) {
    let (_, run) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let files = files(&corpus(target));
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    run(&[]);
    let fail = |file: &PathBuf| {
        let data = fs::read(file).unwrap();
        assert!(!data.is_empty(), "{} is empty", file.display());
        panic::catch_unwind(|| run(&data)).is_err()
    };
    let failed: Vec<_> = files.into_iter().filter(fail).collect();
    assert!(failed.is_empty(), "{target} does not hold for {failed:?}");
}

macro_rules! replays {
    ($($name:ident: $target:literal,)*) => {
        $(
            #[test]
            fn $name() {
                replay($target);
            }
        )*

        #[test]
        fn every_target_is_replayed_and_fuzzed_and_every_corpus_is_a_targets() {
            let replayed = BTreeSet::from([$($target.to_owned()),*]);
            let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            let named = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
            let here = Path::new(env!("CARGO_MANIFEST_DIR"));
            let programs: BTreeSet<_> = files(&here.join("fuzz/fuzz_targets")).iter().map(named).collect();
            let corpora: BTreeSet<_> = files(&here.join("corpus")).iter().map(named).collect();
            assert_eq!(targets, replayed);
            assert_eq!(targets, programs);
            assert_eq!(targets, corpora);
        }
    };
}

replays! {
    bincode_reads_its_corpus: "bincode_reader",
    cookies_are_read_as_the_standard_says: "cookie_reader",
    whatever_stands_in_files_of_a_directory_is_a_session_or_none: "directory_files",
    json_reads_its_corpus: "json_reader",
    records_are_read_and_written_as_themselves: "record_reader",
    rosters_are_read_and_written_as_themselves: "roster_reader",
    only_what_was_sealed_for_a_session_is_opened: "sealed_records",
    only_tokens_that_were_made_are_sessions: "token_reader",
}
