//! `config check`, which calls no server.

use seriatim::security::{Config as Configuration, ConfigError};

use crate::args::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, config as show};

pub(crate) fn run(wanted: &Config, output: &Output) -> Result<Exit, Failure> {
    let Config::Check { file } = wanted;
    match Configuration::read(file) {
        Ok(config) => {
            output.answer(&show::config_json(&config), &show::config(&config))?;
            Ok(Exit::Ok)
        }
        Err(ConfigError::Faults(faults)) => {
            let faults: Vec<_> = faults.iter().collect();
            output.lines(&faults, |fault| show::fault_json(fault), show::faults)?;
            let message = match faults.len() {
                1 => "the configuration has a fault".to_owned(),
                count => format!("the configuration has {count} faults"),
            };
            Err(Failure::new(Exit::Invalid, message).with_next("correct it and check it again"))
        }
        Err(error @ ConfigError::Read { .. }) => {
            Err(Failure::new(Exit::NotFound, error.to_string()))
        }
    }
}
