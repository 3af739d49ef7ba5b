//! What the compiler says to a mistake in an application. The expected texts are those of the toolchain in
//! `rust-toolchain.toml`; `TRYBUILD=overwrite cargo test -p messages` writes them anew.

#[test]
fn mistakes_are_told_in_words_of_the_application() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}
