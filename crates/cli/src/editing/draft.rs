//! What a person has written in place of a parked command.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use seriatim_core::{CommandLetter, Payload, commands_to_edit, edited_commands};
use uuid::Uuid;

use super::editor;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::new_file;

/// A text for a letter, and the file that it is in.
#[derive(Debug)]
pub(crate) struct Draft {
    letter: Uuid,
    text: String,
    /// `None` if it came from stdin and is in no file yet.
    file: Option<PathBuf>,
    /// `true` if the file was made here and can be removed.
    is_ours: bool,
}

impl Draft {
    /// Reads what a person has written already; `-` stands for stdin.
    pub(crate) fn given(letter: Uuid, file: &Path) -> Result<Self, Failure> {
        let is_stdin = file == Path::new("-");
        let text = match is_stdin {
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(file),
        };
        let text = text.map_err(|error| {
            let file = file.display();
            Failure::new(Exit::Usage, format!("`{file}` cannot be read: {error}"))
        })?;
        Ok(Self {
            letter,
            text,
            file: (!is_stdin).then(|| file.to_owned()),
            is_ours: false,
        })
    }

    /// Lets a person edit the commands of a letter.
    pub(crate) fn in_editor(letter: &CommandLetter) -> Result<Self, Failure> {
        let Some(before) = commands_to_edit(&letter.request.commands) else {
            let message = "the parked command is neither JSON nor a message that the server has descriptors of, so it cannot be edited here";
            return Err(Failure::new(Exit::Invalid, message).with_next(
                "give another one with --command FILE, or send one with your own client",
            ));
        };
        let mut draft = Self {
            letter: letter.id,
            text: before,
            file: None,
            is_ours: true,
        };
        let file = draft.save()?;
        if let Err(failure) = editor::open(&file) {
            return Err(match fs::read_to_string(&file) {
                Ok(now) if now == draft.text => {
                    draft.remove();
                    failure
                }
                _ => draft.kept(failure),
            });
        }
        let edited = fs::read_to_string(&file);
        let edited = edited.map_err(|error| {
            let message = format!("`{}` cannot be read: {error}", file.display());
            draft.kept(Failure::new(Exit::Usage, message))
        })?;
        if edited == draft.text {
            draft.remove();
            let message = "nothing was changed, so nothing was sent";
            return Err(Failure::new(Exit::Usage, message).with_next(format!(
                "to try it as it is, use `seriatim dead-letters resubmit {}`",
                letter.id
            )));
        }
        draft.text = edited;
        Ok(draft)
    }

    /// Returns the commands. Fails with the line of the first mistake.
    pub(crate) fn commands(&mut self) -> Result<Vec<Payload>, Failure> {
        edited_commands(&self.text)
            .map_err(|mistake| self.kept(Failure::new(Exit::Usage, mistake.to_string())))
    }

    /// Adds to a failure where the text is and how to send it when it is corrected.
    pub(crate) fn kept(&mut self, mut failure: Failure) -> Failure {
        let file = match self.save() {
            Ok(file) => file,
            Err(unsaved) => {
                failure.more.push(&unsaved.message);
                self.text.lines().for_each(|line| failure.more.push(line));
                return failure;
            }
        };
        let file = file.display().to_string();
        failure.more.push(&format!("what you wrote is in {file}"));
        match &mut failure.details {
            Value::Object(details) => {
                details.insert("file".into(), json!(file));
            }
            details => *details = json!({ "file": file }),
        }
        let next = format!(
            "correct it there and send it with `seriatim dead-letters edit {} --command {file}`",
            self.letter
        );
        failure.next.get_or_insert(next);
        failure
    }

    /// Returns the file that the text is in. Makes one if there is none.
    pub(crate) fn save(&mut self) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let name = format!("dead-letter-{}-{}.json", self.letter, Uuid::now_v7());
        let path = env::temp_dir().join(name);
        let write = || -> io::Result<()> {
            let mut file = new_file::create(&path, true)?;
            file.write_all(self.text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", path.display());
            Failure::new(Exit::Unexpected, message)
        })?;
        self.file = Some(path.clone());
        Ok(path)
    }

    /// Removes the file, if it was made here.
    pub(crate) fn remove(&self) {
        if let (true, Some(file)) = (self.is_ours, &self.file) {
            // A file too much does no harm.
            let _ = fs::remove_file(file);
        }
    }
}
