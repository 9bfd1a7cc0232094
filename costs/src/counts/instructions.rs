use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use costs::{Call, EVENTS, Error, MANY_EVENTS, Server};

use super::{Counts, valgrind};

/// Returns the instructions of the parts that the program `parts` does: of calls, what they need above reqwest.
pub(super) fn count() -> Result<Option<Counts>, Error> {
    let program = env::current_exe()?.with_file_name("parts");
    // A process of its own is counted, so the threads of the server are not.
    let server = Server::start()?;
    let Some(names) = valgrind::run(&program, &[server.url()], "part", &["--dump-before=parts::boundary*"])? else {
        return Ok(None);
    };
    let mut parts = BTreeMap::new();
    for (index, line) in names.lines().enumerate() {
        let (name, times) = line.split_once(' ').ok_or("a part without its repetitions")?;
        // Files with odd numbers have what comes before a part.
        let folder = Path::new(valgrind::FOLDER);
        let file = folder.join(name);
        fs::rename(folder.join(format!("part.{}", 2 * index + 2)), &file)?;
        parts.insert(name, valgrind::total(&file)? / times.parse::<u64>()?);
    }
    let total = |name: &str| parts.get(name).copied().ok_or_else(|| format!("the part {name} is missing"));
    let above = |name: &str| Ok::<_, Error>(total(name)?.saturating_sub(total(&format!("{name}.derived"))?));
    let mut counts = Counts::new();
    for call in Call::ALL {
        counts.push((call.name(), above(call.name())?));
    }
    counts.push(("event", above("long-stream")?.saturating_sub(above("stream")?) / (MANY_EVENTS - EVENTS) as u64));
    for name in ["validate", "write", "read"] {
        counts.push((name, total(name)?));
    }
    Ok(Some(counts))
}
