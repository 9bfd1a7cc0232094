//! JSON patches that correct documents.

use serde_json::json;

use crate::project::{Project, changed, document};

const AT: &str = "/paths/~1acme~1one/post/requestBody/content/application~1json/schema/properties";

#[test]
fn patch_changes_only_its_own_document() {
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

    // A changed patch counts as a changed document.
    project.put("a/one.patch.json", add.to_string().replace("size", "width"));
    project.generate();
    assert!(project.files()["acme/one.rs"].contains("pub width: Option<i64>"));
    project.remove("a/one.patch.json");
    project.generate();
    assert_eq!(project.files(), before);
}

#[test]
fn stale_or_orphaned_patch_is_an_error() {
    let project = Project::new(&[("one.json", document("acme/one"))]);
    let remove = json!([{ "op": "remove", "path": format!("{AT}/gone") }]);
    project.put("one.patch.json", remove.to_string());
    project.put("other.patch.json", "[]");
    assert_eq!(
        project.findings(),
        ["schemas/other.patch.json: no document `other.json` next to this patch; rename or remove the patch"]
    );
    project.remove("other.patch.json");
    assert_eq!(
        project.findings(),
        [format!(
            "schemas/one.patch.json at /0: patch does not apply: there is nothing at `{AT}/gone`; update it, or remove it \
             if fal has fixed the document"
        )]
    );
    project.put("one.patch.json", "[]");
    assert_eq!(project.findings(), ["schemas/one.patch.json: patch has no effect; remove it"]);
    project.put("one.patch.json", "{");
    assert!(project.findings()[0].starts_with("schemas/one.patch.json: invalid JSON patch"));
}
