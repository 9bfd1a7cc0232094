//! The *tree* stage: ids become a tree of modules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fal_documents::Finding;

use crate::{names, refusals};

/// A module: an endpoint, a group of endpoints, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// The segments of ids that lead here, such as `fal-ai/flux`.
    pub(crate) prefix: String,
    /// The id of the module's own endpoint.
    pub(crate) endpoint: Option<String>,
    /// The child modules, by name.
    pub(crate) children: BTreeMap<String, Node>,
}

/// Returns the path of an endpoint's module, such as `["fal_ai", "flux", "dev"]`. Two endpoints with the same one cannot be
/// generated together.
pub fn module_path(id: &str) -> Vec<String> {
    let name = |(index, segment)| if index == 0 { names::owner(segment) } else { names::module(segment) };
    id.split('/').enumerate().map(name).collect()
}

impl Node {
    /// Builds the tree. Each endpoint is its id, its file and its location in the file. Fails if two documents have the same
    /// id, or two ids the same module.
    pub(crate) fn root<'a>(
        endpoints: impl IntoIterator<Item = (&'a str, (&'a Path, String))>,
    ) -> Result<Node, Vec<Finding>> {
        let mut root = Node::default();
        let mut files: BTreeMap<Vec<String>, (&str, &Path)> = BTreeMap::new();
        let mut findings = Vec::new();
        for (id, (file, at)) in endpoints {
            let path = module_path(id);
            if let Some((known, other)) = files.get(&path) {
                let reason = match *known == id {
                    true => refusals::duplicate_id(id, other),
                    false => refusals::same_module(id, known, other, &path.join("::")),
                };
                findings.push(Finding::new(file, at, reason));
                continue;
            }
            let mut node = &mut root;
            for (index, segment) in path.iter().enumerate() {
                node = node.children.entry(segment.clone()).or_default();
                let end = id.match_indices('/').nth(index).map_or(id.len(), |(end, _)| end);
                // `flux-2/a` and `flux_2/b` share a group. Its prefix must not depend on the order of the files.
                if node.endpoint.is_none() && (node.prefix.is_empty() || id[..end] < node.prefix[..]) {
                    node.prefix = id[..end].to_owned();
                }
            }
            node.prefix = id.to_owned();
            node.endpoint = Some(id.to_owned());
            files.insert(path, (id, file));
        }
        if findings.is_empty() { Ok(root) } else { Err(findings) }
    }

    /// Returns the number of segments in the prefix.
    pub(crate) fn depth(&self) -> usize {
        if self.prefix.is_empty() { 0 } else { self.prefix.split('/').count() }
    }

    /// Returns true if the module has a `Group`.
    pub(crate) fn is_group(&self) -> bool {
        !self.children.is_empty()
    }

    /// Returns the module of an id.
    pub(crate) fn find(&self, id: &str) -> Option<&Node> {
        module_path(id).iter().try_fold(self, |node, name| node.children.get(name))
    }

    /// Returns true if two modules are generated alike, apart from the endpoint's own types.
    pub(crate) fn looks_like(&self, other: &Node) -> bool {
        let face = |node: &Node| (node.prefix.clone(), node.endpoint.clone(), node.is_group());
        let faces =
            |node: &Node| -> Vec<_> { node.children.iter().map(|(name, node)| (name.clone(), face(node))).collect() };
        face(self) == face(other) && faces(self) == faces(other)
    }

    /// Returns all descendants with the paths of their files, in order.
    pub(crate) fn modules(&self) -> Vec<(PathBuf, &Node)> {
        let mut found = Vec::new();
        self.collect(Path::new(""), &mut found);
        found
    }

    fn collect<'a>(&'a self, folder: &Path, found: &mut Vec<(PathBuf, &'a Node)>) {
        for (name, node) in &self.children {
            found.push((folder.join(format!("{name}.rs")), node));
            node.collect(&folder.join(name), found);
        }
    }
}
