//! Ctrl-C and termination: a flag that the sampler reads between launches. A second signal ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// Installs the handler and returns the flag that it sets.
pub fn watch() -> &'static AtomicBool {
    let handler = || {
        // Pairs with nothing: the flag publishes only itself.
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(crate::error::INTERRUPTED));
        }
        anstream::eprintln!(
            "\nending after the launch under way; what was measured is kept (again to end at once)"
        );
    };
    // Without a handler an interrupt still ends the run, only less politely.
    let _ = ctrlc::set_handler(handler);
    &STOP
}

/// Whether a signal came.
pub fn came() -> bool {
    STOP.load(Ordering::Relaxed)
}
