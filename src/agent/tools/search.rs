//! `search`: lines that match a regular expression, file by file. What does not fit is counted.

use globset::{GlobBuilder, GlobMatcher};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use serde::Deserialize;

use super::{Reply, input, paths};
use crate::agent::Assignment;
use crate::error::Result;

/// Files beyond this are left out, and counted.
const LARGEST: u64 = 4 << 20;
/// Matches shown at most, in all and of one file.
const SHOWN: usize = 120;
const SHOWN_OF_FILE: usize = 40;
/// Files named of which not all matches are shown.
const NAMED: usize = 30;
/// Bytes of an answer.
const BYTES: usize = 16_000;
/// Bytes of a line.
const LINE: usize = 240;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pattern: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    glob: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    context: Option<u64>,
    #[serde(default)]
    ignore_case: Option<bool>,
}

pub(super) fn run(desk: &Assignment<'_>, input: Input) -> Result<Reply> {
    let (matcher, literal) = match matcher(&input) {
        Ok(matcher) => matcher,
        Err(why) => return Ok(Reply::error(why)),
    };
    let glob = match input.glob.as_deref().map(glob).transpose() {
        Ok(glob) => glob,
        Err(why) => return Ok(Reply::error(why)),
    };
    let root = desk.workspace.root();
    let start = input.path.as_deref().map(|path| paths::relative(desk, path)).unwrap_or_default();
    let files: Vec<String> = if desk.workspace.is_file(&start) {
        vec![start.clone()]
    } else if paths::is_folder(root, &start) && paths::is_ignored(desk.workspace, &start) {
        return Ok(paths::ignored(&start));
    } else if paths::is_folder(root, &start) {
        let files = paths::files(desk.workspace, &start).into_iter();
        files.filter(|path| glob.as_ref().is_none_or(|glob| glob.is_match(path))).collect()
    } else {
        return Ok(paths::no_such_file(desk, &start, "no such file or folder"));
    };
    let mut found = Found::new(input.context.unwrap_or(0).min(20) as usize, literal);
    for path in &files {
        desk.cancel.check()?;
        match desk.workspace.read(path, LARGEST) {
            Ok(bytes) => found.look(&matcher, path, &bytes),
            // a link's end is searched where it lies
            Err(_) => found.unread += usize::from(desk.workspace.is_file(path)),
        }
    }
    Ok(Reply::text(found.told(&input.pattern, files.len())))
}

/// The matcher; a pattern that is no regular expression is searched as plain text.
fn matcher(input: &Input) -> Result<(RegexMatcher, bool), String> {
    if input.pattern.is_empty() {
        return Err("the pattern is empty".to_owned());
    }
    let build = |pattern: &str| {
        let mut builder = RegexMatcherBuilder::new();
        builder.case_insensitive(input.ignore_case.unwrap_or(false)).line_terminator(Some(b'\n')).build(pattern)
    };
    match build(&input.pattern) {
        Ok(matcher) => Ok((matcher, false)),
        Err(error) => build(&regex::escape(&input.pattern))
            .map(|matcher| (matcher, true))
            .map_err(|_| format!("not a pattern for single lines: {error}")),
    }
}

/// `*.rs` matches in every folder, like git's patterns do.
fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    let pattern = pattern.trim_start_matches("./");
    let anchored = if pattern.contains('/') { pattern.to_owned() } else { format!("**/{pattern}") };
    let glob = GlobBuilder::new(&anchored).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| format!("not a glob: {error}"))
}

/// What was found so far.
struct Found {
    searcher: Searcher,
    text: String,
    literal: bool,
    matches: usize,
    shown: usize,
    files: usize,
    /// Files of which not all is shown, and how many matches are missing.
    cut: Vec<(String, usize)>,
    unread: usize,
}

impl Found {
    fn new(context: usize, literal: bool) -> Found {
        let searcher = SearcherBuilder::new()
            .line_number(true)
            .before_context(context)
            .after_context(context)
            .binary_detection(BinaryDetection::quit(0))
            .build();
        Found { searcher, text: String::new(), literal, matches: 0, shown: 0, files: 0, cut: Vec::new(), unread: 0 }
    }

    fn look(&mut self, matcher: &RegexMatcher, path: &str, bytes: &[u8]) {
        let room = SHOWN.saturating_sub(self.shown).min(SHOWN_OF_FILE);
        let mut lines = Lines { text: String::new(), matches: 0, shown: 0, room, bytes: BYTES.saturating_sub(self.text.len()) };
        // a sink that never fails and bytes in memory: nothing can go wrong
        let _ = self.searcher.search_slice(matcher, bytes, &mut lines);
        if lines.matches == 0 {
            return;
        }
        self.files += 1;
        self.matches += lines.matches;
        self.shown += lines.shown;
        if lines.shown < lines.matches {
            self.cut.push((path.to_owned(), lines.matches - lines.shown));
        }
        if lines.shown > 0 {
            self.text.push_str(&format!("{path}\n{}", lines.text));
            if lines.shown < lines.matches {
                self.text.push_str(&format!("[{} more matches in this file]\n", lines.matches - lines.shown));
            }
        }
    }

    fn told(&self, pattern: &str, searched: usize) -> String {
        let mut text = match self.matches {
            0 => format!("no match of {pattern:?} in {searched} files\n"),
            matches => format!("{matches} matches in {} files\n{}", self.files, self.text),
        };
        if self.literal {
            text.insert_str(0, "not a valid regular expression, so searched as plain text: ");
        }
        if self.shown < self.matches {
            text.push_str(&format!(
                "[{} matches in {} files not shown: narrow it by path, glob or pattern. They are in {}]\n",
                self.matches - self.shown,
                self.cut.len(),
                self.places()
            ));
        }
        if self.unread > 0 {
            text.push_str(&format!("[{} files not read: too large]\n", self.unread));
        }
        text.trim_end().to_owned()
    }
}

impl Found {
    /// Where most of what is not shown can be found.
    fn places(&self) -> String {
        let mut cut: Vec<&(String, usize)> = self.cut.iter().collect();
        cut.sort_by_key(|(_, matches)| std::cmp::Reverse(*matches));
        let named: Vec<String> = cut.iter().take(NAMED).map(|(path, matches)| format!("{path} ({matches})")).collect();
        let more = cut.len().saturating_sub(NAMED);
        format!("{}{}", named.join(", "), if more > 0 { format!(" and {more} more files") } else { String::new() })
    }
}

/// The matching lines of one file.
struct Lines {
    text: String,
    matches: usize,
    shown: usize,
    room: usize,
    bytes: usize,
}

impl Lines {
    fn push(&mut self, number: Option<u64>, mark: char, bytes: &[u8]) {
        let line = String::from_utf8_lossy(bytes);
        let line = paths::short_line(line.trim_end(), LINE);
        self.text.push_str(&format!("{}{mark}{line}\n", number.unwrap_or(0)));
    }

    fn has_room(&self) -> bool {
        self.shown < self.room && self.text.len() < self.bytes
    }
}

impl Sink for Lines {
    type Error = std::io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, Self::Error> {
        self.matches += 1;
        if self.has_room() {
            self.shown += 1;
            self.push(found.line_number(), ':', found.bytes());
        }
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> Result<bool, Self::Error> {
        if self.has_room() {
            self.push(context.line_number(), '-', context.bytes());
        }
        Ok(true)
    }

    fn context_break(&mut self, _: &Searcher) -> Result<bool, Self::Error> {
        if self.has_room() && !self.text.is_empty() {
            self.text.push_str("--\n");
        }
        Ok(true)
    }
}
