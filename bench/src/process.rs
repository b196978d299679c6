//! What the kernel says of a process: its memory, its CPU, its core. It knows nothing of peers.

use std::fs;

use anyhow::{Context as _, Result};
use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

/// Bytes of memory that belong to the process now.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/statm");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    let pages: u64 = text.split(' ').nth(1).context("no second field")?.parse()?;
    Ok(pages * page_size() as u64)
}

/// Seconds of CPU the process has used, in user and in kernel mode.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    ticks(&text).map(|ticks| ticks as f64 / clock_ticks_per_second() as f64)
}

/// utime and stime of a line of `/proc/PID/stat`. The name before them may hold spaces.
fn ticks(stat: &str) -> Result<u64> {
    let (_, rest) = stat.rsplit_once(')').context("no name")?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut next = || -> Result<u64> { Ok(fields.next().context("too short")?.parse()?) };
    Ok(next()? + next()?)
}

/// Lets this process, and those it starts, open as many files as the system allows.
pub(crate) fn open_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, opening the sockets will say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// The cores of this process, taken apart: the peer under measurement has one to itself, the load
/// another. Nothing happens where there is one only.
pub(crate) struct Cores {
    all: CpuSet,
    split: Option<(usize, usize)>,
}

impl Cores {
    pub(crate) fn new() -> Result<Self> {
        let all = sched_getaffinity(None).context("cannot read which cores there are")?;
        let mut each = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
        let split = each.next().zip(each.next());
        Ok(Self { all, split })
    }

    /// Runs `start`, so that what it starts has the peer's core, and stays on the other.
    pub(crate) fn start<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some((peer, load)) = self.split else { return start() };
        pin(peer)?;
        let started = start();
        pin(load)?;
        started
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        let _ = sched_setaffinity(None, &self.all);
    }
}

fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).with_context(|| format!("cannot stay on core {cpu}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticks_are_found_behind_any_name() {
        let stat = "7 (a) b c) S 1 7 7 0 -1 4194560 10 0 0 0 123 45 0 0 20 0 1 0 100 1 1";
        assert_eq!(ticks(stat).unwrap(), 168);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident_bytes(std::process::id()).unwrap() > 100_000);
    }
}
