-- The statements of one job in a fleet, with the parameters as text. docs/scale.md has the results.
--
-- psql -d URL -f jobs/migrations/postgres/0001_journal.sql
-- psql -d URL -c "INSERT INTO leases SELECT 'p' || n, 4000000000000 FROM generate_series(0, 63) n"
-- pgbench -d URL -n -M prepared -c 16 -j 2 -T 30 -f jobs/benches/commits.sql
\set key random(1, 9000000000000000000)
-- A program enqueues the job.
INSERT INTO jobs (key, endpoint, label, format, input, input_hash, request, state, attempt, reserved, estimate, webhook, enqueued, revision, created_at)
    VALUES (:client_id || '-' || :key, 'fal-ai/flux/dev', 'photos', 1, repeat('i', 400), md5(:key::text) || md5(:key::text), repeat('i', 400), 'waiting', 0, 0, 0, false, true, 0, 1764000000000);
-- A worker claims it. A busy worker claims several with one statement. If others have claimed all, it goes without: the jobs that
-- are left over then keep it from happening again.
WITH free AS MATERIALIZED (SELECT id FROM jobs WHERE claim IS NULL AND enqueued AND state = 'waiting' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED),
    claimed AS (UPDATE jobs SET claim = 'p' || :client_id, revision = revision + 1 WHERE id IN (SELECT id FROM free) RETURNING id)
    SELECT COALESCE(MAX(id), 0) AS job FROM claimed \gset
-- It commits the intent.
SELECT *, NOT EXISTS (SELECT 1 FROM leases WHERE process = jobs.claim AND until >= 1764000000000) FROM jobs WHERE id = :job;
UPDATE jobs SET state = 'intended', attempt = 1, request = repeat('i', 400), intended_at = 1764000000000, revision = revision + 1
    WHERE id = :job AND EXISTS (SELECT 1 FROM leases WHERE process = 'p' || :client_id AND until >= 1764000000000);
-- fal has accepted the request.
SELECT * FROM jobs WHERE id = :job;
UPDATE jobs SET state = 'submitted', request_id = md5(CAST(:job AS TEXT)), submitted_at = 1764000000000, revision = revision + 1 WHERE id = :job;
-- The result has arrived.
SELECT * FROM jobs WHERE id = :job;
UPDATE jobs SET state = 'completed', output = repeat('o', 600), units = '1', finished_at = 1764000000000, claim = NULL, revision = revision + 1 WHERE id = :job;
