//! The sections of fal's documentation.

use std::collections::HashSet;

use fal_emulator::Operation;

#[test]
fn readme_names_the_section_of_every_operation() {
    let readme = include_str!("../../README.md");
    for operation in Operation::ALL {
        let (section, url) = operation.section().split_once(": ").unwrap();
        assert!(!section.is_empty() && url.starts_with("https://fal.ai/docs/"), "{operation:?}");
        assert!(readme.contains(&format!("]({url})")), "the README has no route of {operation:?}, {url}");
    }
    let unique: HashSet<_> = Operation::ALL.iter().collect();
    assert_eq!(unique.len(), Operation::ALL.len());
}
