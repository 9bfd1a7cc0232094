//! Options that select endpoints and lay out the code.

use serde_json::json;

use crate::project::{Project, document};

fn project() -> Project {
    Project::new(&[
        ("a.json", document("acme/flux")),
        ("b.json", document("acme/flux/dev")),
        ("c.json", document("acme/sdxl/image-to-image")),
        ("d.json", document("other/flux")),
    ])
}

fn modules(project: &Project) -> Vec<String> {
    project.files().into_keys().filter(|path| path.ends_with(".rs") && path != "mod.rs").collect()
}

#[test]
fn patterns_over_ids_select_endpoints() {
    let project = project();
    project.builder().include("acme/flux").include("acme/flux/**").generate().unwrap();
    assert_eq!(modules(&project), ["acme.rs", "acme/flux.rs", "acme/flux/dev.rs"]);
    project.builder().exclude("**/flux").generate().unwrap();
    assert_eq!(
        modules(&project),
        ["acme.rs", "acme/flux.rs", "acme/flux/dev.rs", "acme/sdxl.rs", "acme/sdxl/image_to_image.rs"]
    );
    let error = project.builder().include("acme/fluks").exclude("x/**").generate().unwrap_err().to_string();
    assert!(error.contains("pattern `acme/fluks` matches no endpoint id"), "{error}");
    assert!(error.contains("pattern `x/**` matches no endpoint id"), "{error}");
}

#[test]
fn undocumented_endpoint_can_be_selected() {
    let models = json!({ "models": [
        { "endpoint_id": "acme/one", "openapi": document("acme/one") },
        { "endpoint_id": "acme/live", "openapi": { "error": { "code": "expansion_failed" } } },
    ] });
    let project = Project::new(&[("page.json", models)]);
    let summary = project.builder().include("acme/live").generate().unwrap();
    assert_eq!((summary.documents, summary.lost.len()), (0, 1));
    assert_eq!(project.builder().exclude("acme/live").generate().unwrap().documents, 1);
    assert!(project.files()["REPORT.md"].ends_with("The generated code expresses every schema in full.\n"));
}

#[test]
fn features_gate_apps() {
    let project = project();
    project.builder().features(true).generate().unwrap();
    let files = project.files();
    assert!(files["acme.rs"].contains("#[cfg(feature = \"acme-flux\")]\npub mod flux;"), "{}", files["acme.rs"]);
    assert_eq!(files["acme.rs"].matches("#[cfg(feature = \"acme-flux\")]").count(), 2);
    assert!(!files["acme/flux.rs"].contains("cfg(feature"));
    assert!(files["features.toml"].ends_with("[features]\nacme-flux = []\nacme-sdxl = []\nother-flux = []\n"));
    project.generate();
    assert!(!project.files().contains_key("features.toml"));
    assert!(!project.files()["acme.rs"].contains("cfg(feature"));
}

#[test]
fn too_many_features_are_rejected() {
    let project = Project::new(&[]);
    for number in 0..301 {
        project.put(&format!("{number}.json"), document(&format!("acme/app{number}")).to_string());
    }
    let error = project.builder().features(true).generate().unwrap_err().to_string();
    assert!(error.contains("301 apps need 301 features, but a published crate may have at most 300"), "{error}");
    project.builder().features(true).exclude("acme/app7").generate().unwrap();
}

#[test]
fn trait_name_is_configurable_and_checked() {
    let project = project();
    project.builder().trait_name("MyEndpoints").generate().unwrap();
    let root = project.files()["mod.rs"].clone();
    assert!(root.contains("pub trait MyEndpoints {") && root.contains("impl MyEndpoints for ::fal_client::Client"));
    for name in ["", "a b", "Self", "_", "3d", "x: Evil {} trait Y"] {
        let error = project.builder().trait_name(name).generate().unwrap_err().to_string();
        assert!(error.contains("invalid trait name `"), "{error}");
    }
}
