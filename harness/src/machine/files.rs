//! Reads small files of sysfs and procfs below roots that a test can point elsewhere.

use std::path::{Path, PathBuf};

/// Where sysfs and procfs are mounted.
#[derive(Debug, Clone)]
pub struct Roots {
    /// `/sys`, or a fixture.
    pub sys: PathBuf,
    /// `/proc`, or a fixture.
    pub proc: PathBuf,
}

impl Roots {
    /// Those of the running kernel.
    pub fn real() -> Self {
        Self { sys: "/sys".into(), proc: "/proc".into() }
    }

    /// A file of sysfs, trimmed; none where it is absent or unreadable.
    pub fn sys(&self, path: &str) -> Option<String> {
        text(&self.sys.join(path))
    }

    /// A file of procfs, trimmed; none where it is absent or unreadable.
    pub fn proc(&self, path: &str) -> Option<String> {
        text(&self.proc.join(path))
    }

    /// Names in a folder of sysfs that begin with `prefix`, in their order.
    pub fn names(&self, folder: &str, prefix: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.sys.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| name.starts_with(prefix));
        names.sort_unstable();
        names
    }

    /// Names in a folder of sysfs that are `prefix` and a number, by number.
    pub fn numbered(&self, folder: &str, prefix: &str) -> Vec<usize> {
        let entries = std::fs::read_dir(self.sys.join(folder)).into_iter().flatten().flatten();
        let mut numbers: Vec<usize> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The numbers of a kernel list such as `0-3,8`; what is no number is left out.
pub fn list(text: &str) -> Vec<usize> {
    text.split(',').filter_map(range).flatten().collect()
}

fn range(part: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

/// The value of the first `key : value` line (cpuinfo, meminfo, status).
pub fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

#[cfg(test)]
pub mod fixture {
    //! Trees of files as a kernel would show them.

    use super::Roots;
    use tempfile::TempDir;

    /// A tree that lives as long as the value.
    pub struct Tree {
        /// The roots to probe at.
        pub roots: Roots,
        folder: TempDir,
    }

    /// A tree of the files given as path (from `sys/` or `proc/`) and content.
    pub fn tree(files: &[(&str, &str)]) -> Tree {
        let folder = TempDir::new().unwrap();
        let roots = Roots { sys: folder.path().join("sys"), proc: folder.path().join("proc") };
        let tree = Tree { roots, folder };
        files.iter().for_each(|(path, content)| tree.write(path, content));
        tree
    }

    impl Tree {
        /// Adds or replaces a file.
        pub fn write(&self, path: &str, content: &str) {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{content}\n")).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_lists_hold_numbers_and_ranges() {
        assert_eq!(list("0-2,7"), [0, 1, 2, 7]);
        assert_eq!(list("5"), [5]);
        assert_eq!(list(""), [] as [usize; 0]);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "cpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC";
        assert_eq!((field(text, "model"), field(text, "stepping")), (Some("2"), None));
    }
}
