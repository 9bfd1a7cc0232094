//! Checks that wrong uses do not compile, and the compiler's messages about them.

use std::process::Command;

/// The compiler that wrote `cases/*.stderr`. Other versions word their messages differently.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn wrong_uses_are_rejected_with_the_expected_messages() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("a compiler").stdout;
    let version = String::from_utf8_lossy(&version);
    let version = version.trim();
    if version.starts_with(COMPILER) {
        trybuild::TestCases::new().compile_fail("cases/*.rs");
        return;
    }
    // A developer may use any compiler. In CI a skipped test would hide a change of the messages.
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci, "unexpected compiler `{version}`: the expected messages are those of {COMPILER}x");
    eprintln!("skipped: unexpected compiler `{version}`: the expected messages are those of {COMPILER}x");
}
