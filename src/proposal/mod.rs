//! Patch and verdict, on disk and in memory; the pull request's text.
