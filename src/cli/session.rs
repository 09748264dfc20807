//! What every subcommand starts from: settings, secrets, places, the screen, and the wish to stop.

use std::path::PathBuf;

use super::arguments::Arguments;
use super::screen::Screen;
use super::{overrides, stop};
use crate::config::{Environment, Inputs, Locations, Resolved, Secrets};
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
    /// Where loom was started.
    pub folder: PathBuf,
    /// Where words go.
    pub screen: Screen,
    /// Asked for by signals.
    pub cancel: Cancel,
}

impl Session {
    /// Reads the settings as the arguments ask for.
    pub fn open(arguments: &Arguments, environment: Environment, screen: &Screen) -> Result<Session> {
        let folder = std::env::current_dir().or_fail(Kind::Workspace, || "finding the working folder")?;
        let inputs = Inputs {
            file: arguments.general.config.clone(),
            folder: folder.clone(),
            overrides: overrides::of(&arguments.command, &arguments.general.set)?,
            environment,
        };
        let resolved = Resolved::load(&inputs)?;
        let secrets = Secrets::read(&resolved, &inputs.environment);
        let locations = resolved.config.locations(&inputs.environment, &folder)?;
        let screen = screen.clone().hiding(secrets.all());
        let cancel = stop::listen(&screen)?;
        Ok(Session { resolved, secrets, locations, folder, screen, cancel })
    }
}
