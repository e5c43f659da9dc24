//! The programs Chromium and ChromeDriver, which the tests of web pages start, each test program its own.

use std::env;
use std::path::PathBuf;

use crate::packages::{self, Packages};

/// A program, the names that it may have, and the variable that names another one.
struct Program {
    name: &'static str,
    files: &'static [&'static str],
    variable: &'static str,
}

/// The crate `seriatim-browser` has the same two.
const CHROMIUM: Program = Program {
    name: "Chromium",
    files: &["chromium", "chromium-browser", "google-chrome"],
    variable: "SERIATIM_CHROMIUM",
};

const CHROMEDRIVER: Program = Program {
    name: "ChromeDriver",
    files: &["chromedriver"],
    variable: "SERIATIM_CHROMEDRIVER",
};

/// A font comes with them: Chromium needs fontconfig, and that needs one.
const BROWSER: Packages = Packages {
    programs: "Chromium or ChromeDriver",
    packages: "the packages `chromium` and `chromium-driver`",
    install: "apt-get install --yes --no-install-recommends chromium chromium-driver\n",
    next_step: "install both and run this again:
  Debian    sudo apt-get install chromium chromium-driver
  Fedora    sudo dnf install chromium chromedriver
  Alpine    sudo apk add chromium chromium-chromedriver
or name the programs in SERIATIM_CHROMIUM and SERIATIM_CHROMEDRIVER, such as those of Chrome for Testing
(https://googlechromelabs.github.io/chrome-for-testing)",
};

/// Sees to it that the tests find both.
pub(crate) fn find_or_install() -> Result<(), String> {
    BROWSER.find_or_install(|| {
        let chromium = CHROMIUM.find(env::var_os(CHROMIUM.variable).map(PathBuf::from))?;
        let driver = CHROMEDRIVER.find(env::var_os(CHROMEDRIVER.variable).map(PathBuf::from))?;
        Ok(chromium.zip(driver).map(|_| ()))
    })
}

impl Program {
    /// Returns the program that the variable names, or else one in PATH, or else where Debian puts it.
    fn find(&self, named: Option<PathBuf>) -> Result<Option<PathBuf>, String> {
        match named {
            Some(program) if program.is_file() => Ok(Some(program)),
            Some(program) => Err(format!(
                "{variable} names {program} as {name}, and there is no such file; correct it, or leave it out",
                variable = self.variable,
                program = program.display(),
                name = self.name,
            )),
            None => Ok(self.find_in(packages::path())),
        }
    }

    fn find_in(&self, mut folders: Vec<PathBuf>) -> Option<PathBuf> {
        folders.push("/usr/bin".into());
        let mut all = folders
            .iter()
            .flat_map(|folder| self.files.iter().map(|file| folder.join(file)));
        all.find(|program| program.is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_the_program() {
        let named = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(CHROMIUM.find(Some(named.clone())), Ok(Some(named)));
    }

    #[test]
    fn a_variable_that_names_no_program_is_refused_with_its_name() {
        let refused = CHROMEDRIVER.find(Some("/nowhere/driver".into()));
        let said = refused.expect_err("there is no such file");
        assert!(
            said.contains("SERIATIM_CHROMEDRIVER names /nowhere/driver"),
            "{said}"
        );
    }

    #[test]
    fn a_folder_is_no_program() {
        assert!(
            CHROMIUM
                .find(Some(env!("CARGO_MANIFEST_DIR").into()))
                .is_err()
        );
    }

    #[test]
    fn the_first_folder_that_has_one_of_the_names_wins() {
        let program = Program {
            files: &["no-such-file", "Cargo.toml", "main.rs"],
            ..CHROMIUM
        };
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folders = vec!["/nowhere".into(), here.join("src"), here.clone()];
        assert_eq!(program.find_in(folders), Some(here.join("src/main.rs")));
        assert_eq!(program.find_in(Vec::new()), None);
    }
}
