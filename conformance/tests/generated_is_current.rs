//! What is committed in `generated/` is what `schemas/` give, byte by byte.

use std::path::Path;

#[test]
fn generated_is_current() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
    let summary = fal_codegen::Builder::new().schemas(root.join("schemas")).out_dir(root.join("generated")).check()?;
    assert!(
        summary.is_current(),
        "out of date: {:?}, left over: {:?}; run `cargo build` at the root of the workspace",
        summary.written,
        summary.removed
    );
    Ok(())
}
