//! Every sentence about what is wrong with a file, a patch or the form of a document.
//!
//! It states the problem, then the value, then the remedy.

use std::fmt::Display;

use crate::text::{printable, quoted};

// Findings about files and folders.

pub(crate) const NO_FOLDER: &str = "no such folder: create it, or choose another folder of documents";
pub(crate) const NOT_A_FOLDER: &str = "this is a file: name the folder that contains it";
pub(crate) const URL: &str =
    "this is a URL: download the document into a folder with `curl --compressed -o FILE.json URL`, and name the folder";
pub(crate) const NOT_UTF8: &str = "file name has control characters or is not UTF-8; rename the file";
pub(crate) const SPECIAL_FILE: &str = "it is not a regular file; remove or replace it";
pub(crate) const LARGE_FILE: &str = "it has more than 64 MiB; split it, or remove what is not needed";

// Reasons why a file is passed over.

pub(crate) const OTHER_NAME: &str = "names must end in `.json`; rename the file if it is a document";
pub(crate) const UPPER_CASE: &str = "names must end in `.json` in lower case; rename the file";
pub(crate) const YAML_NAME: &str = "YAML is not read; convert it to JSON";
pub(crate) const HIDDEN: &str = "hidden files are not read; rename the file if it is a document";
pub(crate) const LINKED_FOLDER: &str = "links to folders are not followed; copy the folder";
pub(crate) const EMPTY_FOLDER: &str = "this is a folder without documents";

// Findings about files that are not JSON.

pub(crate) const EMPTY: &str = "the file is empty; remove it, or download the document again";
pub(crate) const HTML: &str = "this is a web page (HTML), not JSON; download the document from \
     https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…";
pub(crate) const XML: &str = "this is XML, not JSON; download the document from \
     https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…";
pub(crate) const HEADERS: &str = "the file begins with the headers of an HTTP response; download the document again without \
     `curl -i`, or remove everything before the first `{`";
pub(crate) const PROGRESS: &str = "the file begins with the progress meter of curl; download the document again with \
     `curl -sS -o FILE.json URL`, without `2>&1`";
pub(crate) const LFS_POINTER: &str = "this is a pointer of Git LFS, not the document; run `git lfs pull`";
pub(crate) const YAML: &str = "this is YAML, not JSON; convert it with `yq -o json`";
pub(crate) const BINARY: &str =
    "this is binary data, not JSON; it may be compressed: download the document again with `curl --compressed`";
pub(crate) const COLOURS: &str =
    "the text has the colours of a terminal; write the file without them, for example with `jq -M`";

pub(crate) fn compressed(format: &str) -> String {
    format!("the file is compressed ({format}); decompress it, or download the document with `curl --compressed`")
}

pub(crate) fn archive(format: &str) -> String {
    format!("this is an archive ({format}); unpack it into the folder")
}

pub(crate) fn binary(format: &str) -> String {
    format!("this is a file of another kind ({format}); remove it, or download the document again")
}

pub(crate) fn wide_text(encoding: &str) -> String {
    format!(
        "the text is {encoding}, but JSON must be UTF-8; save it as UTF-8. `>` of Windows PowerShell writes UTF-16: download with \
         `curl -o FILE.json URL` instead"
    )
}

pub(crate) fn not_utf8(line: usize, column: usize) -> String {
    format!(
        "invalid JSON: the text is not UTF-8 at line {line} column {column}; save it as UTF-8, for example with \
         `iconv -f latin1 -t utf-8`, or download the document again"
    )
}

/// A text that ends within a character.
pub(crate) fn half_a_character(line: usize, column: usize) -> String {
    format!("invalid JSON: the text ends inside of a character at line {line} column {column}{BROKEN_OFF}")
}

pub(crate) fn curl_failed(line: &str) -> String {
    format!("this is an error message of curl, not JSON ({line}); download the document again")
}

/// A text without any mark of its kind, such as an error message of a proxy.
pub(crate) fn other_text(first_line: &str, has_object: bool) -> String {
    let first_line: String = first_line.chars().take(MAX_VALUE).collect();
    let or_remove = if has_object { ", or remove everything before the first `{`" } else { "" };
    format!("invalid JSON: the text begins with {}; download the document again{or_remove}", quoted(&first_line))
}

pub(crate) fn merge_conflict(line: usize) -> String {
    format!("the file has an unresolved merge conflict at line {line}; resolve it, or download the document again")
}

// What follows the words of the parser about a syntax error.

pub(crate) const BROKEN_OFF: &str = "; the download may have broken off: download the document again";
pub(crate) const TOO_DEEP: &str = "; at most 128 levels are allowed: remove the part that is nested deeper";
pub(crate) const SECOND_DOCUMENT: &str = "; a second document begins there: put each into a file of its own";
pub(crate) const TRAILING_TEXT: &str = "; there is text after the end of the document: remove it";
pub(crate) const TRAILING_COMMA: &str = "; there is a comma too many before it: remove it";
pub(crate) const SINGLE_QUOTES: &str =
    "; JSON has double quotes, not single ones: write it again with a JSON library, such as `json.dumps` of Python";
pub(crate) const COMMENT: &str = "; JSON has no comments: remove them";
pub(crate) const UNQUOTED_KEY: &str = "; JSON has keys in double quotes: add them";
pub(crate) const OTHER_LITERAL: &str =
    "; JSON has `null`, `true` and `false`, but no `None`, `undefined`, `NaN` or `Infinity`: correct it there";
pub(crate) const CORRECT_IT: &str = "; correct it there, or download the document again";

pub(crate) fn duplicate_key(key: &str) -> String {
    format!("the object has the key {} twice, and the last one counts; remove one of them", quoted(key))
}

// Findings about JSON that is not a document.

pub(crate) const NOT_A_DOCUMENT: &str = "not a document of an endpoint: expected an object, or an array of objects; download the document again from \
     https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…";
pub(crate) const JSON_IN_STRING: &str = "this is JSON inside of a JSON string; decode it, for example with `fromjson` of `jq`, or download the document again";
pub(crate) const NOT_AN_OBJECT: &str = "not an OpenAPI document of fal: expected an object; download the models again from \
     https://api.fal.ai/v1/models?expand=openapi-3.0";
pub(crate) const UNNAMED_PATCH: &str =
    "this is a JSON patch; name it after its document: `NAME.patch.json` is the patch for `NAME.json`";
pub(crate) const SEVERAL_INSIDE: &str =
    "the documents are inside of an object; save them as an array: `jq '[.[]]' FILE`";
pub(crate) const EMPTY_ARRAY: &str =
    "the array of documents is empty; remove the file, or download the documents again";
pub(crate) const PATHS_NOT_AN_OBJECT: &str = "`paths` is not an object; download the document again";
pub(crate) const COMPONENTS_ONLY: &str = "schemas without an endpoint: missing `paths`; download the whole document, or write the \
     short form: {\"endpointId\": \"owner/app\", \"input\": {\"$ref\": \"#/components/schemas/…\"}, \"output\": {…}, \"components\": {…}}";
pub(crate) const JSON_SCHEMA: &str = "this is a JSON Schema without an endpoint; write the short form: {\"endpointId\": \
     \"owner/app\", \"input\": {…}, \"output\": {…}}, each with a schema";
pub(crate) const NO_SHORT_ID: &str = "missing `endpointId`; add the id of the endpoint: \"endpointId\": \"owner/app\"";
pub(crate) const SHORT_ID_NAME: &str = "the short form calls the id `endpointId`; rename this key";
pub(crate) const NO_MODELS: &str = "the list of models is empty; check the query of the request, and that the URL has \
     `expand=openapi-3.0`";
pub(crate) const MODELS_NOT_AN_ARRAY: &str =
    "`models` is not an array; download the models again from https://api.fal.ai/v1/models?expand=openapi-3.0";
pub(crate) const OTHER_MODELS: &str = "these are not the models of fal's platform API: each has an `endpoint_id` and its document in \
     `openapi`; download them from https://api.fal.ai/v1/models?expand=openapi-3.0, or remove the file";
pub(crate) const NOT_EXPANDED: &str = "the documents are missing: no model has `openapi`; add `&expand=openapi-3.0` to the URL, and \
     download the models again";
pub(crate) const ENTRY_NOT_EXPANDED: &str = "the document is missing: the model has no `openapi`; add `&expand=openapi-3.0` to the URL, and download the model again";
pub(crate) const MORE_FINDINGS: &str = "further problems of this file are not listed";

pub(crate) fn swagger(version: &str) -> String {
    format!(
        "this is Swagger {version}, but only OpenAPI 3 is read; convert it, or download the document from \
         https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…",
        version = quoted(version)
    )
}

pub(crate) fn collection(tool: &str) -> String {
    format!(
        "this is a collection of requests ({tool}), not an OpenAPI document; download the document from \
         https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…"
    )
}

/// An object with a document, or an array of them, under another key.
pub(crate) fn inside(key: &str) -> String {
    format!("the document is inside of {}; save that part alone, for example with `jq`", quoted(key))
}

/// An object without any key of a document.
pub(crate) fn no_document_keys(keys: &[&str]) -> String {
    const MAX_KEYS: usize = 5;
    let shown: Vec<String> = keys.iter().take(MAX_KEYS).map(|key| quoted(key)).collect();
    let rest = if keys.len() > MAX_KEYS { ", …" } else { "" };
    let found = if keys.is_empty() { "an empty object".to_owned() } else { format!("{}{rest}", shown.join(", ")) };
    format!(
        "not an OpenAPI document of fal: missing `paths`, found {found}; download the document again from \
         https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=… and do not edit it"
    )
}

// Findings about documents.

pub(crate) const TOO_LARGE: &str =
    "file is too large: it may have 64 MiB, including 32 bytes for each value; split it, or remove what is not needed";
pub(crate) const TOO_MANY_ENDPOINTS: &str =
    "too many endpoints share the components: their copies exceed 64 MiB; split the document, or remove components";
pub(crate) const NO_ENDPOINT_ID: &str = "missing `endpoint_id`; download the models again, or remove this one";
pub(crate) const NO_ID: &str = "missing endpoint id: there are several POST paths to infer it from; write the id here, or remove the \
     paths of other endpoints";
pub(crate) const NO_POST: &str = "no endpoint found: no path accepts a POST request with JSON; download the document of an \
     endpoint from https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…";
pub(crate) fn path_patterns(path: &str) -> String {
    format!(
        "no endpoint found: the paths are patterns, such as {}; download the document of an endpoint from \
         https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…",
        quoted(path)
    )
}

pub(crate) const NO_APP: &str =
    "missing app id: write `owner/app` here, or name the file after the app (`owner/app.json`)";

pub(crate) fn other_service(server: &str) -> String {
    format!(
        "this is the document of another service ({}), not of fal; remove it, or write the app's id `owner/app` here if it is \
         an app of fal",
        quoted(server)
    )
}

/// An error response of fal, in place of a document.
pub(crate) fn error_response(error: &str) -> String {
    let remedy = match error.to_ascii_lowercase() {
        text if text.contains("not found") || text.contains("not_found") || text.contains("does not exist") => {
            "check the endpoint id in the URL"
        }
        text if text.contains("auth") || text.contains("key") || text.contains("forbidden") => "check the API key",
        _ => "check the URL",
    };
    format!(
        "this file holds an error response of fal, not a document ({error}); {remedy}, and download the document again"
    )
}

pub(crate) fn invalid_id(id: &str) -> String {
    format!(
        "invalid endpoint id {}: expected `owner/app` or `owner/app/path` with letters, digits, `-`, `_` and `.`",
        quoted(id)
    )
}

pub(crate) const NO_INPUT: &str =
    "missing schema of the endpoint's input; write it here, directly or with a patch; `{}` stands for any JSON";
pub(crate) const OUTPUT_NOT_A_SCHEMA: &str =
    "the schema of the endpoint's output is not an object; correct or remove it";

/// An input or output of the short form that has no keyword for values, but for example the fields themselves.
pub(crate) fn not_a_schema(what: &str) -> String {
    format!(
        "the endpoint's {what} has no keyword that describes values, so it is any JSON; write its fields below `properties`: \
         {{\"type\": \"object\", \"properties\": {{…}}}}"
    )
}

/// An input that is in another file as a whole.
pub(crate) fn external_input(reference: &str) -> String {
    format!(
        "the schema of the endpoint's input is in another file ({}), and references to other files are not followed; put the \
         schema into this document, directly or with a patch",
        quoted(reference)
    )
}

/// An input in the short form that is a definition which does not exist.
pub(crate) fn missing_definition(name: &str) -> String {
    format!(
        "the schema of the endpoint's input is {}, which is not defined; correct the name, or add the definition",
        quoted(name)
    )
}

/// An input in an OpenAPI document that is a component which does not exist.
pub(crate) fn missing_input(name: &str) -> String {
    format!(
        "the schema of the endpoint's input is {}, which is missing from the document; it may be any JSON. Add it with a patch",
        quoted(name)
    )
}

pub(crate) fn unknown_key(key: &str) -> String {
    format!(
        "unknown key {}, which is not read; the short form has `endpointId`, `input`, `output`, `category` and `$defs`",
        quoted(key)
    )
}

pub(crate) fn conflicting_definitions(name: &str) -> String {
    format!("conflicting definitions of {}; rename one of them", quoted(name))
}

/// A definition inside of a schema that has the name of another component.
pub(crate) fn other_definition(name: &str) -> String {
    format!(
        "conflicting definitions of {name}, and the component {name} counts; rename one of them",
        name = quoted(name)
    )
}

// Findings about patches.

pub(crate) const NO_EFFECT: &str = "patch has no effect; remove it";
pub(crate) const NO_VALUE: &str = "missing `value`";

pub(crate) const TOO_MUCH_PATCHED: &str = "the operations add or move more than 64 MiB";
pub(crate) const PATCHED_TOO_DEEP: &str = "the document would be nested more than 128 levels deep";

pub(crate) fn no_document(name: &str) -> String {
    format!("no document `{name}` next to this patch; rename or remove the patch")
}

pub(crate) fn not_a_patch(reason: &str) -> String {
    format!("invalid JSON patch: {reason}")
}

pub(crate) const NO_OPERATIONS: &str =
    "expected an array of operations: [{\"op\": \"replace\", \"path\": \"/…\", \"value\": …}]";

pub(crate) fn stale_patch(reason: &str) -> String {
    format!("patch does not apply: {reason}; update it, or remove it if fal has fixed the document")
}

pub(crate) fn no_string(key: &str) -> String {
    format!("missing string `{key}`")
}

pub(crate) fn unknown_operation(operation: &str) -> String {
    format!("unknown operation {}: expected add, remove, replace, move, copy or test", quoted(operation))
}

pub(crate) fn nothing_at(path: &str) -> String {
    match path.is_empty() || path.starts_with('/') {
        true => format!("there is nothing at {}", quoted(path)),
        false => format!("invalid path {}: expected a leading slash", quoted(path)),
    }
}

pub(crate) fn not_below_root(path: &str) -> String {
    format!("path {} does not point below the root", quoted(path))
}

pub(crate) fn no_container(path: &str) -> String {
    format!("the parent of {} is neither an object nor an array", quoted(path))
}

pub(crate) fn moved_into_itself(from: &str) -> String {
    format!("cannot move {} into itself", quoted(from))
}

/// The longest value that is printed, in characters.
const MAX_VALUE: usize = 120;

pub(crate) fn unexpected_value(path: &str, found: &impl Display, expected: &impl Display) -> String {
    let [found, expected] =
        [found.to_string(), expected.to_string()].map(|value| format!("`{}`", printable(&value, MAX_VALUE)));
    format!("expected {expected} at {}, found {found}", quoted(path))
}
