//! Opens a person's editor.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::exit::Exit;
use crate::failure::Failure;

/// Opens a file in the editor that `VISUAL` or `EDITOR` names, and waits until it ends. These may have options of the
/// editor in them, as for other programs.
pub(super) fn open(file: &Path) -> Result<(), Failure> {
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| {
        let editor = env::var(name).ok()?;
        (!editor.trim().is_empty()).then_some(editor)
    });
    let Some(editor) = editor else {
        return Err(Failure::new(Exit::Usage, "no editor is known")
            .with_next("name one in VISUAL or EDITOR, or give the command with --command FILE"));
    };
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh");
    let ended = command.arg(file).status();
    let why = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let failed = format!("the editor `{editor}` has failed: {why}; nothing was sent");
    Err(Failure::new(Exit::Usage, failed))
}
