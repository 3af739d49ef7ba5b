//! What the compiler says to a mistake in an application. The expected texts are those of the toolchain in
//! `rust-toolchain.toml`; `TRYBUILD=overwrite cargo test -p sessions-actix --test ui` writes them anew.

#[test]
fn mistakes_of_an_application_are_told_in_our_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}
