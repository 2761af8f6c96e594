//! The CPU quota of the control groups that this process is in, old hierarchy (v1) and new (v2).

use crate::machine::files::Roots;
use std::path::Path;

/// CPUs that the tightest quota on the way to the root allows; `Some(None)` where there is none, none where the
/// kernel does not say.
pub fn quota_cpus(roots: &Roots) -> Option<Option<f64>> {
    let groups = roots.proc("self/cgroup")?;
    let quotas = groups.lines().filter_map(group).flat_map(|group| group.quotas(roots));
    Some(quotas.min_by(f64::total_cmp))
}

/// A group that may carry a quota.
enum Group<'a> {
    V1(&'a str),
    V2(&'a str),
}

/// One line of `/proc/self/cgroup`: number, controllers, path.
fn group(line: &str) -> Option<Group<'_>> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    match controllers {
        "" => Some(Group::V2(path)),
        _ => controllers.split(',').any(|name| name == "cpu").then_some(Group::V1(path)),
    }
}

impl Group<'_> {
    fn quotas(&self, roots: &Roots) -> Vec<f64> {
        match self {
            Group::V1(path) => ancestors(path).filter_map(|folder| v1(roots, &folder)).collect(),
            Group::V2(path) => ancestors(path).filter_map(|folder| v2(roots, &folder)).collect(),
        }
    }
}

/// A group's folder and all above it, relative to the mount.
fn ancestors(path: &str) -> impl Iterator<Item = String> {
    Path::new(path.trim_start_matches('/')).ancestors().map(|folder| folder.to_string_lossy().into_owned())
}

fn v1(roots: &Roots, folder: &str) -> Option<f64> {
    let mounts = ["cpu", "cpu,cpuacct"];
    let read = |name: &str| -> Option<f64> {
        mounts.iter().find_map(|mount| roots.sys(&format!("fs/cgroup/{mount}/{folder}/{name}")))?.parse().ok()
    };
    share(read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?)
}

fn v2(roots: &Roots, folder: &str) -> Option<f64> {
    let mounts = ["fs/cgroup", "fs/cgroup/unified"];
    let text = mounts.iter().find_map(|mount| roots.sys(&format!("{mount}/{folder}/cpu.max")))?;
    let (quota, period) = text.split_once(' ')?;
    share(quota.parse().ok()?, period.parse().ok()?)
}

fn share(quota_us: f64, period_us: f64) -> Option<f64> {
    (quota_us > 0.0 && period_us > 0.0).then_some(quota_us / period_us)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::fixture::tree;

    #[test]
    fn the_tightest_quota_on_the_way_to_the_root_counts_in_the_new_hierarchy() {
        let tree = tree(&[
            ("proc/self/cgroup", "0::/pod/container"),
            ("sys/fs/cgroup/pod/container/cpu.max", "max 100000"),
            ("sys/fs/cgroup/pod/cpu.max", "150000 100000"),
        ]);
        assert_eq!(quota_cpus(&tree.roots), Some(Some(1.5)));
    }

    #[test]
    fn the_old_hierarchy_is_read_beside_the_new() {
        let tree = tree(&[
            ("proc/self/cgroup", "9:name=systemd:/\n4:cpu,cpuacct:/box\n1:cpuset:/\n0::/"),
            ("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "20000"),
            ("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"),
        ]);
        assert_eq!(quota_cpus(&tree.roots), Some(Some(0.2)));
    }

    #[test]
    fn no_quota_is_told_from_no_answer() {
        assert_eq!(quota_cpus(&tree(&[("proc/self/cgroup", "0::/")]).roots), Some(None));
        assert_eq!(quota_cpus(&tree(&[]).roots), None);
    }
}
