//! What SQLite's errors mean to a person, and what to do about each. The file is never reset on an error.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::error::{Failure, Kind};

/// The failure of one step on the queue file.
pub(super) fn of(path: &Path, doing: &str, error: Error) -> Failure {
    let code = error.sqlite_error_code();
    let failure = Failure { kind: kind(code), cause: error.into(), hints: Vec::new() };
    let failure = failure.context(format_args!("{doing} in the queue file {}", path.display()));
    match code.and_then(hint) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// SQL that is wrong is a defect of loom; all else is the file or its disk.
fn kind(code: Option<ErrorCode>) -> Kind {
    match code {
        None | Some(ErrorCode::Unknown | ErrorCode::ApiMisuse | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => Kind::Internal,
        Some(_) => Kind::Workspace,
    }
}

fn hint(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            "another program keeps the file locked: end it, or try again; a queue on a network drive cannot be locked, so set paths.queue"
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
            "the file and its folder must be writable for you; another place is set by paths.queue (LOOM_PATHS_QUEUE)"
        }
        ErrorCode::DiskFull => "the disk is full: free some space and start again; nothing that was recorded is lost",
        ErrorCode::SystemIoFailure => "the disk does not answer as it should: check its space and health, then start again",
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => {
            "move the file away to begin an empty queue (keep it: `sqlite3 FILE .recover` reads what is left); proposals are not in it"
        }
        _ => return None,
    })
}
