//! What the compiler says to a mistake. The expected texts are those of the toolchain in `rust-toolchain.toml`;
//! `TRYBUILD=overwrite cargo test -p sessions-derive --test ui` writes them anew.

#[test]
fn mistakes_are_told_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}
