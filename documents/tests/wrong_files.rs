//! Files that are not documents: each finding names the kind of the file and the remedy.

use std::path::PathBuf;

use fal_documents::{Source, parse};
use serde_json::{Value, json};

fn reason(text: impl AsRef<[u8]>) -> String {
    let source =
        Source { file: PathBuf::from("a.json"), path: "a.json".to_owned(), text: text.as_ref().to_vec(), patch: None };
    let findings = parse(&source).expect_err("a finding");
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings[0].to_string()
}

/// Checks that a finding begins with the file and the problem, and names the remedy.
#[track_caller]
fn check(text: impl AsRef<[u8]>, problem: &str, remedy: &str) {
    let text = text.as_ref();
    let found = reason(text);
    let shown = String::from_utf8_lossy(&text[..text.len().min(60)]);
    assert!(found.starts_with(&format!("a.json: {problem}")), "{shown}: {found}");
    assert!(found.contains(remedy), "{shown}: {found}");
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[test]
fn web_pages_and_xml_are_named() {
    let remedy = "download the document from https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…";
    for page in [
        "<!DOCTYPE html>\n<html></html>",
        "\n \n<html lang=\"en\">",
        "<!doctype HTML><script>{}</script>",
        "<p>502 Bad Gateway</p>",
    ] {
        check(page, "this is a web page (HTML), not JSON", remedy);
    }
    for xml in
        ["<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "\u{feff}<Error><Code>NoSuchKey</Code>"]
    {
        check(xml, "this is XML, not JSON", remedy);
    }
}

#[test]
fn compressed_and_binary_files_are_named() {
    for (magic, format) in [
        (&b"\x1f\x8b\x08\0"[..], "gzip"),
        (b"\x28\xb5\x2f\xfd\x24", "zstd"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
    ] {
        check(magic, &format!("the file is compressed ({format})"), "`curl --compressed`");
    }
    check(b"PK\x03\x04\x14\0", "this is an archive (zip)", "unpack it into the folder");
    for (magic, format) in [
        (&b"%PDF-1.7"[..], "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"SQLite format 3\0", "SQLite"),
    ] {
        check(magic, &format!("this is a file of another kind ({format})"), "remove it");
    }
    let brotli = b"\x8b\xff\x87\x9c$\x9c3\x80\x81BU\x91\x92";
    let mp4 = b"\0\0\0\x20ftypisom\0\0\x02\0";
    for bytes in [&b"\x01\x02abc\0def"[..], brotli, mp4, b"\x04\x22\x4d\x18lz4", b"\x7fELF\x02\x01\x01"] {
        check(bytes, "this is binary data, not JSON", "download the document again with `curl --compressed`");
    }
}

#[test]
fn other_encodings_are_named() {
    let text = "{\"paths\": {\"/é\": {}}}";
    for bytes in [
        [&[0xff, 0xfe], &utf16(text, u16::to_le_bytes)[..]].concat(),
        [&[0xfe, 0xff], &utf16(text, u16::to_be_bytes)[..]].concat(),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
        utf16("\r\n[1]", u16::to_le_bytes),
        vec![0xff, 0xfe],
    ] {
        check(bytes, "the text is UTF-16, but JSON must be UTF-8", "`>` of Windows PowerShell writes UTF-16");
    }
    let utf32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    check([&[0xff, 0xfe, 0, 0], &utf32[..]].concat(), "the text is UTF-32", "save it as UTF-8");
    check(utf32, "the text is UTF-32", "save it as UTF-8");
    for bytes in [
        &b"{\n \"title\": \"caf\xe9\"}"[..],
        b"{\n \"title\": \"caf\xc3\x28\"}",
        b"{\n \"title\": \"caf\x93quoted\x94\"}",
    ] {
        check(bytes, "invalid JSON: the text is not UTF-8 at line 2 column 15", "iconv -f latin1 -t utf-8");
    }
}

#[test]
fn output_of_curl_is_named() {
    check(
        "HTTP/2 200\r\ncontent-type: application/json\r\n\r\n{}",
        "the file begins with the headers of an HTTP response",
        "without `curl -i`",
    );
    check("HTTP/1.1 404 Not Found\n\n{}", "the file begins with the headers", "before the first `{`");
    check(
        "  % Total    % Received % Xferd  Average Speed\n{}",
        "the file begins with the progress meter of curl",
        "without `2>&1`",
    );
    check(
        "curl: (6) Could not resolve host: example.com\n",
        "this is an error message of curl, not JSON (curl: (6) Could",
        "download",
    );
}

#[test]
fn colours_of_a_terminal_are_named() {
    check("\u{1b}[1;39m{\n  \u{1b}[0m\u{1b}[34;1m\"paths\"", "the text has the colours of a terminal", "`jq -M`");
}

#[test]
fn empty_files_are_named() {
    for text in ["", " \n\n\t", "\u{feff}", "\u{feff}\n"] {
        check(text, "the file is empty", "download the document again");
    }
}

#[test]
fn yaml_is_named_and_other_text_is_not_called_so() {
    for yaml in [
        "openapi: 3.0.4\ninfo:\n  title: x\n",
        "---\nopenapi: 3.0.4\n",
        "%YAML 1.2\n---\n",
        "# saved from fal\nendpointId: acme/lamp\ninput:\n  type: object\n",
        "paths:\n  /acme/lamp:\n    post: {}\n",
        "- op: remove\n",
        "\"openapi\": \"3.0.4\"\n\"paths\":\n  /acme/lamp: {}\n",
    ] {
        check(yaml, "this is YAML, not JSON", "yq -o json");
    }
    check("[InternetShortcut]\r\nURL=x", "invalid JSON: expected value at line 1 column 2", "correct it there");
    check("[package]\nname = \"x\"\n", "invalid JSON: expected value at line 1 column 2", "correct it there");
}

#[test]
fn first_line_of_other_text_is_quoted() {
    for text in [
        "Unauthorized",
        "\r\nInternal Server Error\r\n",
        "Error: no such thing",
        "upstream connect error or disconnect/reset before headers",
        "https://example.com/lamp.json\n",
        "# acme/lamp\n\nA lamp.\n",
        "eyJvcGVuYXBpIjoiMy4wLjQifQ==",
        "\u{a0}\u{200b}",
    ] {
        let first_line = text.trim_start().lines().next().expect("a line").escape_debug().to_string();
        check(text, "invalid JSON: the text begins with `", "; download the document again");
        let found = reason(text);
        assert!(found.contains(&first_line) || text.starts_with('\u{a0}'), "{found}");
        assert!(!found.contains("before the first"), "{found}");
    }
    for text in ["paths = {}", "* Connected to example.com\n{}", "```json\n{}\n```", "lamp({});", ")]}'\n{}"] {
        check(text, "invalid JSON: the text begins with `", "again, or remove everything before the first `{`");
    }
    let long = reason("x".repeat(10_000));
    assert!(long.len() < 400, "{long}");
}

#[test]
fn git_leftovers_are_named() {
    check(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 10\n",
        "this is a pointer of Git LFS",
        "git lfs pull",
    );
    for (text, line) in [
        ("<<<<<<< HEAD\n{}\n=======\n{\"paths\": {}}\n>>>>>>> other\n", 1),
        ("{\n<<<<<<< HEAD\n  \"a\": 1\n=======\n  \"a\": 2\n>>>>>>> other\n}\n", 2),
        ("{\r\n\"a\": 1,\r\n<<<<<<< HEAD\r\n", 3),
    ] {
        check(text, &format!("the file has an unresolved merge conflict at line {line}"), "resolve it");
    }
}

#[test]
fn syntax_errors_keep_their_position_and_have_a_remedy() {
    let download = "the download may have broken off: download the document again";
    for (text, error, remedy) in [
        ("{\n \"paths\": {\"/acme", "EOF while parsing a string at line 2 column 17", download),
        ("{\"paths\": {}", "EOF while parsing an object at line 1 column 12", download),
        ("[{}", "EOF while parsing a list at line 1 column 3", download),
        ("{\"paths\": tr", "EOF while parsing a value at line 1 column 12", download),
        (
            "{}\n{}",
            "trailing characters at line 2 column 1",
            "a second document begins there: put each into a file of its own",
        ),
        ("{\"a\": 1} [2]", "trailing characters at line 1 column 10", "a second document begins there"),
        ("{}\n$ ", "trailing characters at line 2 column 1", "there is text after the end of the document: remove it"),
        ("{\"a\": 1,}", "trailing comma at line 1 column 9", "there is a comma too many before it: remove it"),
        ("{\"a\": [1, 2,]}", "trailing comma at line 1 column 13", "comma too many"),
        ("{\"a\": 1,,\n\"b\": 2}", "key must be a string at line 1 column 9", "comma too many"),
        ("{'a': 1}", "key must be a string at line 1 column 2", "JSON has double quotes, not single ones"),
        ("{\"a\": 'b'}", "expected value at line 1 column 7", "double quotes"),
        ("{\"a\": 1 // one\n}", "expected `,` or `}` at line 1 column 9", "JSON has no comments: remove them"),
        ("/* saved */ {}", "expected value at line 1 column 1", "no comments"),
        ("# saved\n{}", "expected value at line 1 column 1", "no comments"),
        ("######## 100.0%\n{}", "expected value at line 1 column 1", "no comments"),
        ("{a: 1}", "key must be a string at line 1 column 2", "JSON has keys in double quotes: add them"),
        ("{“a”: 1}", "key must be a string at line 1 column 2", "double quotes"),
        ("{\"a\": NaN}", "expected value at line 1 column 7", "no `None`, `undefined`, `NaN` or `Infinity`"),
        ("{\"a\": None}", "expected value at line 1 column 7", "JSON has `null`, `true` and `false`"),
        ("{\"a\": True}", "expected value at line 1 column 7", "JSON has `null`, `true` and `false`"),
        ("{\"a\": \"\t\"}", "control character", "correct it there, or download the document again"),
        ("{\"ü\": tru }", "expected ident at line 1 column 11", "correct it there"),
        ("{\"a\": 1 \"b\": 2}", "expected `,` or `}` at line 1 column 9", "correct it there"),
    ] {
        check(text, &format!("invalid JSON: {error}"), remedy);
    }
    let deep = "[".repeat(1_000);
    check(deep, "invalid JSON: recursion limit exceeded at line 1 column 128", "at most 128 levels are allowed");
}

#[test]
fn download_that_broke_off_inside_of_a_character_is_named() {
    let text = "{\n \"title\": \"für".as_bytes();
    check(
        &text[..text.len() - 2],
        "invalid JSON: the text ends inside of a character at line 2 column 13",
        "the download may have broken off: download the document again",
    );
}

#[test]
fn log_of_wget_is_not_a_number() {
    check(
        "--2026-11-28 10:00:00--  https://fal.ai/\n",
        "invalid JSON: the text begins with `--2026",
        "download the document",
    );
    check("-", "invalid JSON: the text begins with `-`", "download the document again");
    check("-1", "not a document of an endpoint", "download the document again");
}

#[test]
fn documents_of_the_queue_itself_are_named() {
    let post =
        json!({ "post": { "requestBody": { "content": { "application/json": { "schema": { "type": "object" } } } } } });
    let queue = "/{model_owner}/{model_name}";
    for server in [None, Some("https://queue.fal.run")] {
        for further in ["/health", "/{model_owner}/{model_name}/requests/{request_id}"] {
            let servers = server.map_or(json!([]), |url| json!([{ "url": url }]));
            let document =
                json!({ "openapi": "3.0.4", "servers": servers, "paths": { queue: post, further: { "get": {} } } });
            let found = reason(document.to_string());
            assert!(
                found.starts_with(&format!(
                    "a.json at /paths: no endpoint found: the paths are patterns, such as `{queue}`"
                )),
                "{found}"
            );
            assert!(found.contains("https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…"), "{found}");
        }
    }
}

#[test]
fn documents_of_other_tools_are_named() {
    let check = |value: Value, problem: &str, remedy: &str| check(value.to_string(), problem, remedy);
    let download = "https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=…";
    check(
        json!({ "swagger": "2.0", "info": {}, "paths": { "/a/b": { "post": {} } } }),
        "this is Swagger `2.0`, but only OpenAPI 3 is read",
        download,
    );
    let postman = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
    for (value, tool) in [
        (json!({ "info": { "_postman_id": "1", "name": "x" }, "item": [] }), "Postman"),
        (json!({ "info": { "name": "x", "schema": postman }, "item": [] }), "Postman"),
        (json!({ "opencollection": "1.0.0", "items": [] }), "OpenCollection"),
        (json!({ "_type": "export", "__export_format": 4, "resources": [] }), "Insomnia"),
        (json!({ "log": { "version": "1.2", "entries": [] } }), "HAR"),
    ] {
        check(value, &format!("this is a collection of requests ({tool}), not an OpenAPI document"), download);
    }
    for schema in [
        json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object" }),
        json!({ "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/A", "definitions": {} }),
        json!({ "title": "Input", "type": "object", "properties": { "prompt": { "type": "string" } } }),
    ] {
        check(
            schema,
            "this is a JSON Schema without an endpoint",
            "write the short form: {\"endpointId\": \"owner/app\", \"input\"",
        );
    }
    for part in [
        json!({ "components": { "schemas": {} } }),
        json!({ "openapi": "3.0.4", "info": {}, "components": { "schemas": {} } }),
    ] {
        check(part, "schemas without an endpoint: missing `paths`", "write the short form");
    }
    check(json!({}), "not an OpenAPI document of fal: missing `paths`, found an empty object", download);
    check(
        json!({ "prompt": "a lamp", "seed": 1 }),
        "not an OpenAPI document of fal: missing `paths`, found `prompt`, `seed`",
        download,
    );
    let many: Value = (0..20).map(|index| (format!("key{index:02}"), json!(1))).collect();
    check(
        many,
        "not an OpenAPI document of fal: missing `paths`, found `key00`, `key01`, `key02`, `key03`, `key04`, …;",
        download,
    );
    let lamp = json!({ "endpointId": "acme/lamp", "input": {} });
    for value in [json!({ "data": [lamp], "total": 1 }), json!({ "data": { "paths": {} } })] {
        check(value, "the document is inside of `data`", "save that part alone");
    }
    check(json!({ "acme/lamp": lamp, "acme/sofa": lamp }), "the documents are inside of an object", "jq '[.[]]'");
    check(json!(lamp.to_string()), "this is JSON inside of a JSON string", "`fromjson` of `jq`");
    check(json!([{ "op": "remove", "path": "/a" }]), "this is a JSON patch", "`NAME.patch.json`");
    for value in [json!(null), json!("acme/lamp"), json!(42), json!(true)] {
        check(value, "not a document of an endpoint: expected an object, or an array of objects", download);
    }
}

#[test]
fn error_responses_say_what_to_check() {
    for (body, error, remedy) in [
        (json!({ "detail": "Not found" }), "Not found", "check the endpoint id in the URL"),
        (
            json!({ "detail": "Application 'lamp' does not exist" }),
            "Application 'lamp' does not exist",
            "check the endpoint id in the URL",
        ),
        (
            json!({ "error": { "type": "not_found", "message": "no such endpoint" } }),
            "not_found: no such endpoint",
            "check the endpoint id in the URL",
        ),
        (json!({ "message": "Endpoint not found" }), "Endpoint not found", "check the endpoint id in the URL"),
        (json!({ "detail": "Authentication is required" }), "Authentication is required", "check the API key"),
        (
            json!({ "error": { "code": "rate_limited", "message": "slow\ndown" } }),
            "rate_limited: slow down",
            "check the URL",
        ),
    ] {
        let problem = format!("this file holds an error response of fal, not a document ({error})");
        check(body.to_string(), &problem, &format!("{remedy}, and download the document again"));
    }
}

#[test]
fn documents_without_a_usable_path_are_named() {
    let form = json!({ "post": { "requestBody": { "content": { "multipart/form-data": { "schema": {} } } } } });
    for paths in [
        json!({}),
        json!({ "/lamps": { "get": {} } }),
        json!({ "/lamps": { "post": null } }),
        json!({ "/lamps": form }),
    ] {
        let found = reason(json!({ "openapi": "3.0.4", "info": {}, "paths": paths }).to_string());
        assert!(found.starts_with("a.json at /paths: no endpoint found: no path accepts a POST request"), "{found}");
    }
    let found = reason(json!({ "openapi": "3.0.4", "paths": [] }).to_string());
    assert!(found.starts_with("a.json at /paths: `paths` is not an object"), "{found}");
}
