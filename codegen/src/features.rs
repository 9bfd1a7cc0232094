//! `features.toml`: the cargo features of the endpoints' apps.

use crate::mark::MARK;
use crate::render;
use crate::tree::Node;

pub(crate) const FEATURES: &str = "features.toml";

/// The most features that crates.io allows a crate to have.
const MAX_FEATURES: usize = 300;

/// Returns the lines for a crate's `Cargo.toml`.
pub(crate) fn text(tree: &Node) -> Result<String, String> {
    let features: Vec<String> = tree.modules().into_iter().filter_map(|(_, node)| render::feature(node)).collect();
    if features.len() > MAX_FEATURES {
        return Err(format!(
            "{} apps would be as many features, and a published crate may have {MAX_FEATURES}; select endpoints with `include` and \
             `exclude`",
            features.len()
        ));
    }
    let mut text =
        format!("# {MARK}: the features of the endpoints' apps, for Cargo.toml.\n[features]\n");
    features.iter().for_each(|feature| text.push_str(&format!("{feature} = []\n")));
    Ok(text)
}
