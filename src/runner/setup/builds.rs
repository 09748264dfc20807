//! The build steps that the repository's scripts name before its tests, tried once in the base tree: what cannot be built
//! there (a tool that is not installed, a step that needs a network) is left out with a word, and the tests run without.

use super::super::bench::{Bench, Kept};
use super::super::text::streams;
use super::{Setup, first_lines};
use crate::error::Result;
use crate::runner::Suite;
use crate::sandbox::Limits;

/// The suites with the steps that work. Steps of the settings are the maintainers' word and stay as they are.
pub(super) fn tried(setup: &Setup<'_>, kept: Kept, explicit: &[String]) -> Result<Vec<Suite>> {
    let mut suites = kept.suites.clone();
    if suites.iter().all(|suite| suite.build.is_empty() || suite.build == explicit) {
        return Ok(suites);
    }
    let bench: Bench = setup.bench(kept);
    let tree = bench.tree(&setup.tree.host, &setup.folder.join("setup"))?;
    let mut done: Vec<(String, String, bool)> = Vec::new();
    for suite in suites.iter_mut().filter(|suite| suite.build != explicit) {
        let mut good = Vec::new();
        for command in std::mem::take(&mut suite.build) {
            let known = done.iter().find(|(dir, one, _)| *dir == suite.dir && *one == command).map(|(_, _, works)| *works);
            let works = match known {
                Some(works) => works,
                None => {
                    let limits = Limits { wall: setup.deadline.left(), head: 1 << 20, tail: 1 << 20 };
                    let mut job = tree.job(["bash", "-c", &command].map(str::to_owned).to_vec(), limits);
                    if !suite.dir.is_empty() {
                        job.cwd = tree.point.join(&suite.dir);
                    }
                    let finished = setup.sandbox.run(&job, setup.cancel)?;
                    if !finished.ok() {
                        let said = streams(&finished);
                        let line = said.lines().find(|line| line.to_lowercase().contains("error") || line.contains("not found"));
                        let line = line.map_or_else(|| first_lines(&said, 1), str::to_owned);
                        setup.lacks(format!("setup: `{command}` does not run here, and the tests run without it: {}", line.trim()));
                    }
                    finished.ok()
                }
            };
            done.push((suite.dir.clone(), command.clone(), works));
            if works {
                good.push(command);
            }
        }
        suite.build = good;
    }
    Ok(suites)
}
