//! What the documents say is backed by tests that are there.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{fs, path::Path};

/// Every file and every test that the letters below a table name.
fn claims(page: &str) -> Vec<(String, Vec<String>)> {
    let mut claims = Vec::new();
    // What stands in backticks is every other piece.
    for quoted in page.split('`').skip(1).step_by(2) {
        if quoted.ends_with(".rs") {
            claims.push((quoted.to_owned(), Vec::new()));
        } else if quoted.contains('_')
            && let Some((_, names)) = claims.last_mut()
        {
            names.push(quoted.to_owned());
        }
    }
    claims
}

#[test]
fn each_test_that_the_page_of_storages_names_is_where_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/storages.md")).unwrap();
    let (table, letters) = page.split_once("## The letters").unwrap();
    let mut tests = 0;
    for (file, names) in claims(letters) {
        let source = fs::read_to_string(root.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for name in names.iter().filter(|name| *name != "without_fsync") {
            let there = [format!("fn {name}("), format!("mod {name} {{")];
            assert!(
                there.iter().any(|there| source.contains(there)),
                "{file} has no `{name}`"
            );
            tests += 1;
        }
    }
    assert!(tests > 50, "{tests} tests");
    // No cell leads nowhere.
    for mark in table
        .split('(')
        .filter_map(|rest| rest.split_once(')'))
        .map(|(mark, _)| mark)
        .filter(|mark| mark.len() <= 2 && mark.starts_with(|first: char| first.is_ascii_lowercase()))
    {
        assert!(letters.contains(&format!("**{mark}**")), "{mark} leads nowhere");
    }
}
