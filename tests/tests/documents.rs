//! What the documents say is backed by tests that are there.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

use std::{fs, path::Path};

/// What stands in backticks below the table and names neither a file nor a test.
const OTHERS: [&str; 5] = [
    "DirectoryStorage",
    "fsync",
    "strace",
    "synchronous=FULL",
    "without_fsync",
];
/// What a cell may say without a test: there is nothing to show.
const NOTHING_TO_SHOW: [&str; 4] = ["nothing is left", "as behind it", "in the process", "cannot"];

/// Every file and every test that the letters below a table name.
fn claims(page: &str) -> Vec<(String, Vec<String>)> {
    let mut claims = Vec::new();
    // What stands in backticks is every other piece.
    for quoted in page.split('`').skip(1).step_by(2) {
        if quoted.ends_with(".rs") {
            claims.push((quoted.to_owned(), Vec::new()));
        } else if !OTHERS.contains(&quoted)
            && let Some((_, names)) = claims.last_mut()
        {
            names.push(quoted.to_owned());
        }
    }
    claims
}

/// Whether it is run as a test: by itself, as a check of the contract kit, or as the whole kit in a module of that name.
fn is_test(file: &str, source: &str, name: &str) -> bool {
    let (function, module) = (format!("fn {name}("), format!("mod {name} {{"));
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(number, line)| {
        if line.contains(&function) {
            let of_the_kit = file.starts_with("sessions-core/src/storage/contract/");
            // Only what stands right above it is its own.
            let above = lines[..number].iter().rev().take(4);
            let mut attributes = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
            of_the_kit && line.starts_with("pub async fn ")
                || attributes.any(|line| {
                    *line == "#[test]"
                        || line.starts_with("#[tokio::test")
                        || line.starts_with("#[actix_web::test")
                })
        } else if *line == module {
            let mut within = source.lines().skip(number + 1).take_while(|line| *line != "}");
            within.any(|line| line.contains("contract_tests!"))
        } else {
            false
        }
    })
}

/// The letters that a cell leads to.
fn marks(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('(')
        .filter_map(|rest| rest.split_once(')'))
        .map(|(mark, _)| mark)
        .filter(|mark| mark.len() <= 2 && mark.starts_with(|first: char| first.is_ascii_lowercase()))
}

#[test]
fn each_test_that_the_page_of_storages_names_is_where_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/storages.md")).unwrap();
    let (above, letters) = page.split_once("## The letters").unwrap();
    // The tables below that are what was measured.
    let (table, _) = above.split_once("## What a feature adds").unwrap();
    let mut tests = 0;
    for (file, names) in claims(letters) {
        let source = fs::read_to_string(root.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for name in &names {
            assert!(is_test(&file, &source, name), "{file} has no test `{name}`");
            tests += 1;
        }
    }
    assert!(tests > 50, "{tests} tests");
    // No letter leads nowhere.
    for mark in marks(table) {
        assert!(letters.contains(&format!("**{mark}**")), "{mark} leads nowhere");
    }
    // No cell is without one. Above the cells are the names of the storages and a line, and what each is for.
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(3);
    let cells = rows.flat_map(|row| row.trim_matches('|').split('|').skip(1).map(str::trim));
    let mut shown = 0;
    for cell in cells {
        assert!(
            NOTHING_TO_SHOW.contains(&cell) || marks(cell).next().is_some(),
            "nothing shows that: {cell}"
        );
        shown += 1;
    }
    assert!(shown > 40, "{shown} cells");
}

/// The strings of a constant of this name in the derive's source.
fn options_of(source: &str, list: &str) -> Vec<String> {
    let (_, rest) = source.split_once(&format!("const {list}: ")).unwrap();
    let (_, rest) = rest.split_once("= [").unwrap();
    let (list, _) = rest.split_once(']').unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_of_options_has_each_option_of_the_derive_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/attributes.md")).unwrap();
    let derive = fs::read_to_string(root.join("sessions-derive/src/attr/words.rs")).unwrap();
    let described: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("### "))
        .flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect();
    let mut known = options_of(&derive, "STRUCT");
    known.extend(options_of(&derive, "COOKIE"));
    known.push("principal".to_owned());
    assert_eq!(described, known);
}
