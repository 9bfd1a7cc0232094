CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    key          TEXT    NOT NULL UNIQUE,
    endpoint     TEXT    NOT NULL,
    label        TEXT,
    -- Version of the JSON in the columns input, request, options, output, error and files.
    format       INTEGER NOT NULL,
    -- The caller's input as canonical JSON, with each local file as its SHA-256, and the SHA-256 of that JSON.
    input        TEXT    NOT NULL,
    input_hash   TEXT    NOT NULL,
    -- The input as it is sent, with the URLs of uploaded files. NULL until they are uploaded.
    request      TEXT,
    -- Options of the submission as JSON.
    options      TEXT,
    state        TEXT    NOT NULL,
    -- The number of submissions, this one included.
    attempt      INTEGER NOT NULL,
    request_id   TEXT,
    -- The request ids of earlier submissions as a JSON array.
    earlier      TEXT,
    output       TEXT,
    -- Billable units as decimal text.
    units        TEXT,
    -- The price of a unit in dollars, as decimal text.
    unit_price   TEXT,
    -- Amounts in billionths of a dollar: of all submissions, of a submission whose outcome is open, and the expected one of
    -- a submission. The second one is 0 without a budget.
    cost         INTEGER,
    reserved     INTEGER NOT NULL,
    estimate     INTEGER NOT NULL,
    -- The cost includes the estimate of a submission whose units or price are unknown.
    cost_is_estimated BOOLEAN NOT NULL DEFAULT FALSE,
    -- The budget of the job, and the one that it is within.
    budget       TEXT,
    outer_budget TEXT,
    error        TEXT,
    files        TEXT,
    -- Prompts or other data were removed.
    redacted     BOOLEAN NOT NULL DEFAULT FALSE,
    -- The request was sent with a webhook, which reports the outcome.
    webhook      BOOLEAN NOT NULL,
    -- Workers may send it.
    enqueued     BOOLEAN NOT NULL,
    -- The process that works on the job, while it has a lease.
    claim        TEXT,
    -- Grows with every change. A change applies to the revision that it was made from.
    revision     INTEGER NOT NULL,
    -- Times are milliseconds since 1970.
    created_at   INTEGER NOT NULL,
    intended_at  INTEGER,
    submitted_at INTEGER,
    finished_at  INTEGER
);

CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_endpoint ON jobs (endpoint, id);
CREATE INDEX jobs_by_input ON jobs (input_hash, id);
CREATE INDEX jobs_by_label ON jobs (label, id);
-- No two jobs have the same request.
CREATE UNIQUE INDEX jobs_by_request ON jobs (request_id);
CREATE INDEX jobs_by_claim ON jobs (claim) WHERE claim IS NOT NULL;
CREATE INDEX jobs_to_send ON jobs (id) WHERE claim IS NULL AND enqueued AND state = 'waiting';
CREATE INDEX jobs_to_send_by_endpoint ON jobs (endpoint, id) WHERE claim IS NULL AND enqueued AND state = 'waiting';
CREATE INDEX jobs_to_resume ON jobs (id) WHERE claim IS NULL AND enqueued AND state IN ('intended', 'submitted', 'uncertain');

-- Processes that live. A process renews its lease before `until`. Without one, it has lost its claims.
CREATE TABLE leases (
    process TEXT    NOT NULL PRIMARY KEY,
    until   INTEGER NOT NULL
);

-- URLs of uploaded files, by the hash of everything that two uploads must share for one to stand for the other.
CREATE TABLE uploads (
    id         TEXT    NOT NULL PRIMARY KEY,
    url        TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
);

CREATE INDEX uploads_by_expiry ON uploads (expires_at);

CREATE TABLE budgets (
    name     TEXT    NOT NULL PRIMARY KEY,
    -- Amounts in billionths of a dollar.
    ceiling  INTEGER NOT NULL,
    spent    INTEGER NOT NULL,
    reserved INTEGER NOT NULL
);
