//! What does not compile, and what the compiler says then.

use std::process::Command;

/// The compiler whose words are in `cases/*.stderr`. Another one says the same in other words.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn wrong_uses_do_not_compile() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("a compiler").stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    if !version.starts_with(COMPILER) {
        eprintln!("skipped: the expected messages are those of {COMPILER}x, and this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
