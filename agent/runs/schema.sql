-- What is kept of runs, in SQLite or PostgreSQL. `seal` signs all the other columns of its row.
CREATE TABLE IF NOT EXISTS inquest_runs (
    run TEXT NOT NULL,
    state TEXT NOT NULL,
    node TEXT NOT NULL,
    owner TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    begun BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (run)
);
CREATE TABLE IF NOT EXISTS inquest_checkpoints (
    run TEXT NOT NULL,
    ns TEXT NOT NULL,
    id TEXT NOT NULL,
    body BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (run, ns, id)
);
CREATE TABLE IF NOT EXISTS inquest_channels (
    run TEXT NOT NULL,
    ns TEXT NOT NULL,
    channel TEXT NOT NULL,
    version BIGINT NOT NULL,
    body BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (run, ns, channel, version)
);
CREATE TABLE IF NOT EXISTS inquest_writes (
    run TEXT NOT NULL,
    ns TEXT NOT NULL,
    checkpoint TEXT NOT NULL,
    task TEXT NOT NULL,
    idx BIGINT NOT NULL,
    path TEXT NOT NULL,
    body BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (run, ns, checkpoint, task, idx)
);
CREATE TABLE IF NOT EXISTS inquest_answers (
    run TEXT NOT NULL,
    digest TEXT NOT NULL,
    body BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (run, digest)
);
CREATE TABLE IF NOT EXISTS inquest_spent (
    run TEXT NOT NULL,
    digest TEXT NOT NULL,
    day TEXT NOT NULL,
    channel TEXT NOT NULL,
    calls BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    usd DOUBLE PRECISION NOT NULL,
    wall_s DOUBLE PRECISION NOT NULL,
    queries BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (run, digest)
);
