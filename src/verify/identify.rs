//! Which tests of a report are new or changed: matches the runner's test ids with the test functions of the patch's
//! files in both versions. Parameter tables shift their ids, so a test is matched by its function.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::asserts::count;
use super::doctests;
use super::items::{Item, items};
use super::split::{Side, Sided, Split};
use super::strength::{Strength, strengths};
use super::syntax::{Language, parse};
use crate::runner::TestId;

/// What stands for a value in the title of a table's rows, or in a template string.
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\$\{[^}]*\}|\$[A-Za-z_#][\w.]*|%[sdifjoOpc#$]").expect("a constant pattern that the tests compile"));

/// How much of a text two test functions must share to be one that was renamed.
const ALIKE: f32 = 0.75;

/// The test functions of the patch's test side, before and after.
#[derive(Debug, Clone, Default)]
pub struct Tests {
    /// By path.
    pub files: BTreeMap<String, Versions>,
    /// Base function to the head function that took its place, where path or names differ.
    moved: BTreeMap<Place, Place>,
    /// Data, set-up or test code that cannot be read as a tree changed: any test may depend on it.
    pub data_changed: bool,
}

/// A file and the names of a function in it.
pub type Place = (String, String);

/// One file's test functions.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    /// In the base tree.
    pub base: Vec<Item>,
    /// In the head tree.
    pub head: Vec<Item>,
    /// How strictly they assert, by their names, before and after.
    pub strengths: [BTreeMap<String, Vec<Strength>>; 2],
    /// How much is asserted outside of them, in what they call: before and after.
    pub outside: [usize; 2],
}

/// What the patch did to the text of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextChange {
    /// Nothing.
    Same,
    /// Its function is not in the base tree.
    New,
    /// Its function reads otherwise.
    Changed,
    /// Its function is gone.
    Deleted,
    /// It comes from a file that changed, and its function cannot be found there.
    Unknown,
}

impl Tests {
    /// Reads the test side of a split.
    pub fn of(split: &Split) -> Tests {
        let mut tests = Tests::default();
        for file in split.test_side() {
            let versions = versions(file);
            let without_items = versions.base.is_empty() && versions.head.is_empty();
            tests.data_changed |= file.side == Side::Support || without_items || changed_outside(file, &versions);
            tests.files.insert(file.path.clone(), versions);
        }
        tests.moved = moved(&tests.files);
        tests
    }

    /// What the patch did to the function behind a test id; `file` is where the runner found it.
    pub fn change(&self, id: &TestId, file: Option<&str>) -> TextChange {
        let head = self.find(id, file, |versions| &versions.head);
        let base = self.find(id, file, |versions| &versions.base);
        match (base, head) {
            (Some((_, old)), Some((_, new))) if old.body == new.body => TextChange::Same,
            (Some(_), Some(_)) => TextChange::Changed,
            (Some((path, old)), None) => match self.moved.contains_key(&(path.to_owned(), old.path())) {
                true => TextChange::Changed,
                false => TextChange::Deleted,
            },
            (None, Some(_)) => TextChange::New,
            (None, None) => match file {
                Some(file) if !self.files.contains_key(file) => TextChange::Same,
                _ if self.files.is_empty() => TextChange::Same,
                _ => TextChange::Unknown,
            },
        }
    }

    /// The function behind a test id before the patch.
    pub fn base_item(&self, id: &TestId, file: Option<&str>) -> Option<(&str, &Item)> {
        self.find(id, file, |versions| &versions.base)
    }

    /// The function behind a test id after the patch.
    pub fn head_item(&self, id: &TestId, file: Option<&str>) -> Option<(&str, &Item)> {
        self.find(id, file, |versions| &versions.head)
    }

    /// Where a base function is found in the head tree: the same place, or where it moved to.
    pub fn successor(&self, path: &str, item: &Item) -> Option<(&str, &Item)> {
        let here = (path.to_owned(), item.path());
        let (path, names) = self.moved.get(&here).unwrap_or(&here);
        let (path, versions) = self.files.get_key_value(path)?;
        let mut same = versions.head.iter().filter(|one| one.path() == *names);
        // In Python a later function of the same name takes the earlier one's place.
        let found = if Language::of(path) == Some(Language::Python) {
            same.next_back()
        } else {
            same.find(|one| one.body == item.body).or_else(|| versions.head.iter().find(|one| one.path() == *names))
        };
        found.map(|one| (path.as_str(), one))
    }

    fn find(&self, id: &TestId, file: Option<&str>, version: impl Fn(&Versions) -> &Vec<Item>) -> Option<(&str, &Item)> {
        let parts = parts(id);
        let files = self.files.iter().filter(|(path, _)| file.is_none_or(|file| file == path.as_str()));
        let candidates = files.flat_map(|(path, versions)| version(versions).iter().map(move |item| (path.as_str(), item)));
        candidates
            .filter(|(_, item)| !item.group)
            .filter_map(|(path, item)| Some((fit(&parts, &item.names)?, path, item)))
            .max_by_key(|(fit, _, _)| *fit)
            .map(|(_, path, item)| (path, item))
    }
}

fn versions(file: &Sided) -> Versions {
    let text = |text: &Option<String>| match (text, file.side) {
        (None, _) => String::new(),
        // Only what is compiled for tests: a source function named like a test is none.
        (Some(text), Side::Mixed) => file.inline_tests(Some(text)).unwrap_or_default(),
        (Some(text), _) => text.clone(),
    };
    if file.side == Side::Mixed && Language::of(&file.path) == Some(Language::Python) {
        let examples = |text: &Option<String>| text.as_deref().map_or_else(Vec::new, |text| doctests::items(&file.path, text));
        return Versions { base: examples(&file.base), head: examples(&file.head), ..Versions::default() };
    }
    let (base, head) = (text(&file.base), text(&file.head));
    Versions::read(&file.path, &base, &head)
}

impl Versions {
    fn read(path: &str, base: &str, head: &str) -> Versions {
        let (old, new) = (items(path, base), items(path, head));
        let outside = [outside(path, base, &old), outside(path, head, &new)];
        Versions { base: old, head: new, strengths: [strengths(path, base), strengths(path, head)], outside }
    }
}

/// Assertions of a text that stand in none of its test functions.
fn outside(path: &str, text: &str, items: &[Item]) -> usize {
    let Some((language, tree)) = Language::of(path).and_then(|language| Some((language, parse(language, text)?))) else { return 0 };
    let nested = |item: &&Item| {
        items.iter().any(|other| other.path() != item.path() && item.path().starts_with(&format!("{}::", other.path())) && !other.group)
    };
    let inside: usize = items.iter().filter(|item| !item.group && !nested(item)).map(|item| item.asserts).sum();
    count(language, tree.root_node(), text).saturating_sub(inside)
}

/// Whether a test file changed outside of its test functions (tables, helpers, imports that every test stands on).
/// Looked at by what is left when all functions are equal; otherwise the functions themselves tell.
fn changed_outside(file: &Sided, versions: &Versions) -> bool {
    let same = versions.base.len() == versions.head.len() && versions.base.iter().zip(&versions.head).all(|(old, new)| old == new);
    let (Some(base), Some(head), Some(language)) = (&file.base, &file.head, Language::of(&file.path)) else { return false };
    same && super::syntax::tokens(language, base) != super::syntax::tokens(language, head)
}

/// The parts of an id without the parameters of its last one.
fn parts(id: &TestId) -> Vec<&str> {
    let whole = unnumbered(id.as_str());
    let plain = match whole.split_once('[') {
        Some((before, _)) if whole.ends_with(']') && !before.is_empty() && !before.ends_with(' ') => before,
        _ => whole,
    };
    plain.split("::").flat_map(|part| part.split(" > ")).collect()
}

/// Without the number that tells tests of one name apart.
fn unnumbered(id: &str) -> &str {
    match id.rsplit_once(" #") {
        Some((name, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => id,
    }
}

/// The id without parameters: the same for every row of a table.
pub fn function_key(id: &TestId) -> String {
    parts(id).join("::")
}

/// How well names fit an id: how deep the id's matching part lies, how many names agree, how few are left over.
fn fit(parts: &[&str], names: &[String]) -> Option<(usize, usize, usize, Reverse<usize>)> {
    let own = names.last()?;
    (1..=parts.len()).rev().find_map(|depth| {
        let exact = title_fits(parts[depth - 1], own)?;
        let agree = parts[..depth].iter().rev().zip(names.iter().rev()).take_while(|(part, name)| title_fits(part, name).is_some()).count();
        Some((depth, exact, agree, Reverse(names.len() - agree)))
    })
}

/// Whether a part of an id is this name: equal, ending in it (groups joined by blanks), or made from its template.
fn title_fits(part: &str, name: &str) -> Option<usize> {
    if part == name {
        return Some(3);
    }
    // pytest puts the module before the item: `pkg.mod.Class.method`.
    if let Some(item) = name.strip_prefix(doctests::MARK) {
        let after_module = part.strip_suffix(item).is_some_and(|module| module.is_empty() || module.ends_with('.'));
        return after_module.then_some(3 + item.len());
    }
    if name.len() >= 4 && part.ends_with(name) && part[..part.len() - name.len()].ends_with(' ') {
        return Some(2);
    }
    is_filled(part, name).then_some(1)
}

/// Whether a title was made from this template: its fixed parts stand in it, in order and at both ends.
fn is_filled(title: &str, template: &str) -> bool {
    let fixed: Vec<&str> = PLACEHOLDER.split(template).collect();
    let letters = |part: &&str| part.chars().filter(|letter| letter.is_alphanumeric()).count();
    let (Some(first), Some(last)) = (fixed.first(), fixed.last()) else { return false };
    if fixed.len() < 2 || fixed.iter().map(letters).sum::<usize>() < 3 {
        return false;
    }
    let Some(mut rest) = title.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    fixed[1..fixed.len() - 1].iter().all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => part.is_empty(),
    })
}

/// Pairs functions that are gone with new ones: the same body anywhere, then a similar body in the same file, then in
/// another one.
fn moved(files: &BTreeMap<String, Versions>) -> BTreeMap<Place, Place> {
    let all = |pick: fn(&Versions) -> &Vec<Item>| -> Vec<(Place, &Item)> {
        let each = files.iter().flat_map(|(path, versions)| pick(versions).iter().map(move |item| ((path.clone(), item.path()), item)));
        each.filter(|(_, item)| !item.group).collect()
    };
    let (base, head) = (all(|versions| &versions.base), all(|versions| &versions.head));
    let places = |list: &[(Place, &Item)]| list.iter().map(|(place, _)| place.clone()).collect::<BTreeSet<_>>();
    let (before, after) = (places(&base), places(&head));
    let gone: Vec<_> = base.into_iter().filter(|(place, _)| !after.contains(place)).collect();
    let mut new: Vec<_> = head.into_iter().filter(|(place, _)| !before.contains(place)).collect();
    let mut pairs = BTreeMap::new();
    let mut left = Vec::new();
    for (place, item) in gone {
        match new.iter().position(|(_, other)| other.body == item.body) {
            Some(at) => drop(pairs.insert(place, new.remove(at).0)),
            None => left.push((place, item)),
        }
    }
    left.truncate(200);
    for same_file in [true, false] {
        left.retain(|(place, item)| {
            let long = |one: &Item, two: &Item| one.body.len() <= two.body.len() * 2;
            let near = new.iter().enumerate().filter(|(_, (there, other))| {
                (there.0 == place.0) == same_file && long(item, other) && long(other, item) && calls_stay(item, other)
            });
            let scored = near.take(200).map(|(at, (_, other))| (alike(item, other), at));
            let best = scored.filter(|(score, _)| *score >= ALIKE).max_by(|one, two| one.0.total_cmp(&two.0));
            best.map(|(_, at)| pairs.insert(place.clone(), new.remove(at).0)).is_none()
        });
    }
    pairs
}

/// Whether a new function still calls what the old one called: tests of two functions may read alike all the same.
fn calls_stay(old: &Item, new: &Item) -> bool {
    let words: BTreeSet<&str> = new.body.split(' ').collect();
    let old: Vec<&str> = old.body.split(' ').collect();
    let called = old.windows(2).filter(|pair| pair[1] == "(").map(|pair| pair[0]);
    called.filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_')).all(|name| words.contains(name))
}

fn alike(one: &Item, two: &Item) -> f32 {
    let words = |item: &Item| item.body.split(' ').take(400).map(str::to_owned).collect::<Vec<_>>();
    let (one, two) = (words(one), words(two));
    let same: usize = similar::capture_diff_slices(similar::Algorithm::Myers, &one, &two)
        .iter()
        .map(|op| if let similar::DiffOp::Equal { len, .. } = op { *len } else { 0 })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "at most 400 words")]
    let ratio = 2.0 * same as f32 / (one.len() + two.len()).max(1) as f32;
    ratio
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A test side with one file of both versions.
    pub fn of(path: &str, base: &str, head: &str) -> Tests {
        let versions = Versions::read(path, base, head);
        let files = BTreeMap::from([(path.to_owned(), versions)]);
        Tests { moved: moved(&files), files, data_changed: false }
    }

    fn id(text: &str) -> TestId {
        serde_json::from_value(serde_json::Value::String(text.into())).unwrap()
    }

    #[test]
    fn ids_find_their_function() {
        let base = "def test_a(x):\n    assert f(x) == 1\n\nclass TestB:\n    def test_a(self):\n        assert 2\n\ndef test_gone():\n    assert other(1) == [2, 3]\n";
        let head = "def test_a(x):\n    assert f(x) == 2\n\nclass TestB:\n    def test_a(self):\n        assert 2\n\ndef test_new():\n    assert 1\n";
        let tests = of("tests/test_x.py", base, head);
        let change = |text: &str| tests.change(&id(text), Some("tests/test_x.py"));
        assert_eq!(change("tests.test_x::test_a[1-b::c]"), TextChange::Changed);
        assert_eq!(change("tests/test_x.py::TestB::test_a"), TextChange::Same);
        assert_eq!(change("tests/test_x.py::test_new"), TextChange::New);
        assert_eq!(change("tests/test_x.py::test_gone"), TextChange::Deleted);
        assert_eq!(change("tests/test_x.py::generated"), TextChange::Unknown);
        assert_eq!(tests.change(&id("tests/test_y.py::test_a"), Some("tests/test_y.py")), TextChange::Same);
        assert_eq!(function_key(&id("t::test_a[1-b::c]")), "t::test_a");
    }

    #[test]
    fn script_titles_are_found_by_group_by_assertion_and_by_template() {
        let base = "test('parse()', function (t) { t.test('arrays', function (st) { st.equal(p('a'), 1); }); });\ntest.each([1])('adds %d', (n) => { expect(n).toBe(1) });";
        let head = base.replace("p('a'), 1", "p('a'), 2");
        let tests = of("test/parse.js", base, &head);
        let change = |text: &str| tests.change(&id(text), Some("test/parse.js"));
        assert_eq!(change("parse()::arrays::should be strictly equal"), TextChange::Changed);
        assert_eq!(change("adds 1"), TextChange::Same);
        assert_eq!(change("group parse() > arrays"), TextChange::Changed);
    }

    #[test]
    fn a_test_of_another_function_is_not_the_one_that_is_gone() {
        let of_a = "def test_old():\n    got = insured(500, 100)\n    assert got == 501, got\n    assert got != 500, got\n";
        let of_b = "def test_new():\n    got = base(500, 100)\n    assert got == 601, got\n    assert got != 600, got\n";
        let gone = of("t.py", of_a, of_b);
        assert_eq!(gone.change(&id("t.py::test_old"), Some("t.py")), TextChange::Deleted);
        let renamed = of("t.py", of_a, &of_b.replace("base", "insured"));
        assert_eq!(renamed.change(&id("t.py::test_old"), Some("t.py")), TextChange::Changed);
    }

    #[test]
    fn titles_made_from_a_template_are_found_wherever_its_values_stand() {
        for (title, template) in [
            ("1 and 2 give 3", "%i and %i give %i"),
            ("reads a,b as list", "reads $text as $kind"),
            ("`x` is kept", "`${name}` is kept"),
            ("row 3 of many", "row %# of many"),
        ] {
            assert!(is_filled(title, template), "{title}");
        }
        for (title, template) in
            [("1 and 2 gave 3", "%i and %i give %i"), ("anything", "%s"), ("a plain one", "a plain one"), ("x is lost", "${name} is kept")]
        {
            assert!(!is_filled(title, template), "{title}");
        }
    }

    #[test]
    fn a_title_alone_may_change() {
        let base =
            "describe('p', () => { it('reads a', () => { expect(p('a')).toBe(1); }); it('reads b', () => { expect(p('b')).toBe(1); }); });";
        let tests = of("a.test.js", base, &base.replace("reads a", "takes the letter a"));
        assert_eq!(tests.change(&id("p::reads a"), Some("a.test.js")), TextChange::Changed);
        let (path, old) = tests.base_item(&id("p::reads a"), None).unwrap();
        assert_eq!(tests.successor(path, old).unwrap().1.name(), "takes the letter a");
    }

    #[test]
    fn a_title_that_holds_the_expected_value_is_a_renamed_test() {
        let base = "it('gives 3', () => { const x = f('a', 'b'); expect(x).toBe(3); });";
        let head = "it('gives 4', () => { const x = f('a', 'b'); expect(x).toBe(4); });";
        let tests = of("a.test.js", base, head);
        let (path, old) = tests.base_item(&id("gives 3"), None).unwrap();
        assert_eq!(tests.successor(path, old).unwrap().1.name(), "gives 4");
        assert_eq!(tests.change(&id("gives 3"), Some("a.test.js")), TextChange::Changed);
    }
}
