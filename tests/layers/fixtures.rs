//! The check itself, on small crates.

use std::fs;

use super::graph;

const ORDER: &[&str] = &["ground", "middle", "top", "lib"];

/// Findings about a crate whose `lib.rs` has the given text, with one file in each room.
fn findings(lib: &str, rooms: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![("lib.rs", lib), ("ground.rs", ""), ("middle/mod.rs", ""), ("top/mod.rs", "")];
    files.extend(rooms);
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let folder_text = format!("{}/", folder.path().display());
    graph::findings(folder.path(), "krate", ORDER).iter().map(|finding| finding.replace(&folder_text, "")).collect()
}

fn finding(path: &str, text: &str) -> Vec<String> {
    findings(
        "mod ground; mod middle; mod top; pub use top::{Tower, inner as renamed}; pub use other::Attribute;",
        &[(path, text)],
    )
}

#[test]
fn downward_imports_are_accepted() {
    let text =
        "use crate::{ground::Stone, middle};\nuse super::middle::Wall;\nfn f() -> crate::ground::Stone { panic!() }";
    assert_eq!(finding("top/mod.rs", text), [""; 0]);
}

#[test]
fn other_crates_and_child_modules_are_accepted() {
    let text = "mod child;\npub use child::Child;\nuse std::{fmt, top};\nuse self::child::Other;\nuse top::Anything;\nuse crate::Attribute;";
    assert_eq!(finding("ground.rs", text), [""; 0]);
}

#[test]
fn an_upward_import_is_reported_with_its_line() {
    let expected = ["ground.rs:2: `ground` uses `crate::top::Tower` of `top`, which is above it"];
    assert_eq!(finding("ground.rs", "\nuse crate::top::Tower;"), expected);
}

#[test]
fn imports_through_the_crate_root_lead_to_the_defining_room() {
    let expected = ["middle/mod.rs:3: `middle` uses `crate::Tower` of `top`, which is above it"];
    assert_eq!(finding("middle/mod.rs", "use crate::{\n    ground::Stone,\n    Tower,\n};"), expected);
    let expected = ["ground.rs:1: `ground` uses `crate::renamed::Thing` of `top`, which is above it"];
    assert_eq!(finding("ground.rs", "use crate::renamed::Thing;"), expected);
}

#[test]
fn items_of_the_crate_root_are_above_everything() {
    let expected = ["ground.rs:1: `ground` uses `crate::*` of `lib`, which is above it"];
    assert_eq!(finding("ground.rs", "use crate::*;"), expected);
}

#[test]
fn relative_paths_are_followed() {
    let expected =
        ["middle/deep/file.rs:1: `middle` uses `super::super::super::top::Tower` of `top`, which is above it"];
    assert_eq!(finding("middle/deep/file.rs", "use super::super::super::top::Tower;"), expected);
    let expected = ["ground.rs:1: `ground` uses `super::super::top` of `top`, which is above it"];
    assert_eq!(finding("ground.rs", "mod tests { use super::super::top; } use self::a;"), expected);
}

#[test]
fn paths_in_code_and_macros_are_reported() {
    let text = "fn f(x: &[crate::top::Tower]) {\n    krate::middle::f::<u8>();\n}\nmacro_rules! m { () => { $crate::top::X } }";
    let expected = [
        "ground.rs:1: `ground` uses `crate::top::Tower` of `top`, which is above it",
        "ground.rs:2: `ground` uses `krate::middle::f` of `middle`, which is above it",
        "ground.rs:4: `ground` uses `crate::top::X` of `top`, which is above it",
    ];
    assert_eq!(finding("ground.rs", text), expected);
}

#[test]
fn exported_macros_lead_to_the_defining_room() {
    let rooms = [("top/mod.rs", "#[macro_export] macro_rules! tower { () => {} }"), ("ground.rs", "crate::tower!();")];
    let expected = ["ground.rs:1: `ground` uses `crate::tower` of `top`, which is above it"];
    assert_eq!(findings("", &rooms), expected);
}

#[test]
fn comments_and_literals_are_skipped() {
    let text = "// crate::top::A\n/* crate::top /* crate::top */ crate::top */\n/// [`x`](crate::top::B)\n\
        const A: &str = \"\\\"crate::top::C\";\nconst B: &str = r#\"\"crate::top::D\"#;\nconst C: char = '\"';\n\
        const D: char = '\\'';\nfn f<'a>(a: &'a str) {}\nuse r#type::top;\nuse crate::top::E;";
    let expected = ["ground.rs:10: `ground` uses `crate::top::E` of `top`, which is above it"];
    assert_eq!(finding("ground.rs", text)[..], expected);
}

#[test]
fn rooms_outside_the_order_are_reported() {
    assert_eq!(findings("", &[("cellar.rs", "use crate::top::A;")]), ["`cellar` is missing from the order"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lib.rs"), "").unwrap();
    let expected = ["`ground` is in the order but does not exist"];
    assert_eq!(graph::findings(folder.path(), "krate", &["ground", "lib"]), expected);
}
