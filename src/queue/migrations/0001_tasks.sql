-- Tasks, their stages, their log. Times are RFC 3339 in UTC with milliseconds, so that they sort as text.

CREATE TABLE tasks (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id   TEXT    NOT NULL,
    -- Names the issue within its repository, whatever the repository is called today: '#12', or a file's absolute path.
    issue_key       TEXT    NOT NULL,
    -- The reference as JSON, as the user named it.
    issue           TEXT    NOT NULL,
    github_issue_id INTEGER NOT NULL,
    title           TEXT    NOT NULL,
    episode         TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    pr_number       INTEGER,
    pr_url          TEXT,
    verdict         TEXT,
    tokens          INTEGER NOT NULL DEFAULT 0,
    error           TEXT,
    -- Who holds the claim: a machine, a process on it, and when that process started (process ids are used again).
    owner_host      TEXT,
    owner_pid       INTEGER,
    owner_start     TEXT,
    lease_until     TEXT,
    -- Grows with every claim; a write that carries an older number is refused.
    fence           INTEGER NOT NULL DEFAULT 0,
    created_at      TEXT    NOT NULL,
    updated_at      TEXT    NOT NULL,
    started_at      TEXT,
    finished_at     TEXT
) STRICT;

CREATE UNIQUE INDEX tasks_episode ON tasks (repository_id, issue_key, episode);
CREATE UNIQUE INDEX tasks_open ON tasks (repository_id, issue_key) WHERE status IN ('pending', 'running');
CREATE INDEX tasks_status ON tasks (status, id);

CREATE TABLE stages (
    -- A stage that begins again gets a new id, so ids give the order in which stages last began.
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id  INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    stage    TEXT    NOT NULL,
    round    INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    began_at TEXT    NOT NULL,
    ended_at TEXT,
    result   TEXT
) STRICT;

CREATE UNIQUE INDEX stages_once ON stages (task_id, stage, round);
CREATE INDEX stages_of_task ON stages (task_id, id);

CREATE TABLE task_logs (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id  INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    level    TEXT    NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    message  TEXT    NOT NULL,
    metadata TEXT    NOT NULL,
    at       TEXT    NOT NULL
) STRICT;

CREATE INDEX task_logs_of_task ON task_logs (task_id, id);
