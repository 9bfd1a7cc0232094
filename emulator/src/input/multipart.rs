//! Forms with files: `multipart/form-data`, as browsers send it.

use bytes::Bytes;

/// The most fields of a form.
const MAX_PARTS: usize = 5_000;

/// The fields of a form, and the files in it.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) files: Vec<Upload>,
}

/// A file in a form.
#[derive(Debug, PartialEq)]
pub(crate) struct Upload {
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// Parses a body that is in memory.
pub(crate) fn parse(content_type: &str, body: &Bytes) -> Result<Form, &'static str> {
    let boundary = content_type.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="));
    let boundary = boundary.map(|boundary| boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty());
    let delimiter = format!("--{}", boundary.ok_or("the form has no boundary")?).into_bytes();
    let mut form = Form::default();
    let mut at = find(body, &delimiter, 0).ok_or("the form does not begin with its boundary")? + delimiter.len();
    let next = [b"\r\n", delimiter.as_slice()].concat();
    while !body[at..].starts_with(b"--") {
        let start = at + 2;
        if !body[at..].starts_with(b"\r\n") || form.texts.len() + form.files.len() >= MAX_PARTS {
            return Err("the form is malformed, or has more than 5,000 fields");
        }
        let blank = find(body, b"\r\n\r\n", start).ok_or("a field of the form has no end of its headers")?;
        let end = find(body, &next, blank + 4).ok_or("a field of the form has no end")?;
        add(&mut form, &String::from_utf8_lossy(&body[start..blank]), body.slice(blank + 4..end));
        at = end + next.len();
    }
    Ok(form)
}

fn add(form: &mut Form, headers: &str, content: Bytes) {
    let header = |name: &str| {
        headers.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let disposition = header("content-disposition").unwrap_or_default();
    let Some(field) = parameter(disposition, "name") else { return };
    match parameter(disposition, "filename") {
        // A field for a file in which none was chosen.
        Some(name) if name.is_empty() && content.is_empty() => {}
        Some(name) => {
            let content_type = header("content-type").unwrap_or("application/octet-stream").to_owned();
            form.files.push(Upload { field, name, content_type, bytes: content });
        }
        None => form.texts.push((field, String::from_utf8_lossy(&content).into_owned())),
    }
}

/// Returns a quoted parameter. Browsers escape quotes and line breaks in it with percent signs.
fn parameter(header: &str, name: &str) -> Option<String> {
    let start = header.find(&format!("; {name}=\""))? + name.len() + 4;
    let value = &header[start..start + header[start..].find('"')?];
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

fn find(bytes: &[u8], pattern: &[u8], from: usize) -> Option<usize> {
    let first = *pattern.first()?;
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(pattern) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=----x";

    fn parsed(body: &str) -> Result<Form, &'static str> {
        parse(TYPE, &Bytes::from(body.to_owned()))
    }

    #[test]
    fn fields_and_files_are_read() {
        let form = parsed(
            "------x\r\nContent-Disposition: form-data; name=\"a%22\"\r\n\r\none\r\ntwo\r\n------x\r\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n\
             \r\n------\r\n\r\n------x\r\n\
             Content-Disposition: form-data; name=\"g\"; filename=\"\"\r\n\r\n\r\n------x--\r\n",
        )
        .expect("a form");
        assert_eq!(form.texts, [("a\"".to_owned(), "one\r\ntwo".to_owned())]);
        let file = Upload {
            field: "f".to_owned(),
            name: "a b.png".to_owned(),
            content_type: "image/png".to_owned(),
            bytes: Bytes::from_static(b"\r\n------\r\n"),
        };
        assert_eq!(form.files, [file]);
    }

    #[test]
    fn malformed_forms_are_refused() {
        for body in
            ["", "------x", "------x\r\n", "------x\r\n\r\n\r\n", "------xy", "------x\r\na: b\r\n\r\n------x--"]
        {
            assert!(parsed(body).is_err(), "{body:?}");
        }
        assert!(parse("multipart/form-data", &Bytes::new()).is_err());
        assert!(parsed("------x--").expect("a form").texts.is_empty());
    }
}
