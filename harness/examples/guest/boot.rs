//! What the first process of a machine owes it: mounted file systems at the start, power off at the end.

use std::fs;
use std::process::exit;

/// What the kernel's command line asks the guest for with.
const ASKED: &str = "perfbench.guest=";

/// Whether this is the process that a kernel starts.
pub fn is_first_process() -> bool {
    std::process::id() == 1
}

/// Mounts what perfbench reads.
///
/// # Panics
/// Where the kernel refuses: nothing can be told without them.
pub fn mount() {
    let places = [(c"proc", c"/proc"), (c"sysfs", c"/sys"), (c"devtmpfs", c"/dev"), (c"tmpfs", c"/dev/shm")];
    for (kind, place) in places {
        // The last one lies in the one before, which has no folder for it. Where that fails, so does the mount.
        let _ = fs::create_dir_all(place.to_str().expect("plain text"));
        // SAFETY: three texts that end in nought and live as long as the program; the kernel takes no data for these.
        let answer =
            unsafe { libc::mount(kind.as_ptr(), place.as_ptr(), kind.as_ptr(), 0, std::ptr::null()) };
        // A kernel may have mounted one itself.
        let refused = std::io::Error::last_os_error();
        assert!(answer == 0 || refused.raw_os_error() == Some(libc::EBUSY), "{place:?}: {refused}");
    }
    // SAFETY: as above.
    let _ = unsafe {
        libc::mount(
            c"tracefs".as_ptr(),
            c"/sys/kernel/tracing".as_ptr(),
            c"tracefs".as_ptr(),
            0,
            std::ptr::null(),
        )
    };
}

/// Which part the kernel's command line asks for.
pub fn asked() -> Option<String> {
    let line = fs::read_to_string("/proc/cmdline").ok()?;
    line.split_whitespace().find_map(|word| word.strip_prefix(ASKED)).map(str::to_owned)
}

/// Sets a kernel setting such as `kernel/perf_event_paranoid`.
///
/// # Panics
/// Where the kernel has no such setting: every check stands on it.
pub fn set(setting: &str, value: &str) {
    let path = format!("/proc/sys/{setting}");
    fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// Ends the machine.
pub fn power_off() -> ! {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { libc::sync() };
    // SAFETY: a command without arguments; where it is refused, the first process ends and the kernel with it.
    unsafe { libc::reboot(libc::RB_POWER_OFF) };
    exit(1)
}
