//! What the kernel means by the error number with which it refuses a perf event, and what would mend it.

use crate::unavailable::{Reason, Unavailable};
use perf_event::UnsupportedOptionsError;
use std::io;

/// What an event says that was pinned to the counters and lost them: it is in an error state, and reads as nothing.
pub const GAVE_UP: &str = "the kernel took the group off the counters for good, perhaps because another program claims them \
                           for itself; end other profilers";

/// What a try says whose thread read its counters by itself and found them taken away.
pub const TAKEN: &str =
    "other events took the counters from this thread while it read them by itself; end other profilers";

/// Error number, its name, the reason code, and the sentence with the remedy.
type Refusal = (i32, &'static str, Reason, &'static str);

static REFUSALS: &[Refusal] = &[
    (
        libc::ENOENT,
        "ENOENT",
        Reason::NoPmu,
        "this CPU, or the virtual machine on it, exposes no such counter; measure on the host, or give the guest a \
         virtual PMU",
    ),
    (
        libc::EACCES,
        "EACCES",
        Reason::NoPrivilege,
        "the kernel keeps counters from this user; as root: sysctl kernel.perf_event_paranoid=1, or setcap \
         cap_perfmon=ep on the program",
    ),
    (
        libc::EPERM,
        "EPERM",
        Reason::NoPrivilege,
        "a seccomp filter (a container's default profile) or the locked-memory limit forbids it; allow perf_event_open \
         in the container's profile, or raise ulimit -l",
    ),
    (
        libc::EINVAL,
        "EINVAL",
        Reason::Unsupported,
        "more events than the CPU can count at once, or a kind of counting that it has not; select fewer",
    ),
    (
        libc::ENOSPC,
        "ENOSPC",
        Reason::InUse,
        "every counter of this kind is taken, perhaps by the NMI watchdog; end other profilers, or as root: sysctl \
         kernel.nmi_watchdog=0",
    ),
    (libc::EBUSY, "EBUSY", Reason::InUse, "another program holds the counters for itself alone; end it"),
    (
        libc::ENOSYS,
        "ENOSYS",
        Reason::Unsupported,
        "there is no such system call, as under user-mode emulation or a kernel without perf events; run on the \
         machine itself",
    ),
    (
        libc::EOPNOTSUPP,
        "EOPNOTSUPP",
        Reason::Unsupported,
        "the counter exists and cannot do what was asked of it; choose another event",
    ),
    (
        libc::EMFILE,
        "EMFILE",
        Reason::InUse,
        "this process has no file descriptors left, and needs one per event and thread; raise ulimit -n",
    ),
    (
        libc::ESRCH,
        "ESRCH",
        Reason::Unsupported,
        "the thread has ended since it was listed; start threads when the case is built",
    ),
    (
        libc::ENODEV,
        "ENODEV",
        Reason::NoPmu,
        "the CPU lacks the feature that the event needs; choose another event",
    ),
    (
        libc::ENXIO,
        "ENXIO",
        Reason::NoPmu,
        "the unit that counts it is not there any more, as on a CPU that is offline; bring the CPU online",
    ),
    (
        libc::EBADF,
        "EBADF",
        Reason::Unsupported,
        "the group that it belongs to is closed, or a file is no cgroup's; open the group again",
    ),
    (libc::EINTR, "EINTR", Reason::InUse, "another user of the perf facility was in the way; try again"),
    (
        libc::ENOMEM,
        "ENOMEM",
        Reason::InUse,
        "the kernel has no memory left for the event; end other programs",
    ),
    (
        libc::ENFILE,
        "ENFILE",
        Reason::InUse,
        "the machine has no file descriptors left; as root: sysctl fs.file-max",
    ),
    (
        libc::E2BIG,
        "E2BIG",
        Reason::Unsupported,
        "the kernel is older than an option that was asked for; use a newer kernel",
    ),
];

/// The refusal of a perf event in words.
pub fn explain(error: &io::Error) -> Unavailable {
    let known = error.get_ref().and_then(|inner| inner.downcast_ref::<UnsupportedOptionsError>());
    let explained = by_number(error);
    match known {
        Some(known) => {
            let size = known.expected_size();
            Unavailable::new(
                explained.reason,
                format!("{} (it knows {size} bytes of options)", explained.detail),
            )
        }
        None => explained,
    }
}

fn by_number(error: &io::Error) -> Unavailable {
    match REFUSALS.iter().find(|(number, ..)| Some(*number) == number_of(error)) {
        Some((_, name, reason, sentence)) => {
            Unavailable::new(*reason, format!("perf_event_open answers {name}: {sentence}"))
        }
        None => {
            let busy = error.kind() == io::ErrorKind::ResourceBusy;
            let reason = if busy { Reason::InUse } else { Reason::Unsupported };
            Unavailable::new(reason, format!("perf events fail: {error}"))
        }
    }
}

/// Whether asking for less than the kernel's own share could help.
pub fn is_privilege(error: &io::Error) -> bool {
    number_of(error) == Some(libc::EACCES)
}

/// Whether the event may count in another group, or by itself: the counters that it may use are spoken for.
pub fn is_full(error: &io::Error) -> bool {
    [libc::EINVAL, libc::ENOSPC, libc::EBUSY].into_iter().any(|number| number_of(error) == Some(number))
}

/// perf-event2 turns `E2BIG` into an error of its own that carries no number.
fn number_of(error: &io::Error) -> Option<i32> {
    let replaced = (error.kind() == io::ErrorKind::Unsupported).then_some(libc::E2BIG);
    error.raw_os_error().or(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(number: i32) -> Reason {
        explain(&io::Error::from_raw_os_error(number)).reason
    }

    #[test]
    fn each_errno_that_the_kernel_is_known_to_answer_has_its_reason() {
        assert_eq!(reason(libc::ENOENT), Reason::NoPmu);
        assert_eq!([libc::EACCES, libc::EPERM].map(reason), [Reason::NoPrivilege; 2]);
        assert_eq!([libc::ENOSPC, libc::EBUSY, libc::EMFILE].map(reason), [Reason::InUse; 3]);
        let unsupported = [libc::EINVAL, libc::ENOSYS, libc::EOPNOTSUPP, libc::E2BIG];
        assert_eq!(unsupported.map(reason), [Reason::Unsupported; 4]);
    }

    #[test]
    fn every_sentence_names_the_errno_and_ends_in_a_remedy() {
        for (number, name, _, sentence) in REFUSALS {
            let words = explain(&io::Error::from_raw_os_error(*number)).detail;
            assert_eq!(words, format!("perf_event_open answers {name}: {sentence}"));
            assert!(sentence.contains("; ") && !sentence.contains("  "), "{sentence}");
        }
    }

    #[test]
    fn an_error_outside_the_table_keeps_the_systems_own_words() {
        let error = io::Error::from_raw_os_error(libc::EIO);
        assert!(explain(&error).detail.contains(&error.to_string()));
    }

    #[test]
    fn an_options_error_without_a_number_is_the_too_old_kernel() {
        let error = io::Error::new(io::ErrorKind::Unsupported, "options");
        assert!(explain(&error).detail.contains("E2BIG"));
    }
}
