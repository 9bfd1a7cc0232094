//! The search for the files of an output, typed or untyped.

use std::collections::HashMap;

use url::Url;

use super::flags::Flags;
use super::media_file::{MediaFile, MediaKind};
use super::words::{self, Word};
use crate::files::content_type::{self, OCTET_STREAM, essence};
use crate::files::data_uri;
use crate::schema::{AnyField, FieldPath, Parts};

/// Maximum number of files. An output that is large on purpose has as many as fit into its size.
const MAX_FILES: usize = 10_000;

/// Maximum depth, which is that of JSON that the client reads.
const MAX_DEPTH: usize = 128;

/// Maximum bytes of a path.
const MAX_PATH: usize = 4096;

/// The fields that only files have.
const METADATA: [&str; 4] = ["content_type", "file_name", "file_size", "file_data"];

type Fields<'a> = [(&'a str, &'a dyn AnyField)];

/// Returns the files in a value. `skipped` are the paths of the values that were left out when it was read.
pub(crate) fn files(value: &dyn AnyField, skipped: &[String]) -> Vec<MediaFile> {
    let mut search = Search { files: Vec::new(), left_out: left_out(skipped) };
    search.visit(value, Place::default(), &mut FieldPath::default());
    search.files
}

struct Search<'a> {
    files: Vec<MediaFile>,
    /// By the path of an array, the original indices of the items that were left out, in order.
    left_out: HashMap<&'a str, Vec<usize>>,
}

/// The surroundings of a value.
#[derive(Clone, Default)]
struct Place<'a> {
    /// The name of the field that has the value, or an array around it.
    field: &'a str,
    /// The name of the field around that one.
    outer: &'a str,
    flags: Flags,
    depth: usize,
}

impl Search<'_> {
    fn visit(&mut self, value: &dyn AnyField, place: Place<'_>, path: &mut FieldPath) {
        if self.files.len() >= MAX_FILES || place.depth > MAX_DEPTH || path.as_str().len() > MAX_PATH {
            return;
        }
        match value.node().0 {
            Parts::Text(text) if is_file(text, &place) => {
                let file = MediaFile {
                    path: path.as_str().to_owned(),
                    kind: kind(None, &[], None, None, text, place.field),
                    url: text.to_owned(),
                    content_type: None,
                    file_name: None,
                    file_size: None,
                    flagged: place.flags.of_one(),
                };
                self.files.push(file);
            }
            Parts::List { items, has_gaps } => {
                let left_out = self.left_out.get(path.as_str()).filter(|_| has_gaps).cloned().unwrap_or_default();
                let total = items.len() + left_out.len();
                let mut original = 0;
                for (index, item) in items.into_iter().enumerate() {
                    while left_out.binary_search(&original).is_ok() {
                        original += 1;
                    }
                    let flags = place.flags.of_item(original, total);
                    let place = Place { flags, depth: place.depth + 1, ..place };
                    path.visit_item(index, |path| self.visit(item, place, path));
                    original += 1;
                }
            }
            Parts::Object { of, fields } => {
                let flags = Flags::among(&fields).unwrap_or_else(|| place.flags.clone());
                let file = file(of, &fields, place.field, &flags);
                let is_file = file.is_some();
                self.files.extend(file.map(|file| MediaFile { path: path.as_str().to_owned(), ..file }));
                for (name, value) in fields {
                    if is_file && matches!(name, "url" | "file_data") {
                        continue;
                    }
                    let place = Place { field: name, outer: place.field, flags: flags.clone(), depth: place.depth + 1 };
                    path.visit_field(name, |path| self.visit(value, place, path));
                }
            }
            _ => {}
        }
    }
}

/// Groups the paths of the items that were left out by their arrays.
fn left_out(skipped: &[String]) -> HashMap<&str, Vec<usize>> {
    let items = skipped.iter().filter_map(|path| path.strip_suffix(']')?.rsplit_once('['));
    let mut left_out: HashMap<&str, Vec<usize>> = HashMap::new();
    for (array, index) in items {
        if let Ok(index) = index.parse() {
            left_out.entry(array).or_default().push(index);
        }
    }
    left_out.values_mut().for_each(|indices| indices.sort_unstable());
    left_out
}

/// Returns the file that an object is. Its path is set by the caller.
fn file(of: Option<&'static str>, fields: &Fields<'_>, field: &str, flags: &Flags) -> Option<MediaFile> {
    let get = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value.node().0);
    let text = |name: &str| match get(name)? {
        Parts::Text(text) => Some(text).filter(|text| !text.is_empty()),
        _ => None,
    };
    let url = text("url")?;
    let has_metadata = METADATA.iter().any(|name| fields.iter().any(|(key, _)| key == name));
    let is_named = || words::of(field).next().is_some() || of.is_some_and(|of| words::media(of).is_some());
    if !has_metadata && !(is_url(url) && (is_named() || is_named_by_url(url))) {
        return None;
    }
    let (content_type, file_name) = (text("content_type"), text("file_name"));
    let file_size = match get("file_size") {
        Some(Parts::Integer(size)) => u64::try_from(size).ok(),
        _ => None,
    };
    Some(MediaFile {
        path: String::new(),
        kind: kind(of, fields, content_type, file_name, url, field),
        url: url.to_owned(),
        content_type: content_type.map(str::to_owned),
        file_name: file_name.map(str::to_owned),
        file_size,
        flagged: flags.of_one(),
    })
}

/// Returns true if a string is the URL of a file by the name of its field.
fn is_file(text: &str, place: &Place<'_>) -> bool {
    is_url(text)
        && (words::media(place.field).is_some()
            || (words::means_file(place.field) || words::means_files(place.outer)) && is_named_by_url(text))
}

/// Returns true for http, https and data URLs.
fn is_url(text: &str) -> bool {
    if data_uri::is_data_uri(text) {
        return text.contains(',');
    }
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_http = scheme.is_some_and(|scheme| ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http)));
    is_http && !text.contains(char::is_whitespace)
}

/// Returns true if a URL itself says that it leads to a file: it has the bytes, or the name of a file that is not a page, or fal
/// hosts it.
fn is_named_by_url(url: &str) -> bool {
    let is_page = |content_type: &str| content_type.contains("html") || content_type.contains("php");
    data_uri::is_data_uri(url)
        || last_segment(url).as_deref().and_then(content_type::from_name).is_some_and(|known| !is_page(known))
        || Url::parse(url)
            .ok()
            .as_ref()
            .and_then(Url::host_str)
            .is_some_and(|host| host == "fal.media" || host.ends_with(".fal.media"))
}

/// Returns the last segment of the path of a URL.
fn last_segment(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(Url::has_host)?;
    url.path_segments()?.next_back().map(str::to_owned)
}

/// Returns the kind of a file by the first of these that says something.
fn kind(
    of: Option<&str>,
    fields: &Fields<'_>,
    content_type: Option<&str>,
    file_name: Option<&str>,
    url: &str,
    field: &str,
) -> MediaKind {
    let has = |name: &str| fields.iter().any(|(key, value)| *key == name && !matches!(value.node().0, Parts::Null));
    let by_type = || of.and_then(words::media);
    let by_content_type = || content_type.and_then(of_content_type);
    let by_data = || of_content_type(url.get(5..)?.split(',').next()?).filter(|_| data_uri::is_data_uri(url));
    let by_name = || content_type::from_name(file_name?).and_then(of_content_type);
    let by_url = || content_type::from_name(&last_segment(url)?).and_then(of_content_type);
    let by_field = || match words::of(field).next()? {
        Word::Media(kind) => Some(kind),
        Word::File => Some(MediaKind::File),
    };
    let by_fields = || match () {
        () if has("fps") || has("num_frames") => Some(MediaKind::Video),
        () if has("sample_rate") || has("channels") => Some(MediaKind::Audio),
        () if has("width") && has("height") => Some(MediaKind::Image),
        () => None,
    };
    by_type()
        .or_else(by_content_type)
        .or_else(by_data)
        .or_else(by_name)
        .or_else(by_url)
        .or_else(by_field)
        .or_else(by_fields)
        .unwrap_or(MediaKind::File)
}

/// Returns the kind of a media type that says something.
fn of_content_type(content_type: &str) -> Option<MediaKind> {
    let essence = essence(content_type);
    match essence.split_once('/')? {
        ("image", _) => Some(MediaKind::Image),
        ("video", _) => Some(MediaKind::Video),
        ("audio", _) => Some(MediaKind::Audio),
        _ if essence == OCTET_STREAM || essence == "binary/octet-stream" => None,
        _ => Some(MediaKind::File),
    }
}
