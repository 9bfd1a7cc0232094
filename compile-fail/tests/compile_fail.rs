//! What does not compile, and what the compiler says then.

#[test]
fn wrong_inputs_do_not_compile() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
