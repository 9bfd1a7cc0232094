/// Splits a stream of server-sent events at the blank lines after them.
#[derive(Debug, Default)]
pub(super) struct Splitter(Vec<u8>);

impl Splitter {
    /// Adds bytes, and returns the events that are complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        // A blank line may begin in the bytes before.
        let mut from = self.0.len().saturating_sub(3);
        self.0.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = end_of_event(&self.0, from) {
            let rest = self.0.split_off(end);
            let event = std::mem::replace(&mut self.0, rest);
            events.push(String::from_utf8_lossy(&event).into_owned());
            from = 0;
        }
        events
    }

    /// Returns the bytes after the last event.
    pub(super) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.0);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }

    /// Returns the number of bytes that wait for the end of their event.
    pub(super) fn waiting(&self) -> usize {
        self.0.len()
    }
}

fn end_of_event(bytes: &[u8], from: usize) -> Option<usize> {
    let ends = [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"];
    (from..bytes.len()).find_map(|at| ends.iter().find(|end| bytes[at..].starts_with(end)).map(|end| at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_with_a_blank_line() {
        let mut splitter = Splitter::default();
        assert!(splitter.push(b"data: a\n").is_empty());
        assert_eq!(splitter.push(b"\ndata: b\r\n\r"), ["data: a\n\n"]);
        assert_eq!(splitter.push(b"\n: c\n\ndata"), ["data: b\r\n\r\n", ": c\n\n"]);
        assert_eq!(splitter.finish().as_deref(), Some("data"));
        assert_eq!(splitter.finish(), None);
    }
}
