//! Fix-ups: a JSON patch beside a document.

use serde_json::json;

use crate::project::{Project, changed, document};

const AT: &str = "/paths/~1acme~1one/post/requestBody/content/application~1json/schema/properties";

#[test]
fn a_patch_corrects_the_document_beside_it_and_only_that() {
    let project = Project::new(&[("a/one.json", document("acme/one")), ("two.json", document("acme/two"))]);
    project.generate();
    let before = project.files();
    let add = json!([{ "op": "add", "path": format!("{AT}/size"), "value": { "type": "integer" } }]);
    project.put("a/one.patch.json", add.to_string());
    let summary = project.generate();
    assert_eq!(summary.documents, 2);
    assert_eq!(changed(&before, &project.files()), ["MANIFEST", "acme/one.rs"]);
    assert!(project.files()["acme/one.rs"].contains("pub size: Option<i64>"));
    assert!(project.generate().is_current());

    // Another patch is another document.
    project.put("a/one.patch.json", add.to_string().replace("size", "width"));
    project.generate();
    assert!(project.files()["acme/one.rs"].contains("pub width: Option<i64>"));
    project.remove("a/one.patch.json");
    project.generate();
    assert_eq!(project.files(), before);
}

#[test]
fn a_patch_that_does_not_apply_or_has_no_document_is_an_error() {
    let project = Project::new(&[("one.json", document("acme/one"))]);
    let remove = json!([{ "op": "remove", "path": format!("{AT}/gone") }]);
    project.put("one.patch.json", remove.to_string());
    project.put("other.patch.json", "[]");
    assert_eq!(
        project.findings(),
        ["schemas/other.patch.json: the patch is for other.json, which is not beside it; remove it or rename it"]
    );
    project.remove("other.patch.json");
    assert_eq!(
        project.findings(),
        [format!(
            "schemas/one.patch.json at /0: the patch no longer applies: there is nothing at \"{AT}/gone\"; mend it, or remove \
             it if fal has mended the document"
        )]
    );
    project.put("one.patch.json", "[]");
    assert_eq!(project.findings(), ["schemas/one.patch.json: the patch changes nothing any more; remove it"]);
    project.put("one.patch.json", "{");
    assert!(project.findings()[0].starts_with("schemas/one.patch.json: this is not a JSON patch"));
}
