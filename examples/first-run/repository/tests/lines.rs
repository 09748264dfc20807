use linewrap::{shorten, wrap};

#[test]
fn a_long_word_stays_in_one_piece() {
    assert_eq!(wrap("a incomprehensibly b", 6), ["a", "incomprehensibly", "b"]);
}

#[test]
fn a_line_may_fill_the_width_exactly() {
    assert_eq!(wrap("four five", 9), ["four five"]);
}

#[test]
fn shortening_marks_the_cut() {
    assert_eq!(shorten("one two three", 7), "one tw…");
    assert_eq!(shorten("one", 7), "one");
    assert_eq!(shorten("one", 0), "");
}
