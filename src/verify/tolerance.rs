//! How far a test lets a value be from what it expects. Pure; what a wider one means is said by `strength`.

/// The numbers that follow what speaks of a tolerance.
pub fn tolerances(words: &[String]) -> Vec<f64> {
    const WORDS: [&str; 19] = [
        "approx",
        "isclose",
        "allclose",
        "assertAlmostEqual",
        "toBeCloseTo",
        "closeTo",
        "tolerance",
        "epsilon",
        "EPSILON",
        "delta",
        "abs",
        "Abs",
        "abs_diff",
        "rtol",
        "atol",
        "rel",
        "be_within",
        "assertEqualsWithDelta",
        "assert_in_delta",
    ];
    let mut found = Vec::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| WORDS.contains(&word.as_str())) {
        let numbers = expression(&words[at + 1..]).iter().take_while(|word| !WORDS.contains(&word.as_str()));
        let last =
            numbers.filter_map(|word| word.replace('_', "").trim_end_matches("f64").trim_end_matches("f32").parse::<f64>().ok()).last();
        found.push(last.unwrap_or(0.0));
    }
    found
}

/// The words up to the end of the expression that they go on with: where the bracket around it closes, or where an
/// operand follows an operand and so the next statement begins.
fn expression(words: &[String]) -> &[String] {
    let operand = |word: &str| word.starts_with(|letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '"' | '\''));
    let (mut depth, mut after_operand) = (0_i32, false);
    let end = words.iter().position(|word| {
        depth += match word.as_str() {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        };
        let next_statement = depth == 0 && after_operand && operand(word);
        after_operand = operand(word) || matches!(word.as_str(), ")" | "]" | "}");
        depth < 0 || next_statement || depth == 0 && word == ";" || depth == 1 && word == "{"
    });
    &words[..end.unwrap_or(words.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_the_last_number_of_its_expression() {
        for (words, tolerance) in [
            ("assert f ( 1 ) == approx ( 600 ) assert f ( 0 ) == 500", 600.0),
            ("assert abs ( f ( 1 ) - 600 ) <= 0.5 assert f ( 0 ) == 500", 0.5),
            ("assert . ok ( Math . abs ( pay ( 90 , 5000 ) - 7500 ) < 0.01 ) ; f ( 7 )", 0.01),
            ("assert ! ( f ( 10 ) . abs_diff ( 900 ) <= 1 ) ; g ( 7 )", 1.0),
            ("if math . Abs ( got - 600 ) > 1e-3 { t . Errorf ( 5 ) }", 1e-3),
        ] {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(tolerances(&words), [tolerance], "{words:?}");
        }
    }
}
