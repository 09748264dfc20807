//! One task from issue to pull request as one sentence; nothing here knows how a step is done.
