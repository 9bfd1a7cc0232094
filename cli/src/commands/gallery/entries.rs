//! The results in a folder, with their parameters.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use fal_client::Media;
use fal_jobs::{Filter, Journal, Record, State};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::PAGE;
use super::embed::Kind;
use crate::commands::batch::RESULTS;
use crate::context::Context;
use crate::error::Error;
use crate::online;

/// The deepest folder that is read, below the folder of the gallery.
const MAX_DEPTH: u32 = 8;

/// The longest line of results that is read, in bytes.
const MAX_LINE: u64 = 64 << 20;

/// The fields that describe a result, in the order of their precedence.
const PROMPTS: [&str; 5] = ["prompt", "text", "gen_text", "lyrics", "script"];

/// A result: the files of a job, or a file alone.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The row of a batch.
    pub(super) row: Option<u64>,
    pub(super) key: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) input: Map<String, Value>,
    /// The seed of the output.
    pub(super) seed: Option<String>,
    pub(super) files: Vec<Shown>,
    /// The cost in US dollars as decimal text.
    pub(super) cost: Option<String>,
    pub(super) milliseconds: Option<i64>,
    pub(super) error: Option<String>,
    /// The time of the end, in milliseconds since 1970.
    finished_at: Option<i64>,
    /// The folder of the files, below that of the gallery.
    folder: PathBuf,
}

/// A file of a result.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) path: PathBuf,
    /// True if the output says that the file is unsafe.
    pub(super) is_flagged: bool,
}

impl Entry {
    /// Returns the text that describes the result, if the input has one.
    pub(super) fn prompt(&self) -> Option<&str> {
        let texts = PROMPTS.iter().filter_map(|name| self.input.get(*name)?.as_str());
        texts.map(str::trim).find(|text| !text.is_empty())
    }

    /// Returns the kinds of the files.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.files.iter().map(|file| super::embed::kind(&file.path).0).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

/// A line of `results.jsonl`. Unknown and wrong fields are left out.
#[derive(Debug, Deserialize)]
struct Line {
    row: u64,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    input: Map<String, Value>,
    #[serde(default)]
    output: Value,
    #[serde(default)]
    files: Vec<LineFile>,
    #[serde(default)]
    cost: Option<String>,
    #[serde(default)]
    milliseconds: Option<i64>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LineFile {
    file: String,
    #[serde(default)]
    is_flagged: Option<bool>,
}

/// The files of a folder and its folders that are not shown yet, by their folder and name.
#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, HashMap<String, PathBuf>>,
}

/// Collects the results: those of batches by their rows, then others by their time, then files alone by their names.
///
/// # Errors
///
/// The folder or a file of results cannot be read. Without the journal, only its parameters are missing.
pub(super) async fn collect(dir: &Path, context: &Context) -> Result<Vec<Entry>, Error> {
    let mut found = Found::default();
    found.read(dir, MAX_DEPTH)?;
    let (mut entries, mut requests) = (Vec::new(), HashSet::new());
    for folder in found.files.keys().cloned().collect::<Vec<_>>() {
        found.add_lines(&folder, &mut entries)?;
    }
    requests.extend(entries.iter().filter_map(|entry| entry.request_id.clone()));
    let read = async {
        match online::existing_journal(&context.settings)? {
            Some(_) => {
                let journal = online::journal(&context.settings).await?;
                add_records(&journal, &mut found, &requests, &mut entries).await
            }
            None => Ok(()),
        }
    };
    if let Err(error) = read.await {
        context.terminal.note(format_args!("results without parameters, because the journal cannot be read: {error}"));
    }
    let mut rest: Vec<PathBuf> = found.files.into_values().flat_map(HashMap::into_values).collect();
    rest.retain(|file| super::embed::kind(file).0 != Kind::Other);
    rest.sort();
    entries.extend(rest.into_iter().map(|path| Entry {
        files: vec![Shown { path, is_flagged: false }],
        finished_at: Some(i64::MAX),
        ..Entry::default()
    }));
    entries.sort_by(|a, b| {
        let order = |entry: &Entry| (entry.row.is_none(), entry.folder.clone(), entry.row, entry.finished_at);
        order(a).cmp(&order(b))
    });
    Ok(entries)
}

impl Found {
    /// Reads the names in a folder. Hidden files and symbolic links are left out.
    fn read(&mut self, folder: &Path, depth: u32) -> Result<(), Error> {
        let unreadable = |error| Error::io("read", folder, &error);
        let mut files = HashMap::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let file_type = entry.file_type().map_err(unreadable)?;
            if name.starts_with('.') || name == PAGE {
                continue;
            }
            if file_type.is_dir() && depth > 0 {
                self.read(&entry.path(), depth - 1)?;
            } else if file_type.is_file() {
                files.insert(name, entry.path());
            }
        }
        self.files.insert(folder.to_owned(), files);
        Ok(())
    }

    /// Adds the lines of a batch's results in a folder.
    fn add_lines(&mut self, folder: &Path, entries: &mut Vec<Entry>) -> Result<(), Error> {
        let path = folder.join(RESULTS);
        let mut reader = match File::open(&path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("read", &path, &error)),
        };
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes);
            if read.map_err(|error| Error::io("read", &path, &error))? == 0 {
                return Ok(());
            }
            // A batch that was killed may have left a part of a line.
            let Ok(line) = serde_json::from_slice::<Line>(&bytes) else { continue };
            let names = self.files.entry(folder.to_owned()).or_default();
            let shown = line.files.into_iter().filter_map(|file| {
                let path = names.remove(&file.file)?;
                Some(Shown { path, is_flagged: file.is_flagged == Some(true) })
            });
            entries.push(Entry {
                row: Some(line.row),
                key: line.key,
                endpoint: line.endpoint,
                request_id: line.request_id,
                input: line.input,
                seed: seed(&line.output),
                files: shown.collect(),
                cost: line.cost,
                milliseconds: line.milliseconds,
                error: line.error,
                finished_at: None,
                folder: folder.to_owned(),
            });
        }
    }

    /// Takes a file by its name and size, from any folder.
    fn take(&mut self, name: &str, size: u64) -> Option<(PathBuf, PathBuf)> {
        for (folder, files) in &mut self.files {
            let is_it = files.get(name).is_some_and(|path| fs::metadata(path).is_ok_and(|found| found.len() == size));
            if is_it {
                return Some((folder.clone(), files.remove(name)?));
            }
        }
        None
    }
}

/// Adds the completed jobs of the journal that have saved files here.
async fn add_records(
    journal: &Journal,
    found: &mut Found,
    requests: &HashSet<String>,
    entries: &mut Vec<Entry>,
) -> Result<(), Error> {
    let mut records = journal.list(Filter::new().state(State::Completed).newest_first());
    while let Some(record) = records.try_next().await? {
        if record.request_id.as_ref().is_none_or(|id| !requests.contains(id)) {
            entries.extend(entry_of(&record, found));
        }
    }
    Ok(())
}

fn entry_of(record: &Record, found: &mut Found) -> Option<Entry> {
    let saved = record.files();
    if saved.is_empty() {
        return None;
    }
    let output: Value =
        record.output.as_deref().and_then(|output| serde_json::from_str(output).ok()).unwrap_or_default();
    let media = output.media();
    let (mut files, mut folder) = (Vec::new(), PathBuf::new());
    for file in saved {
        let Some((in_folder, path)) = file.file_name.as_ref().and_then(|name| found.take(name, file.size)) else {
            continue;
        };
        let flagged = media.iter().find(|media| media.path == file.path).and_then(|media| media.flagged);
        files.push(Shown { path, is_flagged: flagged == Some(true) });
        folder = in_folder;
    }
    (!files.is_empty()).then(|| Entry {
        key: (!record.key.starts_with(&format!("{}#", record.endpoint))).then(|| record.key.clone()),
        endpoint: Some(record.endpoint.clone()),
        request_id: record.request_id.clone(),
        input: serde_json::from_str(&record.input).unwrap_or_default(),
        seed: seed(&output),
        files,
        cost: record.cost().map(|cost| cost.amount.normalize().to_string()),
        milliseconds: record.finished_at.zip(record.submitted_at).map(|(end, start)| end.saturating_sub(start)),
        finished_at: record.finished_at,
        folder,
        ..Entry::default()
    })
}

/// Returns the seed that a model reports.
fn seed(output: &Value) -> Option<String> {
    output.get("seed").filter(|seed| seed.is_number() || seed.is_string()).map(|seed| match seed {
        Value::String(text) => text.clone(),
        seed => seed.to_string(),
    })
}
