//! Signals: the first asks all work to stop and give its task back, the second ends the process at once.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::screen::{Screen, Talk};
use crate::error::{Kind, OrFail, Result};
use crate::sandbox::Cancel;

/// Listens from now on, in a thread of its own. Commands that only look are ended by the signal itself.
pub fn listen(screen: &Screen, cancel: &Cancel) -> Result<()> {
    let (asked, screen) = (cancel.clone(), screen.clone());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).or_fail(Kind::Internal, || "listening for signals")?;
    let listener = std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            let kind = if signal == SIGINT { Kind::Interrupted } else { Kind::Terminated };
            if asked.requested().is_some() {
                std::process::exit(i32::from(kind.exit_code()));
            }
            asked.request(kind);
            if screen.talk > Talk::Quiet {
                screen.say("stopping (once more to stop at once)");
            }
        }
    });
    listener.map(drop).or_fail(Kind::Internal, || "listening for signals")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::General;
    use crate::config::HostEnvironment;

    #[test]
    fn a_signal_asks_to_stop() {
        let quiet = General { quiet: true, ..General::default() };
        let cancel = Cancel::default();
        listen(&Screen::new(&quiet, &HostEnvironment::default()), &cancel).unwrap();
        signal_hook::low_level::raise(SIGTERM).unwrap();
        while cancel.requested().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(cancel.check().unwrap_err().kind, Kind::Terminated);
    }
}
