//! Every system can hold the generated files: their names are not reserved, not too long, and differ in more than case.

use std::collections::BTreeSet;

use crate::project::{Project, document};

fn files(ids: &[&str]) -> Vec<String> {
    let project = Project::new(&[]);
    for (number, id) in ids.iter().enumerate() {
        project.put(&format!("{number}.json"), document(id).to_string());
    }
    project.generate();
    let files: Vec<String> = project.files().into_keys().collect();
    let mut folded = BTreeSet::new();
    for path in &files {
        let mut parts: Vec<String> = path.to_lowercase().split('/').map(str::to_owned).collect();
        // A folder must not have the name of a file either.
        while !parts.is_empty() {
            let is_file = parts.join("/") == path.to_lowercase();
            assert!(folded.insert((parts.join("/"), is_file)) || !is_file, "{path}");
            assert!(!is_file || !folded.contains(&(parts.join("/"), false)), "{path}");
            parts.pop();
        }
    }
    files
}

#[test]
fn reserved_names_of_devices_get_an_underscore() {
    for (segment, module) in [
        ("com1", "com1_"),
        ("COM9", "com9_"),
        ("lpt1", "lpt1_"),
        ("Lpt-7", "lpt_7"),
        ("con", "con_"),
        ("NUL", "nul_"),
        ("aux", "aux_"),
        ("prn", "prn_"),
        ("com1.txt", "com1_txt"),
        ("com10", "com10"),
        ("com", "com"),
    ] {
        let found = files(&[&format!("acme/{segment}"), &format!("{segment}/app")]);
        for file in [format!("acme/{module}.rs"), format!("{module}.rs"), format!("{module}/app.rs")] {
            assert!(found.contains(&file), "{file}: {found:?}");
        }
    }
}

#[test]
fn owner_named_like_a_generated_file_does_not_collide_with_it() {
    for owner in ["manifest", "MANIFEST", "Manifest"] {
        let found = files(&[&format!("{owner}/x"), "acme/manifest", "report/x", "features/x", "mod/x"]);
        for file in ["manifest_/x.rs", "acme/manifest.rs", "report/x.rs", "features/x.rs", "mod_/x.rs"] {
            assert!(found.contains(&file.to_owned()), "{file}: {found:?}");
        }
    }
}

#[test]
fn ids_that_differ_in_case_alone_are_rejected() {
    for (one, other, module) in [
        ("a/b", "a/B", "a::b"),
        ("acme/Flux", "ACME/flux", "acme::flux"),
        ("a/com1", "a/COM1", "a::com1_"),
        ("manifest/x", "Manifest/x", "manifest_::x"),
    ] {
        let project = Project::new(&[("1.json", document(one)), ("2.json", document(other))]);
        let found = project.findings();
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains(&format!("both map to the module `{module}`; remove one of the documents")),
            "{found:?}"
        );
    }
}

#[test]
fn longest_names_fit_and_longer_paths_are_rejected_before_anything_is_written() {
    // 128 characters in the id, and an underscore for each upper case letter.
    let segment = "aB".repeat(64);
    let found = files(&[&format!("{segment}/{segment}/{segment}")]);
    let longest = found.iter().flat_map(|path| path.split('/')).map(str::len).max();
    assert!(longest.is_some_and(|longest| longest > 128 && longest < 230), "{found:?}");

    let project =
        Project::new(&[("a.json", document("acme/one")), ("b.json", document(&[&segment[..]; 16].join("/")))]);
    let out = project.out().join([&segment[..]; 8].join("/"));
    let error = project.builder().out_dir(&out).generate().unwrap_err();
    assert!(error.to_string().contains(": path is too long; choose an output folder with a shorter path"), "{error}");
    assert!(std::fs::read_dir(&out).unwrap().next().is_none());
}
