//! The *render* stage: the model becomes text. It cannot fail.

mod endpoint;
mod example;
mod group;
mod items;
mod rules;
mod text;
mod types;

pub(crate) use endpoint::module;
pub(crate) use example::{Call, MODULE_PATH, call};
pub(crate) use group::{feature, root};

/// The settings of the text.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The name of the root's trait.
    pub(crate) trait_name: String,
    /// Puts each app's module behind a cargo feature.
    pub(crate) features: bool,
    /// The path of the root module as another crate sees it. The examples compile as documentation tests then.
    pub(crate) module_path: Option<String>,
}
