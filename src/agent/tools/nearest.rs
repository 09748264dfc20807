//! The real lines most like a text that was not found, and how they differ.

use std::collections::HashMap;

/// Lines of the wanted text that are compared.
const SAMPLES: usize = 5;
/// Lines shown of a place.
const SHOWN: usize = 14;
/// Below this likeness nothing is near.
const LEAST: f64 = 0.45;

/// Longer texts are not compared: what is kept of each line is many times its size.
const LARGEST: usize = 2 << 20;

/// Tells where `wanted` may be meant in `text`; an empty answer when nothing is near.
pub(super) fn told(text: &str, wanted: &str) -> String {
    if text.len() > LARGEST {
        return String::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = wanted.trim_matches('\n').lines().collect();
    let Some((at, likeness)) = best(&lines, &wanted) else { return String::new() };
    if likeness < LEAST {
        return String::new();
    }
    let end = (at + wanted.len()).min(lines.len());
    let place = &lines[at..end];
    let shown: String = place.iter().take(SHOWN).zip(at + 1..).map(|(line, number)| format!("{number}\t{line}\n")).collect();
    let more = if place.len() > SHOWN { format!("[and {} more lines]\n", place.len() - SHOWN) } else { String::new() };
    format!("{}\n{shown}{more}", difference(place, &wanted, at))
}

/// How the place differs from what was wanted.
fn difference(place: &[&str], wanted: &[&str], at: usize) -> String {
    let plain = |lines: &[&str]| lines.iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ");
    if plain(place) == plain(wanted) {
        let tabs = |lines: &[&str]| lines.iter().any(|line| line.starts_with('\t'));
        let how = match (tabs(place), tabs(wanted)) {
            (true, false) => " (the file indents by tabs)",
            (false, true) => " (the file indents by spaces)",
            _ => "",
        };
        return format!("Only whitespace differs{how}; the real lines are:");
    }
    let first = place.iter().zip(wanted).position(|(real, wanted)| real != wanted);
    match first {
        Some(line) if place.len() > 1 => format!("The nearest real lines, which differ from line {} on:", at + line + 1),
        _ => "The nearest real lines:".to_owned(),
    }
}

/// Where the sampled lines fit best.
fn best(lines: &[&str], wanted: &[&str]) -> Option<(usize, f64)> {
    if lines.is_empty() || wanted.is_empty() {
        return None;
    }
    let step = wanted.len().div_ceil(SAMPLES);
    let samples: Vec<(usize, Pairs)> = wanted.iter().enumerate().step_by(step).map(|(at, line)| (at, Pairs::of(line))).collect();
    let pairs: Vec<Pairs> = lines.iter().map(|line| Pairs::of(line)).collect();
    let likeness = |at: usize| {
        let of_sample = |(offset, sample): &(usize, Pairs)| pairs.get(at + offset).map_or(0.0, |line| sample.likeness(line));
        samples.iter().map(of_sample).sum::<f64>() / samples.len() as f64
    };
    (0..lines.len()).map(|at| (at, likeness(at))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
}

/// The pairs of neighbouring characters in a line, whitespace left out.
struct Pairs {
    counts: HashMap<(char, char), usize>,
    total: usize,
}

impl Pairs {
    fn of(line: &str) -> Pairs {
        let letters: Vec<char> = line.chars().filter(|one| !one.is_whitespace()).take(200).collect();
        let mut counts = HashMap::new();
        for pair in letters.windows(2) {
            *counts.entry((pair[0], pair[1])).or_default() += 1;
        }
        Pairs { counts, total: letters.len().saturating_sub(1) }
    }

    /// 1 for the same, 0 for nothing in common.
    fn likeness(&self, other: &Pairs) -> f64 {
        if self.total == 0 || other.total == 0 {
            return f64::from(u8::from(self.total == other.total));
        }
        let common: usize = self.counts.iter().map(|(pair, count)| (*count).min(other.counts.get(pair).copied().unwrap_or(0))).sum();
        2.0 * common as f64 / (self.total + other.total) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn one() {\n\tlet a = 1;\n\treturn a;\n}\n\nfn two() {\n    let value = compute(3);\n    value\n}\n";

    #[test]
    fn the_nearest_lines_are_shown_with_their_numbers() {
        let told = told(TEXT, "fn two() {\n    let value = compute(4);\n    value\n}");
        assert!(
            told.starts_with("The nearest real lines, which differ from line 7 on:\n6\tfn two() {\n7\t    let value = compute(3);"),
            "{told}"
        );
    }

    #[test]
    fn whitespace_is_pointed_out() {
        assert!(
            told(TEXT, "    let a = 1;\n    return a;")
                .starts_with("Only whitespace differs (the file indents by tabs); the real lines are:\n2\t\tlet a = 1;")
        );
    }

    #[test]
    fn nothing_near_is_not_invented() {
        assert_eq!(told(TEXT, "SELECT * FROM users"), "");
        assert_eq!(told("", "x"), "");
        assert_eq!(told(TEXT, ""), "");
    }
}
