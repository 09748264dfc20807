//! Whose words reach the model: people the repository trusts, and who opened the issue.

/// Whether a comment is part of the issue. `association` is GitHub's word for what ties its author to the repository.
pub fn admits_comment(author: &str, association: &str, issue_author: &str) -> bool {
    matches!(association, "OWNER" | "MEMBER" | "COLLABORATOR") || author == issue_author
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_not_heard() {
        assert!(admits_comment("maya", "MEMBER", "rita"));
        assert!(admits_comment("rita", "NONE", "rita"));
        for association in ["NONE", "CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN", ""] {
            assert!(!admits_comment("mallory", association, "rita"), "{association}");
        }
    }
}
