//! Writes commands as JSON, and reads them with the line of every mistake.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

use crate::{Codec, Payload};

/// A mistake in commands that a person has written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct EditMistake {
    /// Its line, from 1 on.
    pub line: usize,
    /// The mistake, for people.
    pub what: String,
}

/// Returns commands as a person edits them: an object with `type` and `data`, or a list of such objects. Returns `None`
/// if one of them is not JSON.
pub fn commands_to_edit(commands: &[Payload]) -> Option<String> {
    let texts: Option<Vec<_>> = commands.iter().map(object).collect();
    Some(match &texts?[..] {
        [text] => format!("{text}\n"),
        texts => format!("[\n{}\n]\n", texts.join(",\n")),
    })
}

fn object(command: &Payload) -> Option<String> {
    if command.codec != Codec::Json {
        return None;
    }
    let name = serde_json::to_string(&command.type_name).ok()?;
    let data = format!("{:#}", command.tree()?).replace('\n', "\n  ");
    Some(format!("{{\n  \"type\": {name},\n  \"data\": {data}\n}}"))
}

/// Reads the commands that a person has written. The content of each is kept as it stands in the text, with all digits
/// of every number, and with as many line feeds before it as there are in the text. They mean nothing in JSON, and a
/// decoder that finds a mistake then names the line of the text. Fails with the first mistake.
pub fn edited_commands(text: &str) -> Result<Vec<Payload>, EditMistake> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(EditMistake {
            line: error.line(),
            what: format!("it is not JSON: {error}"),
        });
    }
    let mut scan = Scan { text, at: 0 };
    if !scan.takes('[') {
        return Ok(vec![scan.command()?]);
    }
    let mut commands = Vec::new();
    while !scan.takes(']') {
        commands.push(scan.command()?);
        scan.takes(',');
    }
    Ok(commands)
}

/// A place in a text that is JSON.
struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn line(&self) -> usize {
        1 + self.text[..self.at].matches('\n').count()
    }

    fn mistake<T>(&self, what: impl Into<String>) -> Result<T, EditMistake> {
        Err(EditMistake {
            line: self.line(),
            what: what.into(),
        })
    }

    /// Goes behind this character, if it is the next that is not white space.
    fn takes(&mut self, wanted: char) -> bool {
        let rest = self.rest();
        let white = rest.len() - rest.trim_start().len();
        self.at += white;
        let is_it = self.rest().starts_with(wanted);
        self.at += if is_it { wanted.len_utf8() } else { 0 };
        is_it
    }

    /// Goes behind the next value. Returns it, if it is of this type, and its text.
    fn value<T: DeserializeOwned>(&mut self) -> (Option<T>, &'t str) {
        let rest = self.rest().trim_start();
        self.at = self.text.len() - rest.len();
        let mut skipped = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        skipped.next();
        let text = &rest[..skipped.byte_offset()];
        self.at += text.len();
        (serde_json::from_str(text).ok(), text)
    }

    fn command(&mut self) -> Result<Payload, EditMistake> {
        if !self.takes('{') {
            return self.mistake("a command is an object with `type` and `data`");
        }
        let begin = self.line();
        let (mut name, mut data) = (None, None);
        while !self.takes('}') {
            self.takes(',');
            self.takes('"');
            self.at -= 1;
            let key = self.value::<String>().0.unwrap_or_default();
            self.takes(':');
            match key.as_str() {
                "type" if name.is_none() => {
                    let (found, text) = self.value::<String>();
                    name = match found {
                        Some(found) => Some(found),
                        None => return self.mistake(format!("`type` is a name, and not {text}")),
                    };
                }
                "data" if data.is_none() => {
                    let (_, text) = self.value::<IgnoredAny>();
                    let before = self.line() - text.matches('\n').count() - 1;
                    data = Some(format!("{}{text}", "\n".repeat(before)));
                }
                "type" | "data" => return self.mistake(format!("`{key}` stands there twice")),
                _ => {
                    return self
                        .mistake(format!("a command has `type` and `data`, and no `{key}`"));
                }
            }
        }
        match (name, data) {
            (Some(name), Some(data)) => Ok(Payload::json(name, data)),
            (None, _) => Err(missing("type", begin)),
            (_, None) => Err(missing("data", begin)),
        }
    }
}

fn missing(field: &str, line: usize) -> EditMistake {
    let what = format!("the command that begins there has no `{field}`");
    EditMistake { line, what }
}

#[cfg(test)]
mod tests {
    use super::{commands_to_edit as write, edited_commands as read};
    use crate::Payload;

    fn mistake(text: &str) -> (usize, String) {
        let mistake = read(text).unwrap_err();
        (mistake.line, mistake.what)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let one = Payload::json(
            "Rename",
            r#"{"owner":"Cid","cents":[1,2.50,9007199254740993]}"#,
        );
        let other = Payload::json("Close", "{}");
        for commands in [vec![one.clone()], vec![one.clone(), other.clone(), one]] {
            let text = write(&commands).unwrap();
            let read = read(&text).unwrap();
            assert_eq!(read.len(), commands.len());
            for (read, written) in read.iter().zip(&commands) {
                assert_eq!(read.type_name, written.type_name);
                assert_eq!(read.tree(), written.tree());
            }
        }
        assert_eq!(
            write(&[other]).unwrap(),
            "{\n  \"type\": \"Close\",\n  \"data\": {}\n}\n"
        );
        assert_eq!(write(&[Payload::protobuf("Close", vec![1])]), None);
    }

    #[test]
    fn values_of_all_kinds_are_content() {
        for value in [
            "7",
            "-1e400",
            "null",
            "true",
            r#""a \" } b""#,
            "[ ]",
            r#"{"a":{"b":[]}}"#,
        ] {
            for text in [
                format!(r#"{{"type":"A","data":{value}}}"#),
                format!(r#" [ {{ "data" : {value} , "type" : "A" }} ] "#),
            ] {
                let read = read(&text).unwrap();
                assert_eq!(read, [Payload::json("A", value.to_owned())], "{text}");
            }
        }
    }

    #[test]
    fn content_keeps_its_lines() {
        let read = read("[\n{\"type\": \"A\",\n \"data\":\n   {\n\"x\": 1}}]").unwrap();
        assert_eq!(&read[0].data[..], b"\n\n\n{\n\"x\": 1}");
    }

    #[test]
    fn every_mistake_has_its_line() {
        assert_eq!(mistake("{\n  \"type\": \"A\",\n  \"data\": {,}\n}").0, 3);
        assert_eq!(mistake("").0, 1);
        assert_eq!(mistake("{\"type\": \"A\", \"data\": {}}\n\n x").0, 3);
        let (line, what) = mistake("[\n {\"type\": \"A\", \"data\": 1},\n 7]");
        assert_eq!((line, what.contains("an object")), (3, true));
        let (line, what) = mistake("{\"type\": \"A\",\n\"dat\": 1}");
        assert_eq!((line, what.contains("no `dat`")), (2, true));
        let (line, what) = mistake("{\"type\": \"A\",\n\"type\": \"A\"}");
        assert_eq!((line, what.contains("twice")), (2, true));
        let (line, what) = mistake("{\"data\": 1,\n\"type\": {}}");
        assert_eq!((line, what.contains("a name")), (2, true));
        let (line, what) = mistake("\n{\"data\": 1}");
        assert_eq!((line, what.contains("no `type`")), (2, true));
        assert_eq!(mistake("\n\n{}").0, 3);
        assert_eq!(read("[]"), Ok(vec![]));
    }
}
