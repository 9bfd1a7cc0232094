//! The *lower* stage: turns normalised schemas into the model.
//!
//! [`walk`] descends into a schema and decides what each part becomes. Inline shapes get names, prose and bounds move into
//! the model, and typify decides the Rust type of what remains ([`types`](crate::types)).

mod accepted;
mod deprecation;
mod docs;
mod draft;
mod endless;
mod examples;
mod file_limits;
mod media;
mod members;
mod records;
mod rules;
mod stated;
mod unions;
mod unused;
mod walk;

use fal_documents::{Document, Finding};

pub(crate) use self::unused::unused;
use self::walk::Walk;
use crate::model::{Endpoint, Role};
use crate::{prose, refusals, types};

/// Lowers a document to an endpoint.
pub(crate) fn lower(document: &Document) -> Result<Endpoint, Finding> {
    let mut walk = Walk::new(document);
    walk.root("Input", Role::Input, &document.input);
    walk.root("Output", Role::Output, &document.output);
    let refused = |reason| Finding::new(&document.file, &document.id_at, reason);
    if walk.has_exceeded() {
        return Err(refused(refusals::too_many_parts(&document.id)));
    }
    let Walk { mut drafts, mut notes, .. } = walk;
    if !endless::cut(&mut drafts, &mut notes) {
        return Err(refused(refusals::too_many_cycles(&document.id)));
    }
    let items = types::decide(drafts)
        .map_err(|reason| Finding::new(&document.file, &document.at, refusals::untyped(&document.id, &reason)))?;
    let notes = notes.into_iter().map(|note| format!("{}: {}", prose::code(&note.at), note.text)).collect();
    Ok(Endpoint { id: document.id.clone(), category: document.category.clone(), items, notes })
}
