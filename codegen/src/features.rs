//! `features.toml`: the cargo features of the endpoints' apps.

use crate::mark::MARK;
use crate::tree::Node;
use crate::{refusals, render};

pub(crate) const FEATURES: &str = "features.toml";

/// The most features that crates.io allows a crate to have.
const MAX_FEATURES: usize = 300;

/// Returns the lines for a crate's `Cargo.toml`.
pub(crate) fn text(tree: &Node) -> Result<String, String> {
    let features: Vec<String> = tree.modules().into_iter().filter_map(|(_, node)| render::feature(node)).collect();
    if features.len() > MAX_FEATURES {
        return Err(refusals::too_many_features(features.len(), MAX_FEATURES));
    }
    let mut text = format!("# {MARK}: the features of the endpoints' apps, for Cargo.toml.\n[features]\n");
    features.iter().for_each(|feature| text.push_str(&format!("{feature} = []\n")));
    Ok(text)
}
