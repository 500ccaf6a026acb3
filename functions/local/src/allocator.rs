//! The C library's allocator, told to give memory back.
//!
//! glibc keeps what a thread has freed in an arena of its own, and there are eight a core: an export that needs
//! 140 MiB came to 420 (mimalloc to 500, jemalloc to 290: `tests/memory`). And once it is told to give memory back, it
//! asks the system anew for each piece of 128 KiB, whose pages are then cleared once more: of the system's time that
//! ingest took, more than half was that. It takes its settings from the environment alone, before `main`, so this
//! process starts itself once more with them. They are no concern of other C libraries.

use std::{
    env::{args_os, current_exe, var_os},
    os::unix::process::CommandExt,
    process::Command,
};

/// Two arenas; an arena's free end of 1 MiB goes back to the system; pieces of up to 4 MiB come out of arenas.
const SETTINGS: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_TRIM_THRESHOLD_", "1048576"), ("MALLOC_MMAP_THRESHOLD_", "4194304")];

/// Starts this program again, in this process, unless somebody has set the allocator's environment already.
pub(crate) fn settle() {
    let is_set = SETTINGS.iter().any(|(name, _)| var_os(name).is_some());
    let mut args = args_os();
    let (false, true, Ok(program), Some(name)) =
        (is_set, cfg!(all(target_os = "linux", target_env = "gnu")), current_exe(), args.next())
    else {
        return;
    };
    // Comes back only where it fails; then things go on with more memory.
    drop(Command::new(program).arg0(name).args(args).envs(SETTINGS).exec());
}
