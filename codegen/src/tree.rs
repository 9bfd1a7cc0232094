//! Where each endpoint's module stands: ids become a tree of modules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::Finding;
use crate::names;

/// A module: an endpoint, a group of endpoints, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// The id's segments down to here, `fal-ai/flux`.
    pub(crate) prefix: String,
    /// The id of the endpoint that stands here.
    pub(crate) endpoint: Option<String>,
    /// The modules below, by name.
    pub(crate) children: BTreeMap<String, Node>,
}

/// A module's path, `["fal_ai", "flux", "dev"]`.
pub(crate) fn module_path(id: &str) -> Vec<String> {
    id.split('/').map(names::module).collect()
}

impl Node {
    /// The root of the tree of some endpoints, each an id, the file that it comes from, and where it stands in it. Two
    /// documents with one id, and two ids that would have one module, are findings.
    pub(crate) fn root<'a>(
        endpoints: impl IntoIterator<Item = (&'a str, (&'a Path, String))>,
    ) -> Result<Node, Vec<Finding>> {
        let mut root = Node::default();
        let mut files: BTreeMap<Vec<String>, (&str, &Path)> = BTreeMap::new();
        let mut findings = Vec::new();
        for (id, (file, at)) in endpoints {
            let path = module_path(id);
            if let Some((known, other)) = files.get(&path) {
                let other = other.display();
                findings.push(match *known == id {
                    true => Finding::new(file, at, format!("{other} has the id {id} too; remove one of them")),
                    false => Finding::new(
                        file,
                        at,
                        format!(
                            "the ids {id} and {known} (in {other}) would both be the module {}; remove one of them",
                            path.join("::")
                        ),
                    ),
                });
                continue;
            }
            let mut node = &mut root;
            for (place, segment) in path.iter().enumerate() {
                node = node.children.entry(segment.clone()).or_default();
                let end = id.match_indices('/').nth(place).map_or(id.len(), |(end, _)| end);
                // `flux-2/a` and `flux_2/b` have a group in common, which is not called after the file that came first.
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

    /// How many segments of the id lead here.
    pub(crate) fn depth(&self) -> usize {
        if self.prefix.is_empty() { 0 } else { self.prefix.split('/').count() }
    }

    /// Whether a method leads to a `Group`, and not straight to a handle.
    pub(crate) fn is_group(&self) -> bool {
        !self.children.is_empty()
    }

    /// The module of an id.
    pub(crate) fn find(&self, id: &str) -> Option<&Node> {
        module_path(id).iter().try_fold(self, |node, name| node.children.get(name))
    }

    /// Whether a module's file says the same about the modules around it as another's.
    pub(crate) fn looks_like(&self, other: &Node) -> bool {
        let face = |node: &Node| (node.prefix.clone(), node.endpoint.clone(), node.is_group());
        let faces =
            |node: &Node| -> Vec<_> { node.children.iter().map(|(name, node)| (name.clone(), face(node))).collect() };
        face(self) == face(other) && faces(self) == faces(other)
    }

    /// Every module below with its file's path, in order.
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
