//! Tells the parts of a Markdown text apart as far as safety needs it: prose, code and hidden comments.
//! Owns the scanning; what becomes of each part is `sanitise`'s decision.

/// One part of a text; together they are the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// What a reader sees and a forge interprets.
    Prose(&'a str),
    /// A code span within a line.
    Span(&'a str),
    /// A fenced block with its fences.
    Block(&'a str),
    /// What a reader does not see.
    Hidden(&'a str),
}

/// The parts of a text, and the fence that its last block lacks, if it does.
pub(super) fn parts(text: &str) -> (Vec<Part<'_>>, Option<String>) {
    let mut scan = Scan { text, parts: Vec::new(), prose: 0, open: None };
    let mut at = 0;
    while at < text.len() {
        at = scan.step(at);
    }
    scan.flush(text.len());
    (scan.parts, scan.open)
}

struct Scan<'a> {
    text: &'a str,
    parts: Vec<Part<'a>>,
    /// Where the prose began that is not yet a part.
    prose: usize,
    open: Option<String>,
}

impl<'a> Scan<'a> {
    /// Looks at one position; answers with the next.
    fn step(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        let line_start = at == 0 || self.text.as_bytes()[at - 1] == b'\n';
        if line_start {
            if let Some(fence) = fence(rest) {
                let (length, closed) = block(rest, fence);
                if !closed {
                    self.open = Some(fence.to_owned());
                }
                return self.take(at, Part::Block(&rest[..length]), length);
            }
            if is_commented_definition(line(rest)) {
                let length = line(rest).len();
                return self.take(at, Part::Hidden(&rest[..length]), length);
            }
        }
        if rest.starts_with("<!--") {
            let opens_line = self.text[..at].rsplit('\n').next().is_some_and(|before| before.trim_matches(' ').is_empty());
            // `<!-->` is a comment of its own.
            match rest[2..].find("-->") {
                Some(end) => return self.take(at, Part::Hidden(&rest[..end + 5]), end + 5),
                None if opens_line => return self.take(at, Part::Hidden(rest), rest.len()),
                None => return at + 4,
            }
        }
        if rest.starts_with('`') {
            let ticks = rest.len() - rest.trim_start_matches('`').len();
            return match span(rest, ticks) {
                Some(length) => self.take(at, Part::Span(&rest[..length]), length),
                None => at + ticks,
            };
        }
        let mut characters = rest.chars();
        let first = characters.next().map_or(1, char::len_utf8);
        match characters.next() {
            Some(escaped) if rest.starts_with('\\') && escaped.is_ascii_punctuation() => at + 2,
            _ => at + first,
        }
    }

    fn take(&mut self, at: usize, part: Part<'a>, length: usize) -> usize {
        self.flush(at);
        self.parts.push(part);
        self.prose = at + length;
        self.prose
    }

    fn flush(&mut self, until: usize) {
        if self.prose < until {
            self.parts.push(Part::Prose(&self.text[self.prose..until]));
        }
    }
}

fn line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// The fence a line opens a block with.
fn fence(text: &str) -> Option<&str> {
    let line = line(text);
    let marks = line.trim_start_matches(' ');
    if line.len() - marks.len() > 3 {
        return None;
    }
    let mark = marks.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = marks.len() - marks.trim_start_matches(mark).len();
    let honest = mark == '~' || !marks[length..].contains('`');
    (length >= 3 && honest).then(|| &marks[..length])
}

/// How long the block is that begins with this fence, and whether it is closed.
fn block(text: &str, opening: &str) -> (usize, bool) {
    let mark = &opening[..1];
    let mut length = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        length += line.len();
        let trimmed = line.trim_end_matches(['\n', ' ', '\t']);
        let marks = trimmed.trim_start_matches(' ');
        let closes = trimmed.len() - marks.len() <= 3 && marks.len() >= opening.len() && marks.replace(mark, "").is_empty();
        if number > 0 && closes {
            return (length, true);
        }
    }
    (length, false)
}

/// How long the code span is that opens with so many ticks; none when nothing closes it within the line.
fn span(text: &str, ticks: usize) -> Option<usize> {
    let line = line(text);
    let mut at = ticks;
    while let Some(found) = line[at..].find('`') {
        let start = at + found;
        let run = line[start..].len() - line[start..].trim_start_matches('`').len();
        if run == ticks {
            return Some(start + run);
        }
        at = start + run;
    }
    None
}

/// `[//]: # (words)` and its kin: a link definition that nobody sees, used as a comment.
fn is_commented_definition(line: &str) -> bool {
    let Some((label, target)) = line.trim_start_matches(' ').strip_prefix('[').and_then(|rest| rest.split_once("]:")) else {
        return false;
    };
    let target = target.trim_start();
    let nowhere = target.starts_with("<>") || target.starts_with('#');
    !label.contains(']') && nowhere && line.len() - line.trim_start_matches(' ').len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        let (parts, _) = parts(text);
        let whole: String = parts
            .iter()
            .map(|part| match part {
                Part::Prose(text) | Part::Span(text) | Part::Block(text) | Part::Hidden(text) => *text,
            })
            .collect();
        assert_eq!(whole, text);
        parts
            .into_iter()
            .filter(|part| !matches!(part, Part::Hidden(_)))
            .map(|part| match part {
                Part::Prose(text) => text.to_owned(),
                Part::Span(text) => format!("S({text})"),
                Part::Block(text) => format!("B({text})"),
                Part::Hidden(_) => String::new(),
            })
            .collect()
    }

    #[test]
    fn comments_are_hidden_where_a_reader_does_not_see_them() {
        assert_eq!(seen("a <!-- b --> c"), "a  c");
        assert_eq!(seen("a\n<!-- never closed\nb"), "a\n");
        assert_eq!(seen("fails on <!-- in input"), "fails on <!-- in input");
        assert_eq!(seen("<!--> a <!---> b"), " a  b");
        assert_eq!(seen("<!--\n```\nhidden\n```\n-->x"), "x");
        assert_eq!(seen("\\` <!-- hidden --> \\`"), "\\`  \\`");
        assert_eq!(seen("[//]: # (hidden)\nx"), "\nx");
        assert_eq!(seen("[comment]: <> (hidden)\nx [a]: b"), "\nx [a]: b");
    }

    #[test]
    fn code_is_told_from_prose() {
        assert_eq!(seen("a `<!-- b -->` c"), "a S(`<!-- b -->`) c");
        assert_eq!(seen("``a`b`` c`"), "S(``a`b``) c`");
        assert_eq!(seen("```html\n<!-- x -->\n```\nend"), "B(```html\n<!-- x -->\n```\n)end");
        assert_eq!(seen("~~~~\n~~~\n`\n~~~~"), "B(~~~~\n~~~\n`\n~~~~)");
        assert_eq!(seen("    ```\nx"), "    ```\nx");
        assert_eq!(seen("one ` two\nthree ` four"), "one ` two\nthree ` four");
    }

    #[test]
    fn a_block_that_is_not_closed_is_told() {
        assert_eq!(parts("a\n````\ncode").1.as_deref(), Some("````"));
        assert_eq!(parts("a\n```\ncode\n```").1, None);
    }

    #[test]
    fn odd_texts_do_no_harm() {
        for text in ["", "`", "\\", "<!--", "```", "é`é`", "\\é", "[", "]:", "~~~\r\n", "\n\n`\n"] {
            seen(text);
        }
    }
}
