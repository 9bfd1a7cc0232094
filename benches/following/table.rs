//! Tables of measurements, in Markdown.

use crate::Failure;
use crate::process::{Figures, Way, follow, wait};

pub(crate) struct Jobs {
    pub(crate) count: usize,
    /// The shortest and the longest duration.
    pub(crate) seconds: (f64, f64),
    /// The ways take turns in each round.
    pub(crate) rounds: usize,
}

/// Prints the table of the ways to follow jobs.
pub(crate) async fn measure(name: &str, ways: &[Way], jobs: Jobs) -> Result<(), Failure> {
    for way in ways.iter().filter(|way| !way.is_installed()) {
        eprintln!("{} is not installed: run interop/install", way.name);
    }
    let ways: Vec<&Way> = ways.iter().filter(|way| way.is_installed()).collect();
    let mut rows = vec![Vec::new(); ways.len()];
    for round in 1..=jobs.rounds {
        for (way, row) in ways.iter().zip(&mut rows) {
            eprintln!("{name}, round {round} of {}: {}", jobs.rounds, way.name);
            row.push(follow(way.program, jobs.count, jobs.seconds).await?);
        }
    }
    println!("<!-- {name} -->");
    println!(
        "| client | p50, ms | p99, ms | requests a job | CPU, s | of ours | peak memory above start | descriptors |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let ours = median(&rows[0], |figures| figures.cpu_seconds);
    for (way, row) in ways.iter().zip(&rows) {
        let cpu = median(row, |figures| figures.cpu_seconds);
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {cpu:.2} | {} | {:.1} MiB | {:.0} |",
            way.name,
            median(row, |figures| quantile(&figures.delays, 0.5)),
            median(row, |figures| quantile(&figures.delays, 0.99)),
            median(row, |figures| figures.requests_a_job),
            // The clock of Linux has 10 ms.
            if ours < 0.05 { String::new() } else { format!("{:.1}", cpu / ours) },
            median(row, |figures| figures.peak) / 1024.0,
            median(row, |figures| figures.descriptors),
        );
    }
    println!("<!-- /{name} -->\n");
    Ok(())
}

/// Prints the table of requests that wait in the queue.
pub(crate) async fn waiting(name: &str, counts: &[usize]) -> Result<(), Failure> {
    println!("<!-- {name} -->");
    println!("| requests | resident memory above start | a request | descriptors above start |");
    println!("| ---: | ---: | ---: | ---: |");
    for &count in counts {
        eprintln!("{name}: {count}");
        let mut rounds = Vec::new();
        for _ in 0..3 {
            rounds.push(wait(count).await?);
        }
        let resident = median(&rounds, |figures| figures.resident);
        println!(
            "| {count} | {:.1} MiB | {:.0} KiB | {:.0} |",
            resident / 1024.0,
            resident / count as f64,
            median(&rounds, |figures| figures.descriptors),
        );
    }
    println!("<!-- /{name} -->\n");
    Ok(())
}

fn median(rounds: &[Figures], figure: impl Fn(&Figures) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted[index.min(sorted.len() - 1)]
}
