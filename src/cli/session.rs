//! What every subcommand starts from: settings, secrets, places, the screen, and the wish to stop.

use super::arguments::Arguments;
use super::overrides;
use super::screen::Screen;
use crate::config::{HostEnvironment, Inputs, Locations, Resolved, Secrets};
use crate::error::{Kind, OrFail, Result};
use crate::sandbox::Cancel;

/// One run of the program.
pub struct Session {
    /// The settings.
    pub resolved: Resolved,
    /// The keys.
    pub secrets: Secrets,
    /// Where files go.
    pub locations: Locations,
    /// Where words go.
    pub screen: Screen,
    /// Asked for by signals, once a command listens to them.
    pub cancel: Cancel,
}

impl Session {
    /// Reads the settings as the arguments ask for.
    pub fn open(arguments: &Arguments, environment: HostEnvironment, screen: &Screen) -> Result<Session> {
        let folder = std::env::current_dir().or_fail(Kind::Workspace, || "finding the working folder")?;
        let inputs = Inputs {
            file: arguments.general.config.clone(),
            folder,
            overrides: overrides::of(&arguments.command, &arguments.general.set)?,
            environment,
        };
        let resolved = Resolved::load(&inputs)?;
        let secrets = Secrets::read(&resolved, &inputs.environment);
        let locations = resolved.config.locations(&inputs.environment, &inputs.folder)?;
        let screen = screen.clone().hiding(secrets.all());
        Ok(Session { resolved, secrets, locations, screen, cancel: Cancel::default() })
    }
}
