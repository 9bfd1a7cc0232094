/// Returns the number of files and connections that this process may have open. `None` if it is unknown, as on systems
/// other than Linux.
pub(super) fn descriptor_limit() -> Option<usize> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

fn soft_limit(limits: &str) -> Option<usize> {
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match limit.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        limit => limit.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let limits = |soft: &str| {
            format!(
                "Limit       Soft Limit  Hard Limit  Units\nMax processes 7 8 processes\nMax open files  {soft}  4096  files\n"
            )
        };
        assert_eq!(soft_limit(&limits("1024")), Some(1024));
        assert_eq!(soft_limit(&limits("unlimited")), Some(usize::MAX));
        assert_eq!(soft_limit(""), None);
    }
}
