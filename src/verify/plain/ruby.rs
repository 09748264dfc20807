//! Functions and tests of Ruby: methods, minitest classes and specs, rspec.

use std::collections::BTreeSet;
use std::ops::Range;

use super::blocks::{Block, Opener, parameters};
use super::lexer::Sort;
use super::{Definition, Read, counts, unquoted};
use crate::verify::items::{Item, Lines, Mark};

const GROUPS: [&str; 13] = [
    "describe",
    "context",
    "feature",
    "example_group",
    "xdescribe",
    "xcontext",
    "fdescribe",
    "fcontext",
    "shared_examples",
    "shared_context",
    "shared_examples_for",
    "xfeature",
    "ffeature",
];
const TESTS: [&str; 12] =
    ["it", "specify", "example", "scenario", "test", "should", "xit", "xspecify", "xexample", "fit", "fspecify", "fexample"];

/// Methods with a body of their own, and those that are one expression.
pub fn definitions(read: &Read<'_>) -> Vec<Definition> {
    let mut found: Vec<Definition> = Vec::new();
    for (at, token) in read.tokens.iter().enumerate() {
        if token.sort != Sort::Word
            || read.of(token) != "def"
            || at.checked_sub(1).is_some_and(|before| matches!(read.word(before), "." | "&."))
        {
            continue;
        }
        let (name, signature, after) = parameters(read.text, &read.tokens, at);
        let block = read.blocks.iter().position(|block| block.opener == Opener::Def && block.open == at);
        let start = read.tokens.get(after.wrapping_sub(1)).map_or(read.text.len(), |token| token.range.end);
        let (body, is_block) = match block {
            Some(block) => (start..read.tokens[read.blocks[block].close].range.start, true),
            None => {
                let first = read.tokens.get(after + 1).map_or(read.text.len(), |token| token.range.start);
                let end = read.tokens[after.min(read.tokens.len())..].iter().find(|token| token.sort == Sort::Break);
                (first..end.map_or(read.text.len(), |token| token.range.start).max(first), false)
            }
        };
        let mut names = classes(read, innermost(read, at));
        names.push(name.trim_start_matches("self.").to_owned());
        found.push(Definition { names, signature: read.words(signature).join(" "), body, block: is_block });
    }
    found
}

/// The block in which a token stands.
fn innermost(read: &Read<'_>, at: usize) -> Option<usize> {
    read.blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.open < at && at < block.close)
        .max_by_key(|(_, block)| block.open)
        .map(|(at, _)| at)
}

fn around<'r>(read: &'r Read<'_>, from: Option<usize>) -> impl Iterator<Item = &'r Block> {
    std::iter::successors(from.map(|at| &read.blocks[at]), |block| block.parent.map(|at| &read.blocks[at]))
}

/// Names of the classes and modules around a place, outermost first.
fn classes(read: &Read<'_>, from: Option<usize>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for block in around(read, from).filter(|block| block.opener == Opener::Class) {
        let mut own = Vec::new();
        let mut at = block.open + 1;
        while matches!(read.tokens.get(at), Some(token) if token.sort == Sort::Word || read.of(token) == "::") {
            if read.word(at) != "::" {
                own.push(read.word(at).to_owned());
            }
            at += 1;
        }
        names.splice(0..0, own);
    }
    names
}

/// Tests and groups of tests.
pub fn items(read: &Read<'_>) -> Vec<Item> {
    let mut found: Vec<(usize, Item)> = Vec::new();
    for (at, block) in read.blocks.iter().enumerate() {
        let item = match block.opener {
            Opener::Def => method(read, at, block),
            Opener::Do | Opener::Brace => call(read, at, block),
            Opener::Class | Opener::Other => None,
        };
        found.extend(item.map(|item| (block.open, item)));
    }
    found.sort_by_key(|(open, _)| *open);
    found.into_iter().map(|(_, item)| item).collect()
}

fn method(read: &Read<'_>, at: usize, block: &Block) -> Option<Item> {
    let (name, ..) = parameters(read.text, &read.tokens, block.open);
    if !name.starts_with("test_") {
        return None;
    }
    let mut names = titles(read, block.parent);
    names.push(name);
    Some(item(read, names, block.inside(), block, at))
}

fn call(read: &Read<'_>, at: usize, block: &Block) -> Option<Item> {
    let call = spec(read, block)?;
    let mut names = titles(read, block.parent);
    let group = GROUPS.contains(&call.word);
    match (group, call.word) {
        (true, _) => names.extend(split_title(&call.title)),
        (false, "test") => names.push(format!("test_{}", call.title.split_whitespace().collect::<Vec<_>>().join("_"))),
        (false, _) => names.push(call.title.clone()),
    }
    let mut item = item(read, names, call.behind_title..block.close, block, at);
    item.group = group;
    if group {
        item.body = String::new();
        item.marks.retain(|mark| *mark != Mark::ExpectedFailure);
    }
    Some(item)
}

struct Spec<'r> {
    word: &'r str,
    title: String,
    behind_title: usize,
}

/// `it 'title' do`, `RSpec.describe Calc, '#add' do`, `it { ... }`.
fn spec<'r>(read: &'r Read<'_>, block: &Block) -> Option<Spec<'r>> {
    let mut at = block.statement;
    if matches!(read.word(at), "RSpec" | "Minitest") && read.word(at + 1) == "." {
        at += 2;
    }
    let word = read.word(at);
    if !GROUPS.contains(&word) && !TESTS.contains(&word) || at > block.open {
        return None;
    }
    let mut from = at + 1;
    if read.word(from) == "(" {
        from += 1;
    }
    let mut parts: Vec<String> = Vec::new();
    let mut end = from;
    while end < block.open {
        let token = &read.tokens[end];
        let label = read.word(end + 1) == ":" && !read.tokens[end + 1].spaced || read.word(end + 1) == "=>";
        let piece = match token.sort {
            Sort::Text if !read.of(token).starts_with(':') && !label => unquoted(read.of(token)),
            Sort::Word if !label && read.of(token).starts_with(|letter: char| letter.is_uppercase()) => {
                let mut path = read.of(token).to_owned();
                while read.word(end + 1) == "::" && end + 2 < block.open {
                    path.push_str("::");
                    path.push_str(read.word(end + 2));
                    end += 2;
                }
                path
            }
            _ => break,
        };
        parts.push(piece);
        end += 1;
        if read.word(end) != "," {
            break;
        }
        end += 1;
    }
    let title = if parts.is_empty() { read.line(at).to_owned() } else { joined(&parts) };
    Some(Spec { word, title, behind_title: end })
}

/// As rspec puts a description together: `Calc` and `#add` without a blank.
fn joined(parts: &[String]) -> String {
    parts.iter().fold(String::new(), |whole, part| {
        let blank = if whole.is_empty() || part.starts_with(['#', '.']) || part.starts_with("::") { "" } else { " " };
        format!("{whole}{blank}{part}")
    })
}

fn split_title(title: &str) -> Vec<String> {
    title.split("::").map(str::to_owned).filter(|part| !part.is_empty()).collect()
}

/// Classes and groups around a test.
fn titles(read: &Read<'_>, from: Option<usize>) -> Vec<String> {
    let mut names = Vec::new();
    for block in around(read, from) {
        let own = match block.opener {
            Opener::Class => (block.open + 1..block.close)
                .map_while(|at| (read.tokens[at].sort == Sort::Word || read.word(at) == "::").then(|| read.word(at)))
                .filter(|word| *word != "::")
                .map(str::to_owned)
                .collect(),
            Opener::Do | Opener::Brace => {
                spec(read, block).filter(|call| GROUPS.contains(&call.word)).map_or_else(Vec::new, |call| split_title(&call.title))
            }
            Opener::Def | Opener::Other => Vec::new(),
        };
        names.splice(0..0, own);
    }
    names
}

fn item(read: &Read<'_>, names: Vec<String>, body: Range<usize>, block: &Block, at: usize) -> Item {
    let mut marks = marks(read, block.statement..block.open, block.inside());
    for outer in around(read, read.blocks[at].parent).filter(|outer| matches!(outer.opener, Opener::Do | Opener::Brace)) {
        marks.extend(head_marks(read, outer.statement..outer.open));
    }
    Item {
        names,
        body: read.words(body.clone()).join(" "),
        asserts: counts::ruby(read, body),
        marks,
        group: false,
        lines: Lines::unknown(),
    }
}

fn marks(read: &Read<'_>, head: Range<usize>, body: Range<usize>) -> BTreeSet<Mark> {
    let mut marks = head_marks(read, head);
    for at in body {
        if read.tokens[at].sort != Sort::Word || at.checked_sub(1).is_some_and(|before| matches!(read.word(before), "." | "def")) {
            continue;
        }
        match read.word(at) {
            "skip" => marks.insert(Mark::Skip),
            "pending" => marks.insert(Mark::ExpectedFailure),
            _ => false,
        };
    }
    marks
}

fn head_marks(read: &Read<'_>, head: Range<usize>) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for at in head {
        let value = |word: &str| {
            read.word(at) == word
                && (read.word(at + 1) == ":" || read.word(at + 1) == "=>")
                && !matches!(read.word(at + 2), "false" | "nil")
        };
        match read.word(at) {
            "xit" | "xspecify" | "xexample" | "xdescribe" | "xcontext" | "xfeature" | ":skip" => marks.insert(Mark::Skip),
            "fit" | "fspecify" | "fexample" | "fdescribe" | "fcontext" | "ffeature" | ":focus" => marks.insert(Mark::Only),
            ":pending" => marks.insert(Mark::ExpectedFailure),
            _ if value("skip") => marks.insert(Mark::Skip),
            _ if value("focus") => marks.insert(Mark::Only),
            _ if value("pending") => marks.insert(Mark::ExpectedFailure),
            _ => false,
        };
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::super::{definitions as read_definitions, identifiers, items as read_items, tokens};
    use crate::verify::items::Mark;
    use crate::verify::syntax::Language::Ruby;

    const SPEC: &str = "# frozen\nrequire 'calc'\nRSpec.describe Calc::Deep, '#add' do\n  subject { described_class.new }\n  let(:sums) { %w[a b].map { |one| one =~ /x{2}/ ? 1 : 2 } }\n  it { is_expected.to eq 3 }\n  context \"when #{\"deep \" + 'x'}\" do\n    it 'adds' do\n      return if sums.empty?\n      text = <<~EOS\n        end of it do\n      EOS\n      expect(subject.add(1, 2)).to eq 3\n      expect(true).to be true\n    end\n    xit('later') { expect(1 / 2).to eq 0 }\n    it 'focused', :focus do end\n  end\nend\n";

    #[test]
    fn specs_are_found_with_their_marks() {
        let found = read_items(Ruby, SPEC);
        let names: Vec<String> = found.iter().map(|item| item.path()).collect();
        let context = "when #{\"deep \" + 'x'}";
        assert_eq!(
            names,
            [
                "Calc::Deep#add".to_owned(),
                "Calc::Deep#add::it { is_expected.to eq 3 }".to_owned(),
                format!("Calc::Deep#add::{context}"),
                format!("Calc::Deep#add::{context}::adds"),
                format!("Calc::Deep#add::{context}::later"),
                format!("Calc::Deep#add::{context}::focused"),
            ]
        );
        assert!(found[0].group && found[2].group && !found[3].group);
        assert_eq!((found[1].asserts, found[3].asserts), (1, 1));
        assert!(found[4].marks.contains(&Mark::Skip) && found[5].marks.contains(&Mark::Only) && found[3].marks.is_empty());
    }

    #[test]
    fn minitest_classes_and_methods_are_found() {
        let text = "class TestCalc < Minitest::Test\n  def setup; @x = 1; end\n  def test_adds\n    assert_equal 3, add(1, 2)\n    assert true\n    refute_nil(@x)\n  end\n  def test_skipped\n    skip 'no' unless ENV['X']\n  end\n  test 'with words' do\n    assert x\n  end\nend\n";
        let found = read_items(Ruby, text);
        let names: Vec<String> = found.iter().map(|item| item.path()).collect();
        assert_eq!(names, ["TestCalc::test_adds", "TestCalc::test_skipped", "TestCalc::test_with_words"]);
        assert_eq!(found[0].asserts, 2);
        assert!(found[1].marks.contains(&Mark::Skip));
    }

    #[test]
    fn methods_are_found_and_told_apart_from_words() {
        let text = "module A\n  class B < C\n    def self.make(x, y: 1) = new(x)\n    def ==(other)\n      self.class == other.class && (if other then true end)\n    end\n    def end; 1 end\n    attr = { if: 1, end: 2 }\n    while x do y end\n    def name=(value); @name = value; end\n    def bare a, b\n      a while b\n    end\n  end\nend\n";
        let found = read_definitions(Ruby, text);
        let names: Vec<String> = found.iter().map(|one| format!("{} {}", one.names.join("::"), one.signature)).collect();
        assert_eq!(names, ["A::B::make ( x , y : 1 )", "A::B::== ( other )", "A::B::end ", "A::B::name= ( value )", "A::B::bare a , b"]);
        assert_eq!(&text[found[0].body.clone()], "new(x)");
        assert_eq!(text[found[4].body.clone()].trim(), "a while b");
    }

    #[test]
    fn comments_are_no_words_and_what_does_not_end_is_not_read() {
        assert_eq!(tokens(Ruby, "a # x\n=begin\nb\n=end\nc"), Some(["a", "\n", "c"].map(str::to_owned).to_vec()));
        for broken in ["def a", "x = 'open", "a = <<~X\nno end", "end", "foo {", "%w[a"] {
            assert!(tokens(Ruby, broken).is_none(), "{broken}");
        }
        assert!(identifiers(Ruby, "foo(fresh: 1, b: @size)").is_superset(&["fresh", "size", "foo"].map(str::to_owned).into()));
        let _ = tokens(Ruby, &"\"#{".repeat(50_000));
        let _ = read_items(Ruby, &"describe 'x' do\n".repeat(20_000));
    }
}
