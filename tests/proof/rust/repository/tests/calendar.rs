use slots::calendar::Calendar;

fn morning() -> Calendar {
    let mut calendar = Calendar::default();
    assert!(calendar.book(540, 600, "Ann"));
    calendar
}

#[test]
fn a_booked_hour_is_taken() {
    let calendar = morning();
    assert!(calendar.is_taken(550, 560));
    assert!(!calendar.is_taken(700, 760));
}

#[test]
fn nobody_books_twice() {
    let mut calendar = morning();
    assert!(!calendar.book(570, 630, "Bob"));
    assert_eq!(calendar.at(570), Some("Ann"));
}

#[test]
fn cancelled_hours_are_free() {
    let mut calendar = morning();
    assert_eq!(calendar.cancel("Ann"), 1);
    assert_eq!(calendar.at(570), None);
}
