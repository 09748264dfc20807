//! Functions and tests of Perl. A test is an assertion with a name, as TAP counts them; a subtest is a test around others.

use std::collections::BTreeSet;

use super::blocks::Block;
use super::lexer::Sort;
use super::{Definition, Read, counts, unquoted};
use crate::verify::items::{Item, Lines, Mark};

/// Longest name of an assertion that has none of its own.
const UNNAMED: usize = 80;

/// Named subs.
pub fn definitions(read: &Read<'_>) -> Vec<Definition> {
    let mut found = Vec::new();
    for block in &read.blocks {
        let Some(sub) = (block.statement..block.open).find(|at| read.word(*at) == "sub") else { continue };
        if read.tokens[sub + 1].sort != Sort::Word || sub + 1 >= block.open {
            continue;
        }
        let mut names: Vec<String> = package(read, sub).split("::").map(str::to_owned).filter(|part| !part.is_empty()).collect();
        names.push(read.word(sub + 1).to_owned());
        let signature = format!("{} {}", read.words(sub + 2..block.open).join(" "), unpacked(read, block));
        let body = read.tokens[block.open].range.end..read.tokens[block.close].range.start;
        found.push(Definition { names, signature: signature.trim().to_owned(), body, block: true });
    }
    found
}

/// `my ($self, $x) = @_;`, which is what parameters look like in Perl.
fn unpacked(read: &Read<'_>, block: &Block) -> String {
    let end = (block.inside()).find(|at| matches!(read.word(*at), ";" | "}")).unwrap_or(block.close);
    let words = read.words(block.open + 1..end);
    if words.first() == Some(&"my") && words.last() == Some(&"@_") { words.join(" ") } else { String::new() }
}

/// The package in which a token stands.
fn package<'t>(read: &Read<'t>, before: usize) -> &'t str {
    let at = (0..before).rev().find(|at| read.word(*at) == "package" && read.tokens[*at].sort == Sort::Word);
    at.map_or("", |at| read.word(at + 1))
}

/// Assertions and subtests.
pub fn items(read: &Read<'_>) -> Vec<Item> {
    let mut found = Vec::new();
    for at in 0..read.tokens.len() {
        if read.tokens[at].sort == Sort::Word && begins_statement(read, at) {
            found.extend(if read.word(at) == "subtest" { subtest(read, at) } else { assertion(read, at) });
        }
    }
    found
}

fn begins_statement(read: &Read<'_>, at: usize) -> bool {
    let before = (0..at).rev().find(|at| read.tokens[*at].sort != Sort::Break);
    before.is_none_or(|before| matches!(read.word(before), ";" | "{" | "}" | ":"))
}

fn assertion(read: &Read<'_>, at: usize) -> Option<Item> {
    if !counts::PERL.contains(&read.word(at)) && !matches!(read.word(at), "pass") || matches!(read.word(at + 1), "=>" | ":") {
        return None;
    }
    let end = statement_end(read, at);
    let last = (at..end).rev().find(|at| !matches!(read.word(*at), ")" | ",") && read.tokens[*at].sort != Sort::Break)?;
    let named = read.is_text(last) && matches!(read.word(last - 1), "," | "(" | "=>");
    let title = if named { unquoted(read.word(last)) } else { unnamed(&read.words(at..end).join(" ")) };
    let mut names = subtests(read, at);
    names.push(title);
    let body = read.words(at..if named { last } else { end }).join(" ");
    Some(Item {
        names,
        body,
        asserts: usize::from(counts::asserts_in_perl(read, at)),
        marks: marks_around(read, at),
        group: false,
        lines: Lines::unknown(),
    })
}

fn unnamed(words: &str) -> String {
    format!("(unnamed) {}", &words[..words.floor_char_boundary(UNNAMED)])
}

fn statement_end(read: &Read<'_>, from: usize) -> usize {
    let mut depth = 0_usize;
    for at in from..read.tokens.len() {
        match read.word(at) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return at,
            ")" | "]" | "}" => depth -= 1,
            ";" if depth == 0 => return at,
            _ => {}
        }
    }
    read.tokens.len()
}

fn subtest(read: &Read<'_>, at: usize) -> Option<Item> {
    let block = read.blocks.iter().find(|block| block.statement <= at && at < block.open && block.open - at < 8)?;
    let mut names = subtests(read, at);
    names.push(unquoted((at + 1..block.open).find(|at| read.is_text(*at)).map(|at| read.word(at))?));
    let body = read.words(block.inside()).join(" ");
    // Its assertions are tests of their own.
    Some(Item { names, body, asserts: 0, marks: marks_around(read, at), group: true, lines: Lines::unknown() })
}

fn around<'r>(read: &'r Read<'_>, at: usize) -> impl Iterator<Item = &'r Block> {
    read.blocks.iter().filter(move |block| block.open < at && at < block.close)
}

/// Titles of the subtests around a token, outermost first.
fn subtests(read: &Read<'_>, at: usize) -> Vec<String> {
    let of = |block: &Block| {
        let is_subtest = (block.statement..block.open).find(|at| read.word(*at) == "subtest")?;
        (is_subtest..block.open).find(|at| read.is_text(*at)).map(|at| unquoted(read.word(at)))
    };
    around(read, at).filter_map(of).collect()
}

/// `SKIP: { skip ... }` and `TODO: { local $TODO ... }` around a token.
fn marks_around(read: &Read<'_>, at: usize) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for block in around(read, at) {
        for inner in block.inside().filter(|inner| *inner < at) {
            match read.word(inner) {
                "skip" if begins_statement(read, inner) => marks.insert(Mark::Skip),
                "todo_skip" => marks.insert(Mark::Skip),
                "skip_all" => marks.insert(Mark::Skip),
                "$TODO" if inner.checked_sub(1).is_some_and(|before| matches!(read.word(before), "local" | "our")) => {
                    marks.insert(Mark::ExpectedFailure)
                }
                _ => false,
            };
        }
    }
    marks
}

/// `plan skip_all => ...` and a `$TODO` outside of any block.
pub fn file_marks(read: &Read<'_>) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for at in 0..read.tokens.len() {
        match read.word(at) {
            "skip_all" => marks.insert(Mark::Skip),
            "$TODO" if around(read, at).next().is_none() && read.word(at + 1) == "=" => marks.insert(Mark::ExpectedFailure),
            _ => false,
        };
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::super::{definitions as read_definitions, file_marks as read_marks, items as read_items, tokens};
    use crate::verify::items::Mark;
    use crate::verify::syntax::Language::Perl;

    const TEST: &str = "#!/usr/bin/perl\nuse strict; use Test::More;\nmy %y = (s => 1, q => 2); # q(\nis(add(1, 2), 3, 'adds');\nok(1, 'nothing');\nlike $text =~ s/a{1}/b}/r, qr/x#y/, \"matches\";\nis_deeply([$#{$list}], { a => q{x}, }, 'deep');\nok $h{y} / 2;\nsubtest 'group' => sub {\n    plan tests => 1;\n    is(1, 2, 'inner');\n};\nSKIP: {\n    skip 'no net', 1 unless $ENV{NET};\n    ok(get(), 'net');\n}\nTODO: { local $TODO = 'later'; ok(f(), 'todo one'); }\nprint <<\"EOT\";\nok( {\nEOT\ndone_testing;\n\n=head1 POD\n\nok({\n\n=cut\n";

    #[test]
    fn assertions_are_found_by_their_names() {
        let found = read_items(Perl, TEST);
        let names: Vec<String> = found.iter().map(|item| item.path()).collect();
        let expected = ["adds", "nothing", "matches", "deep", "(unnamed) ok $h { y } / 2", "group", "group::inner", "net", "todo one"];
        assert_eq!(names, expected);
        assert_eq!(found.iter().map(|item| item.asserts).collect::<Vec<_>>(), [1, 0, 1, 1, 1, 0, 1, 1, 1]);
        assert!(found[7].marks.contains(&Mark::Skip) && found[8].marks.contains(&Mark::ExpectedFailure) && found[0].marks.is_empty());
        assert!(read_marks(Perl, "use Test::More skip_all => 'x';").contains(&Mark::Skip));
    }

    #[test]
    fn subs_are_found_with_what_they_take() {
        let text = "package Shop::Calc;\nsub new { return bless {}, shift }\nsub add {\n    my ($self, $one) = @_;\n    return $one =~ m{x} ? 1 : 2;\n}\nmy $f = sub { 1 };\nsub sig($x, $y) { $x }\n1;\n";
        let found = read_definitions(Perl, text);
        let names: Vec<String> = found.iter().map(|one| format!("{} {}", one.names.join("::"), one.signature)).collect();
        assert_eq!(names, ["Shop::Calc::new ", "Shop::Calc::add my ( $self , $one ) = @_", "Shop::Calc::sig ( $x , $y )"]);
    }

    #[test]
    fn layout_and_documentation_are_no_words() {
        assert_eq!(tokens(Perl, "ok(1); # x\n\n=pod\n\nx\n\n=cut\n\n"), tokens(Perl, "ok( 1 )\n;"));
        assert!(tokens(Perl, "sub f {").is_none() && tokens(Perl, "my $x = q(a").is_none());
        let _ = read_items(Perl, &"subtest 'x' => sub {\n".repeat(20_000));
    }
}
