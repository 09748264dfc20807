//! Cases of the confusion matrix before the program itself: base and patch become commits of a repository, and
//! `loom verify --json` judges them.

use crate::case::{Case, Files, apply};
use crate::ground::commit;
use crate::loom::Loom;
use crate::said::Said;

/// A repository with one base tree, and a user who has nothing but loom.
pub struct Program {
    loom: Loom,
    base: Files,
}

impl Program {
    pub fn of(base: &Files) -> Program {
        let program = Program { loom: Loom::new(), base: base.clone() };
        let repository = git2::Repository::init(program.loom.folder().join("repository")).unwrap();
        commit(&repository, "refs/heads/main", base, None);
        repository.set_head("refs/heads/main").unwrap();
        program
    }

    /// What the program says of a patch; its exit code has to say the same.
    pub fn says(&self, case: &Case, patch: &Files) -> Said {
        let repository = git2::Repository::open(self.loom.folder().join("repository")).unwrap();
        let main = repository.refname_to_id("refs/heads/main").unwrap();
        let head = commit(&repository, &format!("refs/heads/{}", case.name), &apply(&self.base, patch, &case.name), Some(main)).to_string();
        let mut words = vec!["verify", "--repo", "repository", "--base", "main", "--head", &head, "--json"];
        words.extend(case.labels.iter().flat_map(|label| ["--label", label.as_str()]));
        let ended = self.loom.run(&words);
        let (code, record) = (ended.code, ended.json());
        let said = Said::of_record(&record);
        let told = match said.verdict.as_str() {
            "verified" | "review" => 0,
            "rejected" => 11,
            "inconclusive" => 12,
            other => panic!("{}: no verdict: {other:?} in {record}", case.name),
        };
        assert_eq!(code, told, "{}: the exit code of {}", case.name, said.verdict);
        assert_eq!(record["head"], head.as_str(), "{}: another commit was judged", case.name);
        said
    }
}
