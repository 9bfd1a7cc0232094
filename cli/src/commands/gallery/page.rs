//! The page as HTML. It needs neither scripts nor other files, and filters by style sheets.

use std::io;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::embed::{self, Embedding, Kind};
use super::entries::{Entry, Shown};
use crate::commands::folders::count;

/// The longest heading, in characters.
const MAX_HEADING: usize = 120;

/// The longest alternative text, in characters.
const MAX_ALT: usize = 300;

/// The longest value of a parameter, in characters.
const MAX_VALUE: usize = 20_000;

/// The most endpoints that have a filter.
const MAX_ENDPOINTS: usize = 50;

/// The end of the page.
pub(super) const END: &str = "</main>\n</body>\n</html>\n";

const STYLE: &str = "\
:root { color-scheme: light dark; --back: #fafafa; --card: #fff; --text: #1b1b1f; --weak: #55555e; --line: #d4d4da; --accent: #1d4ed8; --bad: #a61b1b }
@media (prefers-color-scheme: dark) {
  :root { --back: #131316; --card: #1d1d21; --text: #ececf1; --weak: #a9a9b4; --line: #3a3a42; --accent: #8fb4ff; --bad: #ff9a9a }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
header, main { max-width: 100rem; margin: 0 auto; padding: 1rem 1.25rem }
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere }
header p { margin: .25rem 0 .75rem; color: var(--weak) }
fieldset { display: inline-flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0 .75rem .5rem 0; padding: .25rem .75rem .4rem; border: 1px solid var(--line); border-radius: .5rem; max-width: 100%; min-width: 0 }
legend { color: var(--weak); font-size: .85rem }
label { overflow-wrap: anywhere; cursor: pointer }
input { accent-color: var(--accent) }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); gap: 1rem; align-items: start }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; min-width: 0 }
figure { margin: 0; background: var(--back); border-bottom: 1px solid var(--line) }
img, video { display: block; width: 100%; height: auto; max-height: 40rem; object-fit: contain }
audio { display: block; width: 100%; padding: .75rem }
figure a { display: block; padding: .5rem 1rem }
.text { padding: .75rem 1rem 1rem; overflow-wrap: anywhere }
h2 { margin: 0 0 .4rem; font-size: 1rem; font-weight: 600; unicode-bidi: isolate }
.facts { margin: 0; color: var(--weak); font-size: .9rem }
.bad { color: var(--bad); margin: .4rem 0 0; font-size: .9rem }
details { margin-top: .5rem; font-size: .9rem }
figure details { margin: 0; padding: .5rem 1rem }
summary { cursor: pointer; color: var(--accent) }
dl { margin: .5rem 0 0; display: grid; grid-template-columns: minmax(5rem, max-content) minmax(0, 1fr); gap: .2rem .75rem }
dt { color: var(--weak); overflow-wrap: anywhere }
dd { margin: 0; white-space: pre-wrap; unicode-bidi: isolate }
a { color: var(--accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
@media (max-width: 30rem) { header, main { padding: .75rem } dl { grid-template-columns: minmax(0, 1fr) } dd { margin-bottom: .3rem } }
@media print { fieldset { display: none } article { break-inside: avoid } }
";

/// Nothing is loaded but the files, and nothing is run.
const POLICY: &str =
    "default-src 'none'; img-src 'self' file: data:; media-src 'self' file: data:; style-src 'unsafe-inline'";

/// Returns the beginning of the page.
pub(super) fn head(title: &str, entries: &[Entry], endpoints: &[&str]) -> String {
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| entries.iter().any(|entry| entry.kinds().contains(kind))).collect();
    let has_failed = entries.iter().any(|entry| entry.error.is_some());
    let has_flagged = entries.iter().any(|entry| entry.files.iter().any(|file| file.is_flagged));
    let files: usize = entries.iter().map(|entry| entry.files.len()).sum();
    let mut states = Vec::new();
    if has_failed || has_flagged {
        states.push(("ok".to_owned(), "Without problems".to_owned()));
    }
    if has_failed {
        states.push(("failed".to_owned(), "Failed".to_owned()));
    }
    if has_flagged {
        states.push(("flagged".to_owned(), "Flagged as unsafe".to_owned()));
    }
    let kinds: Vec<_> = kinds.into_iter().map(|kind| (kind_class(kind), kind.name().to_owned())).collect();
    let models: Vec<_> =
        endpoints.iter().enumerate().map(|(index, id)| (format!("e{index}"), (*id).to_owned())).collect();
    let filters = [("Endpoint", models), ("Files", kinds), ("State", states)];
    let filters: Vec<_> = filters
        .into_iter()
        .filter(|(name, values)| values.len() > 1 || *name == "State" && !values.is_empty())
        .collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(rules(&filters))) }
            }
            body {
                header {
                    h1 dir="auto" { (title) }
                    p { (count(entries.len(), "result")) ", " (count(files, "file")) }
                    @for (name, values) in &filters {
                        (filter(name, values))
                    }
                }
            }
        }
    };
    // The results and the end follow.
    page.into_string().trim_end_matches("</body></html>").to_owned() + "\n<main>\n"
}

/// Returns the rules that hide what a filter leaves out. Their names do not contain text of others.
fn rules(filters: &[(&str, Vec<(String, String)>)]) -> String {
    let classes = filters.iter().flat_map(|(_, values)| values).map(|(class, _)| class);
    classes.map(|class| format!("body:has(#f-{class}:checked) article:not(.{class}) {{ display: none }}\n")).collect()
}

fn filter(name: &str, values: &[(String, String)]) -> Markup {
    html! {
        fieldset {
            legend { (name) }
            label { input type="radio" name=(name) checked; " All" }
            @for (class, text) in values {
                label { input type="radio" name=(name) id={ "f-" (class) }; " " (text) }
            }
        }
    }
}

/// Returns a result.
///
/// # Errors
///
/// A file cannot be read.
pub(super) fn entry(entry: &Entry, endpoints: &[&str], embedding: &mut Embedding) -> io::Result<String> {
    let heading = heading(entry);
    let alt = entry.prompt().map_or_else(|| heading.clone(), |prompt| shortened(prompt, MAX_ALT));
    let mut figures = Vec::new();
    for (index, file) in entry.files.iter().enumerate() {
        let alt = match entry.files.len() {
            1 => alt.clone(),
            count => format!("{alt} ({} of {count})", index + 1),
        };
        figures.push(figure(file, &alt, embedding)?);
    }
    let is_flagged = entry.files.iter().any(|file| file.is_flagged);
    let mut classes: Vec<String> = entry.kinds().into_iter().map(kind_class).collect();
    let index = entry.endpoint.as_ref().and_then(|id| endpoints.iter().position(|other| other == id));
    classes.extend(index.map(|index| format!("e{index}")));
    classes.extend(entry.error.as_ref().map(|_| "failed".to_owned()));
    classes.extend(is_flagged.then(|| "flagged".to_owned()));
    if entry.error.is_none() && !is_flagged {
        classes.push("ok".to_owned());
    }
    let facts = facts(entry);
    let page = html! {
        article class=(classes.join(" ")) {
            @for figure in &figures { (figure) }
            div.text {
                h2 dir="auto" { (heading) }
                @if !facts.is_empty() { p.facts { (facts.join(" · ")) } }
                @if let Some(error) = &entry.error { p.bad { "Failed: " (shortened(error, MAX_VALUE)) } }
                (parameters(entry))
            }
        }
    };
    Ok(page.into_string() + "\n")
}

fn figure(file: &Shown, alt: &str, embedding: &mut Embedding) -> io::Result<Markup> {
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let url = embedding.url(&file.path)?;
    let content = match embed::kind(&file.path).0 {
        Kind::Image => html! { img src=(url) alt=(alt) loading="lazy" decoding="async"; },
        Kind::Video => html! { video src=(url) controls preload="metadata" aria-label=(alt) {} },
        Kind::Audio => html! { audio src=(url) controls preload="metadata" aria-label=(alt) {} },
        Kind::Other => html! { a href=(url) { (name) } },
    };
    Ok(html! {
        figure {
            @if file.is_flagged {
                details {
                    summary { "Flagged as unsafe: show" }
                    (content)
                }
            } @else {
                (content)
            }
        }
    })
}

/// Returns the first facts: the endpoint, the cost, the time and the seed.
fn facts(entry: &Entry) -> Vec<String> {
    let mut facts: Vec<String> = entry.endpoint.clone().into_iter().collect();
    facts.extend(entry.cost.as_ref().map(|cost| format!("${cost}")));
    facts.extend(entry.milliseconds.map(|time| format!("{:.1} s", time as f64 / 1000.0)));
    let seed =
        entry.seed.clone().or_else(|| entry.input.get("seed").filter(|seed| !seed.is_null()).map(Value::to_string));
    facts.extend(seed.map(|seed| format!("seed {seed}")));
    facts
}

/// Returns all that is known about a result.
fn parameters(entry: &Entry) -> Markup {
    let mut rows: Vec<(String, String)> = entry.input.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    // The prompt comes first, because it is the longest.
    rows.sort_by_key(|(name, _)| name != "prompt");
    let mut others = Vec::new();
    others.extend(entry.key.clone().map(|key| ("Key", key)));
    others.extend(entry.row.map(|row| ("Row", row.to_string())));
    others.extend(entry.request_id.clone().map(|id| ("Request", id)));
    let names = entry.files.iter().filter_map(|file| file.path.file_name());
    others.extend(names.map(|name| ("File", name.to_string_lossy().into_owned())));
    html! {
        details {
            summary { "Details" }
            dl {
                @for (name, value) in &rows {
                    dt { (shortened(name, MAX_HEADING)) }
                    dd dir="auto" { (shortened(value, MAX_VALUE)) }
                }
                @for (name, value) in &others {
                    dt { (name) }
                    dd { (shortened(value, MAX_VALUE)) }
                }
            }
        }
    }
}

/// Returns the heading: the begin of the prompt, or else the key, or else the name of the file.
fn heading(entry: &Entry) -> String {
    let name = || Some(entry.files.first()?.path.file_name()?.to_string_lossy().into_owned());
    let text = entry.prompt().map(str::to_owned).or_else(|| entry.key.clone()).or_else(name);
    let row = || entry.row.map_or_else(|| "Result".to_owned(), |row| format!("Row {row}"));
    shortened(&text.unwrap_or_else(row), MAX_HEADING)
}

/// Returns a value without quotes around strings. Of a data URI, only the part before the bytes.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with("data:") => {
            let head = text.split(',').next().unwrap_or_default();
            format!("{},…", shortened(head, MAX_HEADING))
        }
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn shortened(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

fn kind_class(kind: Kind) -> String {
    kind.name().to_ascii_lowercase()
}

/// Returns the first endpoints, in the order of the results.
pub(super) fn endpoints(entries: &[Entry]) -> Vec<&str> {
    let mut endpoints = Vec::new();
    for endpoint in entries.iter().filter_map(|entry| entry.endpoint.as_deref()) {
        if !endpoints.contains(&endpoint) && endpoints.len() < MAX_ENDPOINTS {
            endpoints.push(endpoint);
        }
    }
    endpoints
}
