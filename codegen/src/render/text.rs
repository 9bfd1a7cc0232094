//! Tokens to text.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::quote;

use super::PREAMBLE;

/// A file in the making, an item after the other.
pub(super) struct Text(String);

impl Text {
    pub(super) fn new() -> Self {
        Text(format!("{PREAMBLE}\n"))
    }

    /// Adds items, with an empty line before them.
    pub(super) fn add(&mut self, items: TokenStream) {
        self.0.push('\n');
        self.0.push_str(&pretty(items));
    }

    /// Adds a call of one of the runtime's macros, which takes tables.
    pub(super) fn add_macro(&mut self, name: &str, tables: &[Table]) {
        self.0.push_str(&format!("\n::fal_client::__private::{name}! {{"));
        for (place, table) in tables.iter().enumerate() {
            self.0.push_str(if place > 0 { "\n\n" } else { "\n" });
            table.print(&mut self.0);
        }
        self.0.push_str("\n}\n");
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A struct or an enum as the runtime's macros take it: an item, with marks behind its fields or variants that say the
/// rest. It is printed here, for prettyplease takes nothing but Rust.
pub(super) struct Table {
    pub(super) docs: Vec<String>,
    /// `pub struct Input`.
    pub(super) head: TokenStream,
    /// `None` for a struct that ends with its head.
    pub(super) rows: Option<Vec<Row>>,
}

/// A field or a variant.
pub(super) struct Row {
    pub(super) docs: Vec<String>,
    /// `pub seed: Option<i64>`.
    pub(super) item: TokenStream,
    /// `set(maybe_seed: i64)`.
    pub(super) marks: Vec<TokenStream>,
}

impl Table {
    fn print(&self, text: &mut String) {
        let mut line = |indent: usize, line: &str| {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(format!("{:1$}{line}", "", INDENT * indent).trim_end());
        };
        let doc_line = |doc: &String| format!("/// {doc}");
        self.docs.iter().map(doc_line).for_each(|doc| line(1, &doc));
        let head = compact(&self.head);
        let Some(rows) = &self.rows else { return line(1, &format!("{head};")) };
        line(1, &format!("{head} {{"));
        for row in rows {
            row.docs.iter().map(doc_line).for_each(|doc| line(2, &doc));
            let item = compact(&row.item);
            let marks: Vec<String> = row.marks.iter().map(compact).collect();
            let whole = match &marks[..] {
                [] => format!("{item},"),
                marks => format!("{item} {{ {} }},", marks.join(" ")),
            };
            if marks.is_empty() || 2 * INDENT + whole.len() <= WIDTH {
                line(2, &whole);
            } else {
                line(2, &format!("{item} {{"));
                marks.iter().for_each(|mark| line(3, mark));
                line(2, "},");
            }
        }
        line(1, "}");
    }
}

const INDENT: usize = 4;

/// Where a field's line would be longer, each mark gets one of its own, however long it is.
const WIDTH: usize = 110;

/// Tokens in one line, spaced as one writes them.
fn compact(tokens: &TokenStream) -> String {
    let mut text = String::new();
    let mut after_word = false;
    let mut after_colon = false;
    for token in tokens.clone() {
        let is_word = matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_));
        if is_word && after_word {
            text.push(' ');
        }
        let mut colon = false;
        match token {
            TokenTree::Group(group) => {
                let inner = compact(&group.stream());
                text.push_str(&match group.delimiter() {
                    Delimiter::Parenthesis => format!("({inner})"),
                    Delimiter::Bracket => format!("[{inner}]"),
                    Delimiter::Brace => format!(" {{ {inner} }}"),
                    Delimiter::None => inner,
                });
            }
            TokenTree::Punct(punct) => match (punct.as_char(), punct.spacing()) {
                (',', _) => text.push_str(", "),
                ('=', Spacing::Alone) => text.push_str(" = "),
                ('=', Spacing::Joint) => text.push_str(" ="),
                ('>', _) if text.ends_with('=') => text.push_str("> "),
                // The path separator is two colons, of which the first is joint.
                (':', Spacing::Alone) if !after_colon => text.push_str(": "),
                (':', spacing) => {
                    text.push(':');
                    colon = spacing == Spacing::Joint;
                }
                (other, _) => text.push(other),
            },
            word => text.push_str(&word.to_string()),
        }
        after_word = is_word;
        after_colon = colon;
    }
    text
}

/// Doc comments of an item.
pub(super) fn docs(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| spaced(line));
    quote! { #(#[doc = #lines])* }
}

/// Doc comments of a file.
pub(super) fn file_docs(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| spaced(line));
    quote! { #(#![doc = #lines])* }
}

fn spaced(line: &str) -> String {
    if line.is_empty() { String::new() } else { format!(" {line}") }
}

/// Lays out items, with an empty line between the functions of a block.
fn pretty(items: TokenStream) -> String {
    let text = match syn::parse2::<syn::File>(items.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        // Not reached by what is rendered here; the text is the same, in one line.
        Err(_) => format!("{items}\n"),
    };
    let mut spaced = String::with_capacity(text.len());
    let mut after_function = false;
    for line in text.lines() {
        if after_function && line != "}" {
            spaced.push('\n');
        }
        spaced.push_str(line);
        spaced.push('\n');
        after_function = line == "    }";
    }
    spaced
}
