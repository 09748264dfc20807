-- Tests that were seen to pass and fail in one tree under the same conditions, by repository.

CREATE TABLE flakes (
    -- owner/repo, or the path of a folder.
    repository TEXT    NOT NULL,
    -- The command of the suite.
    suite      TEXT    NOT NULL,
    test       TEXT    NOT NULL,
    -- Under which conditions it was seen, in words.
    condition  TEXT    NOT NULL,
    times      INTEGER NOT NULL,
    first_at   TEXT    NOT NULL,
    last_at    TEXT    NOT NULL,
    -- Of all sightings together, at last_at; it halves with time.
    weight     REAL    NOT NULL,
    PRIMARY KEY (repository, suite, test, condition)
) STRICT, WITHOUT ROWID;
