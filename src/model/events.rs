//! Server-sent events: bytes in any pieces to the data of whole events. Owns the framing only.

/// Splits a byte stream into events.
#[derive(Default)]
pub(super) struct Events {
    pending: Vec<u8>,
    scanned: usize,
    data: Vec<u8>,
    has_data: bool,
}

impl Events {
    /// Takes the next bytes; `event` hears the data of every event they complete.
    pub(super) fn feed<E>(&mut self, bytes: &[u8], mut event: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.pending.extend_from_slice(bytes);
        let mut begin = 0;
        while let Some(end) = self.pending[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let end = self.scanned + end;
            let line = self.pending[begin..end].strip_suffix(b"\r").unwrap_or(&self.pending[begin..end]).to_vec();
            begin = end + 1;
            self.scanned = begin;
            self.line(&line, &mut event)?;
        }
        self.pending.drain(..begin);
        self.scanned = self.pending.len();
        Ok(())
    }

    /// The stream is over; servers forget the last empty line.
    pub(super) fn end<E>(&mut self, mut event: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let rest = std::mem::take(&mut self.pending);
        self.scanned = 0;
        if !rest.is_empty() {
            self.line(rest.strip_suffix(b"\r").unwrap_or(&rest), &mut event)?;
        }
        self.line(b"", &mut event)
    }

    fn line<E>(&mut self, line: &[u8], event: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return if std::mem::take(&mut self.has_data) { event(&data) } else { Ok(()) };
        }
        if let Some(rest) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data.extend_from_slice(rest.strip_prefix(b" ").unwrap_or(rest));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(stream: &[u8], piece: usize) -> Vec<String> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        let mut take = |data: &[u8]| -> Result<(), ()> {
            found.push(String::from_utf8(data.to_vec()).unwrap());
            Ok(())
        };
        for bytes in stream.chunks(piece) {
            events.feed(bytes, &mut take).unwrap();
        }
        events.end(&mut take).unwrap();
        found
    }

    #[test]
    fn events_survive_any_split() {
        let stream = ": ping\r\n\r\nevent: a\r\ndata: {\"x\":\r\ndata: \"ä\"}\r\n\r\ndata:2\n\nid: 7\n\ndata: last".as_bytes();
        for piece in 1..stream.len() {
            assert_eq!(collect(stream, piece), ["{\"x\":\n\"ä\"}", "2", "last"], "pieces of {piece}");
        }
    }
}
