//! The paths of a source file that lead to modules of its own crate.

use super::tokens::{Token, tokens};

/// A path that is imported, or that begins with `crate`, `self`, `super` or the crate's own name.
#[derive(Debug)]
pub(crate) struct UsedPath {
    pub(crate) line: usize,
    /// The inline modules (`mod name { … }`) around it.
    pub(crate) inline_modules: Vec<String>,
    /// The last one is `*` for a glob.
    pub(crate) segments: Vec<String>,
    /// The name that an import gives it.
    pub(crate) name: String,
}

#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) paths: Vec<UsedPath>,
    /// Macros by example that the file defines.
    pub(crate) macros: Vec<String>,
}

pub(crate) fn read(source: &str, crate_name: &str) -> Source {
    let tokens = tokens(source);
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let mut found = Source::default();
    let mut inline_modules: Vec<(String, usize)> = Vec::new();
    let (mut index, mut depth) = (0, 0_usize);
    while index < tokens.len() {
        match text(index) {
            "mod" if text(index + 2) == "{" => inline_modules.push((text(index + 1).to_owned(), depth)),
            "macro_rules" if text(index + 1) == "!" => found.macros.push(text(index + 2).to_owned()),
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline_modules.pop_if(|(_, outer)| *outer == depth);
            }
            "use" if text(index + 1) != "<" => {
                let mut tree = Tree { tokens: &tokens, index: index + 1, leaves: Vec::new() };
                tree.read(&[]);
                index = tree.index;
                add(&mut found.paths, tree.leaves, &inline_modules);
                continue;
            }
            word if text(index + 1) == "::" && (matches!(word, "crate" | "self" | "super") || word == crate_name) => {
                let mut tree = Tree { tokens: &tokens, index, leaves: Vec::new() };
                tree.read(&[]);
                index = tree.index;
                add(&mut found.paths, tree.leaves, &inline_modules);
                continue;
            }
            _ => {}
        }
        index += 1;
    }
    found
}

fn add(paths: &mut Vec<UsedPath>, leaves: Vec<Leaf>, inline_modules: &[(String, usize)]) {
    for Leaf { line, segments, name } in leaves {
        let inline_modules = inline_modules.iter().map(|(name, _)| name.clone()).collect();
        paths.push(UsedPath { line, inline_modules, segments, name });
    }
}

struct Leaf {
    line: usize,
    segments: Vec<String>,
    name: String,
}

/// A tree of imports. A path in code is one without branches.
struct Tree<'a> {
    tokens: &'a [Token],
    index: usize,
    leaves: Vec<Leaf>,
}

impl Tree<'_> {
    fn read(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let line = loop {
            match self.text() {
                "::" => self.index += 1,
                "{" => {
                    self.index += 1;
                    while !matches!(self.text(), "}" | "") {
                        self.read(&segments);
                        if self.text() == "," {
                            self.index += 1;
                        }
                    }
                    self.index += 1;
                    return;
                }
                _ => {
                    let line = self.line();
                    segments.push(self.text().to_owned());
                    self.index += 1;
                    // `<` after `::` are generic arguments.
                    if self.text() != "::" || self.tokens.get(self.index + 1).is_some_and(|next| next.text == "<") {
                        break line;
                    }
                }
            }
        };
        if segments.len() > 1 {
            segments.pop_if(|last| last == "self");
        }
        let mut name = segments.last().cloned().unwrap_or_default();
        if self.text() == "as" {
            name = self.tokens.get(self.index + 1).map(|token| token.text.clone()).unwrap_or_default();
            self.index += 2;
        }
        self.leaves.push(Leaf { line, segments, name });
    }

    fn text(&self) -> &str {
        self.tokens.get(self.index).map_or("", |token| &token.text)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.index).map_or(0, |token| token.line)
    }
}
