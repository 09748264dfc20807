//! Which names loom writes and reads inside a tree: one rule for export, snapshot and file access.
//! Owns names only; links and kinds of files are the neighbours' business.

/// Why a path component cannot be used; none when it can.
pub(super) fn objection(name: &[u8]) -> Option<&'static str> {
    match name {
        b"" => Some("an empty name"),
        b"." | b".." => Some("a name that leads elsewhere"),
        _ if name.contains(&0) || name.contains(&b'/') => Some("a name with a forbidden character"),
        _ if is_repository(name) => Some("git's own folder"),
        _ => None,
    }
}

/// Whether some file system takes this name for `.git`: letters of either case, the short name of DOS, trailing dots and
/// spaces, an alternate stream, code points that HFS+ leaves out. Forges refuse trees that hold one.
pub(super) fn is_repository(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else { return false };
    let plain: String = text.chars().filter(|c| !is_ignored_by_hfs(*c)).collect::<String>().to_ascii_lowercase();
    let stem = plain.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    matches!(stem, ".git" | "git~1")
}

fn is_ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// A path of bytes as people and models read it; what is not UTF-8 shows as U+FFFD.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// `folder/name`, or `name` at the root.
pub(super) fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        return name.to_vec();
    }
    [folder, b"/", name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_git_folder_is_known() {
        for name in [".git", ".GIT", ".Git.", ".git ", "git~1", "GIT~1", ".g\u{200c}it", ".git::$INDEX_ALLOCATION"] {
            assert!(objection(name.as_bytes()).is_some(), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", "x.git", ".gitmodules", "a b", "\u{fc}"] {
            assert_eq!(objection(name.as_bytes()), None, "{name:?}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [&b""[..], b".", b"..", b"a/b", b"a\0"] {
            assert!(objection(name).is_some(), "{name:?}");
        }
    }
}
