//! Databases that cannot be used: each is a clear error before anything is sent.

use std::path::Path;
use std::time::Duration;

use fal_emulator::Emulator;
use fal_jobs::{Error, ErrorKind, Journal, Record};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use sqlx::{Connection, Executor, SqliteConnection};

use crate::support::{Database, Outcome, PAINTER, child, on_both_databases, painter};

/// The folder of a file system without space, for a child process.
const SMALL: &str = "FAL_JOBS_TEST_SMALL";
/// The URL of a database, for a child process that cannot write it.
const READ_ONLY: &str = "FAL_JOBS_TEST_READ_ONLY";

on_both_databases!(
    database_of_a_newer_version_is_left_alone,
    job_of_a_newer_version_is_not_sent,
    open_journal_survives_an_added_column,
    tables_of_another_program_are_left_alone,
    concurrent_processes_create_the_tables_once,
);

fn impatient() -> fal_jobs::JournalBuilder {
    Journal::builder().retry_for(Duration::ZERO)
}

/// Opens a journal that must not open.
async fn refused(url: &str) -> Error {
    let error = impatient().open(url).await.err();
    let error = error.unwrap_or_else(|| panic!("{} opened", url.escape_debug()));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "the password is shown: {shown}");
    error
}

async fn run(journal: &Journal, emulator: &Emulator, key: &str) -> Result<Record, Error> {
    Ok(journal.run(&emulator.client().endpoint(PAINTER), json!({"key": key})).key(key).await?.record)
}

async fn database_of_a_newer_version_is_left_alone(database: Database) -> Outcome {
    database.journal().await?.close().await;
    database.execute("UPDATE fal_jobs SET version = 99").await?;
    let error = refused(&database.url).await;
    assert_eq!(error.kind(), ErrorKind::NewerVersion);
    assert!(error.to_string().contains("its tables have version 99"), "{error}");
    Ok(())
}

async fn job_of_a_newer_version_is_not_sent(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    run(&journal, &emulator, "one").await?;
    for change in ["format = 99", "format = 1, state = 'thinking'"] {
        database.execute(&format!("UPDATE jobs SET {change}")).await?;
        for error in
            [run(&journal, &emulator, "one").await.expect_err("newer"), journal.get("one").await.expect_err("newer")]
        {
            assert_eq!((error.kind(), error.key()), (ErrorKind::NewerVersion, Some("one")), "{error}");
        }
    }
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn open_journal_survives_an_added_column(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    run(&journal, &emulator, "one").await?;
    database.execute("ALTER TABLE jobs ADD COLUMN mood TEXT").await?;
    database.execute("UPDATE fal_jobs SET version = 99").await?;
    run(&journal, &emulator, "one").await?;
    run(&journal, &emulator, "two").await?;
    assert_eq!(emulator.jobs().len(), 2);
    Ok(())
}

async fn tables_of_another_program_are_left_alone(database: Database) -> Outcome {
    database.execute("CREATE TABLE jobs (title TEXT)").await?;
    let before = database.file().map(std::fs::read).transpose()?;
    let error = refused(&database.url).await;
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(database.file().map(std::fs::read).transpose()?, before);
    database.execute("INSERT INTO jobs VALUES ('still here')").await?;
    Ok(())
}

async fn concurrent_processes_create_the_tables_once(database: Database) -> Outcome {
    let opened = join_all((0..8).map(|_| database.journal())).await;
    let emulator = painter().await?;
    for journal in opened {
        run(&journal?, &emulator, "one").await?;
    }
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

#[tokio::test]
async fn invalid_urls_are_refused_without_the_password() {
    for url in [
        "",
        "jobs.db",
        "hunter2",
        "hunter2://localhost",
        "host=localhost password=hunter2",
        "mysql://root:hunter2@localhost/jobs",
        "postgres://me:hunter2@localhost:port/jobs",
        "postgres://me:hunter2@[::1/jobs",
        "postgres://me:hunter2@localhost/jobs?port=hunter2",
        "postgres://me:hunter2@localhost/jobs?sslmode=hunter2",
        "sqlite://jobs.db?mode=sideways",
        "sqlite://jobs.db?password=hunter2",
    ] {
        let error = refused(url).await;
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}: {error}");
    }
}

#[tokio::test]
async fn database_in_memory_is_refused_unless_it_is_meant() {
    for url in [
        "sqlite:",
        "sqlite://",
        "sqlite://?mode=rwc",
        "sqlite://?mode=memory",
        "sqlite://jobs.db?mode=memory",
        "sqlite://:memory:",
        "sqlite://%3Amemory%3A",
        "sqlite:file::memory:",
        "sqlite:///dev/shm/no-such-folder/jobs.db?mode=memory",
    ] {
        let error = refused(url).await;
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}: {error}");
        assert!(error.to_string().contains("names no file: expected `sqlite://FILE`"), "{url}: {error}");
    }
    impatient().open("sqlite::memory:").await.expect("a database in memory").close().await;
}

#[tokio::test]
async fn unreachable_server_is_an_error_without_the_password() {
    // A port that refuses connections, and that no other test gets.
    let closed = tokio::net::TcpSocket::new_v4().expect("a socket");
    closed.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let port = closed.local_addr().expect("an address").port();
    let server = format!("127.0.0.1:{port}");
    for (url, shown) in [
        (format!("postgres://me:hunter2@{server}/jobs"), format!(" `{server}/jobs` (is the server running?): ")),
        (format!("postgresql://me:hunter2@{server}"), format!(" `{server}/me` (is the server running?): ")),
        (format!("postgres://me@{server}/jobs?password=hunter2"), format!(" `{server}/jobs` (")),
        (
            format!("postgres://me:hunter2@localhost:{port}/jobs?host=/no/such/folder"),
            format!(" `/no/such/folder:{port}/jobs` ("),
        ),
        // A password that is not percent-encoded.
        (format!("postgres://127.0.0.1:{port}/hunter2@localhost/jobs"), " (is the server running?): ".to_owned()),
        (format!("postgres://127.0.0.1:{port}?hunter2@localhost/jobs"), " (is the server running?): ".to_owned()),
    ] {
        let error = refused(&url).await;
        assert_eq!(error.kind(), ErrorKind::Database);
        assert!(error.to_string().starts_with(&format!("cannot connect to the database{shown}")), "{error}");
    }
}

#[tokio::test]
async fn missing_postgres_database_is_an_error() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let error = refused(&format!("{}_missing", database.url)).await;
    assert!(error.to_string().contains("the database does not exist: create it"), "{error}");
    Ok(())
}

#[tokio::test]
async fn read_only_postgres_is_an_error_when_opened() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    database.journal().await?.close().await;
    let error = refused(&format!("{}?options=-cdefault_transaction_read_only%3Don", database.url)).await;
    assert!(error.to_string().contains("the database is read-only"), "{error}");

    let name = database.url.rsplit('/').next().unwrap_or_default();
    database.execute(&format!("CREATE ROLE {name}_reader LOGIN PASSWORD 'hunter2'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}_reader")).await?;
    let (_, server) = database.url.rsplit_once('@').ok_or("no host")?;
    let error = refused(&format!("postgres://{name}_reader:hunter2@{server}")).await;
    assert!(error.to_string().contains("lacks a privilege"), "{error}");
    database.execute(&format!("DROP OWNED BY {name}_reader; DROP ROLE {name}_reader")).await?;
    Ok(())
}

#[tokio::test]
async fn full_postgres_disk_is_an_error_before_anything_is_sent() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let emulator = painter().await?;
    let journal = database.journal().await?;
    let full = "CREATE FUNCTION fill() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ \
                LANGUAGE plpgsql; CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION fill()";
    database.execute(full).await?;
    let error = run(&journal, &emulator, "one").await.expect_err("full");
    assert!(error.to_string().contains("the disk of the server is full"), "{error}");
    assert!(emulator.jobs().is_empty());
    database.execute("DROP TRIGGER fill ON jobs").await?;
    run(&journal, &emulator, "one").await?;
    Ok(())
}

#[tokio::test]
async fn schema_of_the_search_path_holds_the_journal() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let url = format!("{}?options=-csearch_path%3Dqueue", database.url);
    let error = refused(&url).await;
    assert!(error.to_string().contains("the schema of the search path does not exist"), "{error}");
    database.execute("CREATE SCHEMA queue; CREATE TABLE public.jobs (title TEXT)").await?;
    let emulator = painter().await?;
    run(&Journal::open(&url).await?, &emulator, "one").await?;
    database.execute("INSERT INTO public.jobs SELECT key FROM queue.jobs").await?;
    Ok(())
}

#[tokio::test]
async fn encoding_without_all_characters_is_refused() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let name = format!("{}_latin", database.url.rsplit('/').next().unwrap_or_default());
    database.execute(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")).await?;
    let error = refused(&format!("{}_latin", database.url)).await;
    assert!(error.to_string().contains("LATIN1"), "{error}");
    Ok(())
}

#[tokio::test]
async fn missing_folder_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let error = refused(&format!("sqlite://{}/missing/jobs.db", folder.path().display())).await;
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(
        error.to_string().contains("missing/jobs.db`: the file cannot be opened: check that its folder exists"),
        "{error}"
    );
    let error = refused(&format!("sqlite://{}", folder.path().display())).await;
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    Ok(())
}

#[tokio::test]
async fn damaged_files_are_refused() -> Outcome {
    let database = Database::sqlite().await?;
    let file = database.file().ok_or("no file")?.to_owned();
    let emulator = painter().await?;
    let journal = database.journal().await?;
    let keys: Vec<String> = (0..20).map(|at| format!("k{at}")).collect();
    try_join_all(keys.iter().map(|key| run(&journal, &emulator, key))).await?;
    journal.close().await;
    let whole = std::fs::read(&file)?;
    let half = &whole[..whole.len() / 8192 * 4096];
    let torn = &whole[..whole.len() - 100];
    for (damaged, reason) in [
        (b"hello".as_slice(), "not a SQLite database"),
        (&[0xA5; 8192], "not a SQLite database"),
        (half, "the file is damaged"),
        (torn, "the file is truncated"),
    ] {
        std::fs::write(&file, damaged)?;
        let error = refused(&database.url).await;
        assert_eq!(error.kind(), ErrorKind::Database);
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(std::fs::read(&file)?, damaged, "{reason}");
    }
    // Damage in the middle is found when it is read.
    let mut scratched = whole.clone();
    for page in 1..scratched.len() / 4096 {
        scratched[page * 4096..(page + 1) * 4096].fill(0x5A);
    }
    std::fs::write(&file, scratched)?;
    let error = match impatient().open(&database.url).await {
        Ok(journal) => run(&journal, &emulator, "k1").await.expect_err("damaged"),
        Err(error) => error,
    };
    assert!(error.to_string().contains("the file is damaged"), "{error}");
    assert_eq!(emulator.jobs().len(), 20);
    Ok(())
}

#[tokio::test]
async fn locked_file_is_an_error_until_it_is_free() -> Outcome {
    let database = Database::sqlite().await?;
    let emulator = painter().await?;
    let journal = impatient().open(&database.url).await?;
    let patient = database.journal().await?;
    let mut other = SqliteConnection::connect(&database.url).await?;
    other.execute("BEGIN EXCLUSIVE").await?;
    for error in [refused(&database.url).await, run(&journal, &emulator, "one").await.expect_err("locked")] {
        assert!(error.to_string().contains("another process holds the lock"), "{error}");
    }
    assert!(emulator.jobs().is_empty());
    // A patient journal waits.
    let (ran, freed) = tokio::join!(run(&patient, &emulator, "one"), other.execute("ROLLBACK"));
    freed?;
    ran?;
    Ok(())
}

#[tokio::test]
async fn read_only_files_are_an_error_when_opened() -> Outcome {
    if let Ok(url) = std::env::var(READ_ONLY) {
        return unwritable_file_is_refused(&url).await;
    }
    let database = Database::sqlite().await?;
    database.journal().await?.close().await;
    for option in ["mode=ro", "immutable=1"] {
        let error = refused(&format!("{}?{option}", database.url)).await;
        assert!(error.to_string().contains("the database is read-only"), "{option}: {error}");
    }
    // root writes any file, so a child does without its rights.
    let folder = database.file().and_then(Path::parent).ok_or("no folder")?;
    set_mode(folder, 0o555)?;
    set_mode(database.file().ok_or("no file")?, 0o444)?;
    let setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let command: &[&str] = if rustix::process::getuid().is_root() { &setpriv } else { &["env"] };
    let ran = child(command, "databases::read_only_files_are_an_error_when_opened", (READ_ONLY, &database.url)).await?;
    set_mode(folder, 0o755)?;
    let shown = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && shown.contains("refused"), "{shown}{}", String::from_utf8_lossy(&ran.stderr));
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// The child process, which cannot write the file.
async fn unwritable_file_is_refused(url: &str) -> Outcome {
    let error = refused(url).await;
    assert!(error.to_string().contains("the database is read-only"), "{error}");
    println!("refused");
    Ok(())
}

#[tokio::test]
async fn full_disk_is_an_error_before_anything_is_sent() -> Outcome {
    if let Ok(folder) = std::env::var(SMALL) {
        return journal_on_a_full_disk(&folder).await;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    // A file system of the child's own, which vanishes with it.
    let script = format!("mount -t tmpfs -o size=600k tmpfs {path} && exec \"$@\"");
    let command = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    let ran = child(&command, "databases::full_disk_is_an_error_before_anything_is_sent", (SMALL, &path)).await?;
    let shown = String::from_utf8_lossy(&ran.stdout);
    let error = String::from_utf8_lossy(&ran.stderr);
    if error.contains("unshare") || error.contains("mount:") {
        eprintln!("skipped: this system does not let the test mount a file system: {error}");
        return Ok(());
    }
    assert!(ran.status.success() && shown.contains("refused"), "{shown}{error}");
    Ok(())
}

/// The child process, with a small file system at the folder.
async fn journal_on_a_full_disk(folder: &str) -> Outcome {
    let emulator = painter().await?;
    let journal = Journal::open(format!("sqlite://{folder}/jobs.db")).await?;
    run(&journal, &emulator, "before").await?;
    let filler = Path::new(folder).join("filler");
    // Fails when the disk is full.
    std::fs::write(&filler, vec![1; 1 << 20]).expect_err("the disk is small");
    // The log of SQLite has room for some jobs until it is full.
    let mut sent = 1;
    let error = loop {
        match run(&journal, &emulator, &format!("k{sent}")).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 1000, "the disk is not full");
    };
    assert_eq!((error.kind(), emulator.jobs().len()), (ErrorKind::Database, sent), "{error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    let error = refused(&format!("sqlite://{folder}/other.db")).await;
    assert!(error.to_string().contains("the disk is full"), "{error}");
    std::fs::remove_file(&filler)?;
    run(&journal, &emulator, &format!("k{sent}")).await?;
    assert_eq!(emulator.jobs().len(), sent + 1);
    println!("refused");
    Ok(())
}
