//! Many endpoints: those of a category, of an owner, or all.

use fal_client::platform::ModelStatus;
use futures_util::TryStreamExt;

use super::Adding;
use crate::commands::folders::count;
use crate::error::{Error, Exit};
use crate::fetch::{self, BATCH, Fetcher, Outcome};
use crate::folder::Effect;
use crate::layout::plain;
use crate::online::Signals;

/// The models of a page of the list without documents.
const PAGE: u32 = 1_000;

impl Adding<'_> {
    /// Adds the selected endpoints that the folder lacks. Every batch is written before the next one is fetched.
    pub(super) async fn selected(&mut self) -> Result<(), Error> {
        let mut signals = Signals::new()?;
        let ids = tokio::select! {
            ids = self.missing() => ids?,
            _ = signals.next() => return Err(interrupted(0)),
        };
        if self.arguments.dry_run {
            self.report.listed = ids;
            return Ok(());
        }
        let mut fetcher = Fetcher::new(&fetch::client()?);
        let bar = fetch::bar(ids.len(), &self.context.terminal);
        for batch in ids.chunks(BATCH) {
            // Nothing is in the middle of being written while the future waits.
            let fetched = tokio::select! {
                fetched = fetcher.documents(batch, &self.context.terminal) => fetched?,
                _ = signals.next() => return Err(interrupted(self.report.added.len())),
            };
            for fetched in fetched {
                self.place(&fetched.id, fetched.outcome);
            }
            self.folder.save()?;
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Applies a document if it is valid. A selection is not stopped by one that is not.
    fn place(&mut self, id: &str, outcome: Outcome) {
        let text = match outcome {
            Outcome::Document(text) => text,
            Outcome::Undocumented(reason) => return self.report.undocumented.push((id.to_owned(), reason)),
            // It was removed since the list was fetched.
            Outcome::Unknown => return self.report.undocumented.push((id.to_owned(), "removed".to_owned())),
        };
        match fetch::json(id, &text).and_then(|json| self.folder.stage(id, json)) {
            Ok(staged) if matches!(staged.effect, Effect::New) => self.apply(staged),
            Ok(staged) => self.report.kept.push(staged.id),
            Err(error) => self.report.invalid.push((id.to_owned(), error.to_string())),
        }
    }

    /// Lists the selected endpoints that the folder lacks.
    async fn missing(&mut self) -> Result<Vec<String>, Error> {
        let selection = &self.arguments.selection;
        let mut models = fetch::client()?.platform().models().status(ModelStatus::Active).limit(PAGE);
        if let Some(category) = &selection.category {
            models = models.category(category);
        }
        let mut models = models.stream();
        let mut ids = Vec::new();
        while let Some(model) = models.try_next().await? {
            let id = model.endpoint_id;
            let is_of_owner = |owner: &String| id.split('/').next() == Some(owner);
            if !selection.owner.as_ref().is_none_or(is_of_owner) {
                continue;
            }
            match fal_documents::is_id(&id) {
                true if self.folder.has(&id) => self.report.unchanged.push(id),
                true => ids.push(id),
                false => self.report.invalid.push((plain(&id), "it is not a valid endpoint id".to_owned())),
            }
        }
        ids.sort();
        ids.dedup();
        if ids.is_empty() && self.report.unchanged.is_empty() {
            let error = Error::new(Exit::NotFound, "fal has no active endpoints of this selection");
            return Err(error.help("see the categories and owners with `cargo fal search WORDS`"));
        }
        Ok(ids)
    }
}

fn interrupted(added: usize) -> Error {
    Error::new(Exit::Interrupted, format!("interrupted; added {}", count(added, "document")))
        .help("run the command again to continue")
}
