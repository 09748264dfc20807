use slots::initials;

#[test]
fn initials_of_three() {
    assert_eq!(initials("Ann M Lee"), "AML");
}
