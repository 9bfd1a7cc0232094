//! Server-sent events, as specified by the HTML standard.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::error::{Error, ErrorKind};

/// Maximum bytes of an event.
const MAX_EVENT: usize = 16 << 20;

/// A stream of server-sent events over a connection.
#[derive(Debug)]
pub(crate) struct EventStream {
    response: reqwest::Response,
    idle: Duration,
    /// Time of the latest chunk. Kept here because a caller may drop the future of the next event and wait again.
    latest: Instant,
    decoder: Decoder,
}

impl EventStream {
    pub(crate) fn new(response: reqwest::Response, idle: Duration) -> Self {
        EventStream { response, idle, latest: Instant::now(), decoder: Decoder::default() }
    }

    /// Returns the data of the next event, or `None` at the end of the stream. Comments only keep the connection alive.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(data) = self.decoder.next() {
                return Ok(Some(data));
            }
            if self.decoder.buffered() > MAX_EVENT {
                let message = format!("an event of the stream exceeds {MAX_EVENT} bytes");
                return Err(Error::new(ErrorKind::Transport, message));
            }
            let left = self.idle.saturating_sub(self.latest.elapsed());
            match timeout(left, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) => self.decoder.feed(&chunk),
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(error)) => return Err(Error::transport(error)),
                Err(_) => return Err(Error::timeout("waiting for the next event", self.idle)),
            }
            self.latest = Instant::now();
        }
    }
}

/// Splits a stream of bytes into events. An incomplete event at the end of the stream is discarded, as the HTML
/// standard specifies.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    bytes: Vec<u8>,
    /// Index in `bytes` of the first byte that has not been decoded.
    decoded: usize,
    /// Index in `bytes` at which the search for the next end of line continues.
    searched: usize,
    /// The data of the current event.
    data: Option<Vec<u8>>,
    /// Set after the first line, which may begin with a byte order mark.
    started: bool,
}

impl Decoder {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.decoded);
        self.searched -= self.decoded;
        self.decoded = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the number of bytes of the incomplete event.
    fn buffered(&self) -> usize {
        self.bytes.len() - self.decoded + self.data.as_ref().map_or(0, Vec::len)
    }

    /// Returns the data of the next complete event.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        while let Some((start, end)) = self.line() {
            let mut line = &self.bytes[start..end];
            if !std::mem::replace(&mut self.started, true) {
                line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
            }
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    return Some(data);
                }
                continue;
            }
            let (field, value) = match line.iter().position(|byte| *byte == b':') {
                Some(colon) => (&line[..colon], &line[colon + 1..]),
                None => (line, &line[line.len()..]),
            };
            if field == b"data" {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                match &mut self.data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    None => self.data = Some(value.to_vec()),
                }
            }
        }
        None
    }

    /// Returns the range of the next line without its end, which is LF, CR or CR LF.
    fn line(&mut self) -> Option<(usize, usize)> {
        let found = self.bytes[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = found.map(|offset| self.searched + offset) else {
            self.searched = self.bytes.len();
            return None;
        };
        let next = match (self.bytes[end], self.bytes.get(end + 1)) {
            (b'\r', Some(b'\n')) => end + 2,
            // An LF may follow in the next chunk.
            (b'\r', None) => {
                self.searched = end;
                return None;
            }
            _ => end + 1,
        };
        let start = std::mem::replace(&mut self.decoded, next);
        self.searched = next;
        Some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.feed(piece);
            while let Some(data) = decoder.next() {
                events.push(String::from_utf8(data).expect("text"));
            }
        }
        events
    }

    #[test]
    fn events_are_separated_by_blank_lines() {
        let stream = b"\xef\xbb\xbfdata: {\"a\":1}\n\n: ping\n\nevent: x\nid: 3\ndata:one\ndata: two\ndata\n\n\n\ndata: \n\nretry: 5\n\n";
        assert_eq!(events(&[stream]), ["{\"a\":1}", "one\ntwo\n", ""]);
    }

    #[test]
    fn all_line_ends_are_accepted() {
        assert_eq!(events(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]), ["a", "b", "c"]);
    }

    #[test]
    fn chunk_boundaries_do_not_matter() {
        let stream = "data: é\r\n\r\n: x\r\ndata: 漢\ndata: b\n\r\ndata: c\n\n".as_bytes();
        let whole = events(&[stream]);
        assert_eq!(whole, ["é", "漢\nb", "c"]);
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(events(&[head, tail]), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(events(&bytes), whole);
    }

    #[test]
    fn incomplete_events_are_discarded() {
        assert_eq!(events(&[b"data: a\n\ndata: b\n"]), ["a"]);
    }
}
