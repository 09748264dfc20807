//! Fills a text template in. Owns how templates behave: block tags leave no blank lines, and a template of the
//! repository cannot run for ever.

use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

use crate::error::{Kind, OrFail, Result};

/// Steps a template may take; the built-in ones need some thousands.
const FUEL: u64 = 500_000;

/// What a template may `include`: the first lines of a page, and the proof below them.
const PARTS: [(&str, &str); 3] =
    [("verdict", include_str!("verdict.md.j2")), ("flips", include_str!("flips.md.j2")), ("proof", include_str!("proof.md.j2"))];

/// The template's text with the values in it. `name` is what an error calls it.
pub fn render(name: &str, template: &str, values: &impl Serialize) -> Result<String> {
    let doing = || format!("filling in {name}");
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().or_fail(Kind::Internal, doing)?;
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("fenced", fenced);
    environment.add_filter("code", code);
    environment.add_filter("cell", cell);
    environment.add_filter("margin", margin);
    for (name, part) in PARTS {
        environment.add_template(name, part).or_fail(Kind::Internal, doing)?;
    }
    environment.render_str(template, Serde(values)).or_fail(Kind::Config, doing)
}

/// A code block whose fence is longer than any run of backticks inside.
fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

/// Lines behind a bar, this far from the edge, for a terminal; each with its line end.
fn margin(text: &str, width: usize) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("{:width$}| {}\n", "", line.trim_end())).collect()
}

/// Foreign words as code within a line.
fn code(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == '`' || c.is_control() { ' ' } else { c }).collect();
    format!("`{plain}`")
}

/// The same within a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_cannot_break_out_of_its_fence() {
        assert_eq!(fenced("a ``` b\n"), "````text\na ``` b\n````");
        assert_eq!((code("a`b|c\n"), cell("a`b|c\n")), ("`a b|c `".into(), "`a b\\|c `".into()));
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(render("it", endless, &()).is_err());
    }
}
