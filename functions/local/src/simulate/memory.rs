//! How much memory this process had at most, as Linux tells it.

/// The peak of the resident memory in MiB; none where the system does not tell.
pub(super) fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    of_status(&status)
}

fn of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_whole_mib() {
        assert_eq!(of_status("Name:\tspillway\nVmHWM:\t   10241 kB\nVmRSS:\t 1 kB\n"), Some(11));
        assert_eq!(of_status("Name:\tspillway\n"), None);
    }
}
