//! The lines of a failure that matter, for people and models alike: its message first, then what the runner marks and
//! the repository's own places, then what stands around them. Nothing is said twice; gaps are counted.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Fault;
use super::text::clip;

/// How much may be said of one failure.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Lines, the counts of gaps not included.
    pub lines: usize,
    /// About so many bytes.
    pub bytes: usize,
}

/// Bytes of a single line.
const LINE: usize = 300;

/// Colours in a text that was printed as a value.
static QUOTED_COLOUR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\\(?:u\{1b\}|x1b|u001b|033|e)\[[0-9;]*m").expect("a constant pattern that the tests compile"));

static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?P<short>[^\s:][^:]*:\d+)(?: in .+|:(?: .*)?)$|^\s+at .*\d\)?$|^\s*File ".+", line \d+|panicked at "#)
        .expect("a constant pattern that the tests compile")
});

impl Fault {
    /// The message, then the lines of the trace that add to it.
    pub fn decisive(&self, room: Room) -> String {
        let message: Vec<&str> = self.message.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
        let trace = added(&self.message, &self.trace);
        let of_trace = room.lines.saturating_sub(message.len()).max(room.lines / 3).min(trace.len());
        let mut text = ends(&message, room.lines - of_trace);
        text.push_str(&chosen(&trace, of_trace));
        clip(text.trim_end(), room.bytes)
    }
}

/// The lines of a trace that say something new.
fn added<'t>(message: &str, trace: &'t str) -> Vec<&'t str> {
    let mut said: BTreeSet<&str> = message.lines().map(str::trim).collect();
    let places: BTreeSet<String> = trace.lines().filter(|line| line.contains(": ") || line.ends_with(':')).filter_map(short).collect();
    let mut kept: Vec<&str> = Vec::new();
    for line in trace.lines().map(str::trim_end) {
        let words = line.trim();
        let error = line.strip_prefix("E  ").map(str::trim);
        let told = error.is_some_and(|error| message.contains(error))
            || said.contains(words)
            || is_frame_of(line, &places)
            || words.split_once("panicked at ").is_some_and(|(_, place)| message.contains(place.trim_end_matches(':')))
            || ["_ _ _", "---- ", "note: run with `RUST_BACKTRACE", "Traceback (most recent"].iter().any(|start| words.starts_with(start));
        // A place that a message repeats is told; the same words elsewhere in the trace may be code that runs twice.
        if words.is_empty() || told || !words.starts_with('>') && kept.last() == Some(&line) {
            continue;
        }
        if PLACE.is_match(line) {
            said.insert(words);
        }
        kept.push(line);
    }
    kept
}

/// `src/a.py:3` of `src/a.py:3: in f`.
fn short(line: &str) -> Option<String> {
    PLACE.captures(line)?.name("short").map(|short| short.as_str().to_owned())
}

/// Whether this is `src/a.py:3 in f`, where the runner's own words name the place as well.
fn is_frame_of(line: &str, places: &BTreeSet<String>) -> bool {
    line.split_once(" in ").is_some_and(|(place, _)| !place.ends_with(':') && places.contains(place))
}

/// All lines, or the beginning and the end.
fn ends(lines: &[&str], most: usize) -> String {
    let tail = most / 3;
    pick(lines, |at| lines.len() <= most || at < most - tail || at + tail >= lines.len())
}

/// The best lines, in their order: what is marked, places with the line of code below them, then what stands nearest to
/// what is marked or to an end.
fn chosen(lines: &[&str], most: usize) -> String {
    let is_marked = |at: usize| lines[at].starts_with('>') || lines[at].starts_with("E  ");
    let has_code = |at: usize| PLACE.is_match(lines[at]) && (lines[at].contains(": in ") || lines[at].trim_start().starts_with("File \""));
    let marks: Vec<usize> = (0..lines.len()).filter(|at| is_marked(*at)).collect();
    let weight = |at: usize| match () {
        () if lines[at].starts_with("E  ") => 0,
        () if lines[at].starts_with('>') => 1,
        () if PLACE.is_match(lines[at]) || lines[at].starts_with("... ") || at > 0 && has_code(at - 1) => 2,
        () => 3,
    };
    let distance = |at: usize| marks.iter().map(|mark| mark.abs_diff(at)).chain([at, lines.len() - 1 - at]).min();
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_cached_key(|at| (weight(*at), distance(*at)));
    let best: BTreeSet<usize> = order.into_iter().take(most).collect();
    pick(lines, |at| best.contains(&at))
}

fn pick(lines: &[&str], keep: impl Fn(usize) -> bool) -> String {
    let (mut text, mut gap) = (String::new(), 0);
    for at in 0..=lines.len() {
        if at < lines.len() && !keep(at) {
            gap += 1;
            continue;
        }
        if std::mem::take(&mut gap) > 0 {
            text.push_str("[...]\n");
        }
        if let Some(line) = lines.get(at) {
            let line = QUOTED_COLOUR.replace_all(line, "");
            text.push_str(&clip(&line, LINE).replace('\n', " "));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::FaultKind;

    fn of(message: &str, trace: &str, lines: usize) -> String {
        let fault = Fault { kind: FaultKind::Error, message: message.into(), trace: trace.into() };
        fault.decisive(Room { lines, bytes: 1_600 })
    }

    const TRACE: &str = "tests/test_a.py:3 in test_a\nsrc/a.py:9 in f\nsrc/a.py:4 in g\n\n    def test_a():\n        one()\n        two()\n        three()\n>       f()\n\ntests/test_a.py:3: \n_ _ _ _ _ _\nsrc/a.py:9: in f\n    return g(x)\n_ _ _ _ _ _\n\n    def g(x):\n>       return x['ref_links']\nE       KeyError: 'ref_links'\n\nsrc/a.py:4: KeyError";

    #[test]
    fn the_message_stands_first_and_once_and_what_is_marked_is_kept() {
        let said = of("KeyError: 'ref_links'", TRACE, 8);
        let expected = "KeyError: 'ref_links'\n    def test_a():\n[...]\n>       f()\ntests/test_a.py:3:\nsrc/a.py:9: in f\n    return g(x)\n[...]\n>       return x['ref_links']\nsrc/a.py:4: KeyError";
        assert_eq!(said, expected);
        assert!(of("KeyError: 'ref_links'", TRACE, 40).contains("        one()\n        two()\n        three()\n>       f()\ntests"));
    }

    #[test]
    fn long_messages_leave_room_for_the_place() {
        let diff: String = (0..50).map(|n| format!("- line {n}\n")).collect();
        let said = of(&diff, "    at add (lib/a.js:3:1)\n    at test/a.js:1:2\n... 4 frames outside the repository", 12);
        assert!(said.starts_with("- line 0\n") && said.contains("\n[...]\n- line 47\n"), "{said}");
        assert!(
            said.ends_with("- line 49\n    at add (lib/a.js:3:1)\n    at test/a.js:1:2\n... 4 frames outside the repository"),
            "{said}"
        );
    }

    #[test]
    fn a_line_that_holds_a_whole_screen_is_cut_and_without_quoted_colours() {
        let said = of(&format!("expected \"{}\"", r"\u{1b}[31mred\u{1b}[0m\n".repeat(200)), "", 12);
        assert!(said.starts_with(r#"expected "red\nred\n"#) && said.len() < 400 && said.lines().count() == 1, "{said}");
    }

    #[test]
    fn a_panic_is_told_once() {
        let printed = "thread 'a' panicked at src/lib.rs:3:1:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        let said = of("assertion `left == right` failed\n  left: 1\n right: 2\nat src/lib.rs:3:1", printed, 12);
        assert_eq!(said, "assertion `left == right` failed\n  left: 1\n right: 2\nat src/lib.rs:3:1");
    }
}
