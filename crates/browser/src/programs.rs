//! Finds Chromium and ChromeDriver.

use std::env;
use std::path::PathBuf;

use crate::BrowserError;

/// A program, the names that it may have, and the variable that names another one. `cargo xtask test` has the same two.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    files: &'static [&'static str],
    variable: &'static str,
}

pub(crate) const CHROMIUM: Program = Program {
    name: "Chromium",
    files: &["chromium", "chromium-browser", "google-chrome"],
    variable: "SERIATIM_CHROMIUM",
};

pub(crate) const CHROMEDRIVER: Program = Program {
    name: "ChromeDriver",
    files: &["chromedriver"],
    variable: "SERIATIM_CHROMEDRIVER",
};

impl Program {
    /// Returns the program that the variable names, or else one in PATH, or else where Debian puts it.
    pub(crate) fn find(&self) -> Result<PathBuf, BrowserError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(["/usr/bin".into()]);
        self.find_by(env::var_os(self.variable).map(PathBuf::from), folders)
    }

    fn find_by(
        &self,
        named: Option<PathBuf>,
        folders: impl IntoIterator<Item = PathBuf>,
    ) -> Result<PathBuf, BrowserError> {
        let Self { name, variable, .. } = *self;
        if let Some(path) = named {
            return match path.is_file() {
                true => Ok(path),
                false => Err(BrowserError::Misnamed { variable, path }),
            };
        }
        let mut all = folders
            .into_iter()
            .flat_map(|folder| self.files.iter().map(move |file| folder.join(file)));
        all.find(|program| program.is_file())
            .ok_or(BrowserError::Missing {
                program: name,
                variable,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> PathBuf {
        env!("CARGO_MANIFEST_DIR").into()
    }

    #[test]
    fn the_first_folder_that_has_one_of_the_names_wins() {
        let program = Program {
            files: &["no-such-file", "Cargo.toml", "lib.rs"],
            ..CHROMIUM
        };
        let found = program.find_by(None, ["/nowhere".into(), here().join("src"), here()]);
        assert_eq!(found.unwrap(), here().join("src/lib.rs"));
    }

    #[test]
    fn a_variable_goes_before_the_folders() {
        let named = here().join("src/lib.rs");
        let found = CHROMIUM.find_by(Some(named.clone()), ["/usr/bin".into()]);
        assert_eq!(found.unwrap(), named);
    }

    #[test]
    fn a_variable_that_names_nothing_is_an_error_that_names_it() {
        let error = CHROMIUM.find_by(Some("/nowhere/chrome".into()), ["/usr/bin".into()]);
        let said = error.unwrap_err().to_string();
        assert!(
            said.starts_with("SERIATIM_CHROMIUM names /nowhere/chrome"),
            "{said}"
        );
    }

    #[test]
    fn a_program_that_is_missing_is_an_error_that_says_what_installs_it() {
        let said = CHROMEDRIVER.find_by(None, []).unwrap_err().to_string();
        for part in [
            "there is no ChromeDriver",
            "`cargo xtask test`",
            "chromium chromium-driver",
            "SERIATIM_CHROMEDRIVER",
        ] {
            assert!(said.contains(part), "{part} is not in: {said}");
        }
    }
}
