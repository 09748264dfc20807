//! Keeps the beginning and the end of a stream of any length in bounded memory.

use std::collections::VecDeque;

use super::{Capture, Limits};

/// Collects one stream while its child runs.
pub(super) struct Collector {
    head: Vec<u8>,
    head_limit: usize,
    tail: VecDeque<u8>,
    tail_limit: usize,
    cut: u64,
}

impl Collector {
    /// Keeps at most what `limits` allow.
    pub(super) fn new(limits: &Limits) -> Collector {
        Collector { head: Vec::new(), head_limit: limits.head, tail: VecDeque::new(), tail_limit: limits.tail, cut: 0 }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_limit.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        let skipped = rest.len().saturating_sub(self.tail_limit);
        let kept = &rest[skipped..];
        let pushed_out = (self.tail.len() + kept.len()).saturating_sub(self.tail_limit);
        self.tail.drain(..pushed_out);
        self.tail.extend(kept);
        self.cut += (skipped + pushed_out) as u64;
    }

    /// What was kept.
    pub(super) fn finish(self) -> Capture {
        let mut capture = Capture { head: self.head, tail: self.tail.into(), cut: self.cut };
        if capture.cut == 0 {
            capture.head.append(&mut capture.tail);
        }
        capture
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn collected(chunks: &[&str]) -> Capture {
        let mut collector = Collector::new(&Limits { wall: Duration::ZERO, head: 4, tail: 3 });
        chunks.iter().for_each(|chunk| collector.push(chunk.as_bytes()));
        collector.finish()
    }

    #[test]
    fn nothing_is_cut_below_the_caps() {
        for chunks in [&["abcdefg"][..], &["ab", "cd", "efg"], &["a", "bcdef", "g"]] {
            let capture = collected(chunks);
            assert_eq!((capture.head.as_slice(), capture.cut), (&b"abcdefg"[..], 0), "{chunks:?}");
            assert!(capture.tail.is_empty());
        }
    }

    #[test]
    fn the_middle_goes_whatever_the_chunks_are() {
        for chunks in [&["abcdefghij"][..], &["abc", "defghi", "j"], &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]] {
            let capture = collected(chunks);
            assert_eq!((capture.head.as_slice(), capture.tail.as_slice(), capture.cut), (&b"abcd"[..], &b"hij"[..], 3), "{chunks:?}");
        }
    }
}
