use std::time::Duration;

use super::time_limit::within;
use crate::error::{Error, ErrorKind};

/// The longest event that is taken, in bytes.
const MAX_EVENT: usize = 64 << 20;

/// A stream of server-sent events that comes over a connection.
#[derive(Debug)]
pub(crate) struct EventStream {
    response: reqwest::Response,
    idle: Duration,
    decoder: Decoder,
}

impl EventStream {
    pub(crate) fn new(response: reqwest::Response, idle: Duration) -> Self {
        EventStream { response, idle, decoder: Decoder::default() }
    }

    /// The data of the next event; `None` where the stream ends. Comments show that the stream lives and are passed
    /// over.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(data) = self.decoder.next() {
                return Ok(Some(data));
            }
            if self.decoder.held() > MAX_EVENT {
                let message = format!("the stream has an event of more than {MAX_EVENT} bytes");
                return Err(Error::new(ErrorKind::Transport, message));
            }
            let chunk = async { self.response.chunk().await.map_err(Error::transport) };
            match within(Some(self.idle), "waiting for the next event", chunk).await? {
                Some(chunk) => self.decoder.feed(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Takes a stream of bytes apart into events, as the HTML standard says. An event that the stream breaks off in is
/// none.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    bytes: Vec<u8>,
    /// Where the part of `bytes` begins that has not been taken apart.
    read: usize,
    /// Where the search for the next end of a line goes on.
    searched: usize,
    /// The data of the event that is being read.
    data: Option<Vec<u8>>,
    begun: bool,
}

impl Decoder {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.searched -= self.read;
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes wait for the rest of their event.
    pub(crate) fn held(&self) -> usize {
        self.bytes.len() - self.read + self.data.as_ref().map_or(0, Vec::len)
    }

    /// The data of the next whole event.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        while let Some((start, end)) = self.line() {
            let mut line = &self.bytes[start..end];
            if !std::mem::replace(&mut self.begun, true) {
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

    /// The next line's place, without its end: LF, CR or CR LF.
    fn line(&mut self) -> Option<(usize, usize)> {
        let found = self.bytes[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = found.map(|offset| self.searched + offset) else {
            self.searched = self.bytes.len();
            return None;
        };
        let next = match (self.bytes[end], self.bytes.get(end + 1)) {
            (b'\r', Some(b'\n')) => end + 2,
            // Whether an LF follows is not known yet.
            (b'\r', None) => {
                self.searched = end;
                return None;
            }
            _ => end + 1,
        };
        let start = std::mem::replace(&mut self.read, next);
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
    fn every_end_of_line_is_one() {
        assert_eq!(events(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]), ["a", "b", "c"]);
    }

    #[test]
    fn it_does_not_matter_where_the_stream_is_cut() {
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
    fn a_torn_event_is_none() {
        assert_eq!(events(&[b"data: a\n\ndata: b\n"]), ["a"]);
    }
}
