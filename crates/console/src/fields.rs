//! Shows a state as JSON on many lines, in which each field leads to its history.

use seriatim_core::{FieldPath, Tree};

use crate::show;

/// The most bytes of a state that a page shows.
const MOST: usize = 16 * 1024;

/// A line of a state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StateLine {
    /// The text before the name: spaces.
    pub(crate) indent: String,
    /// The name of the field that begins here, as JSON text, and its path.
    pub(crate) field: Option<(String, String)>,
    /// The text after the name.
    pub(crate) text: String,
}

/// Returns the lines of a state, cut where it is very long. What is no JSON is one line.
pub(crate) fn lines(state: &str) -> Vec<StateLine> {
    let mut writer = Writer::default();
    match Tree::parse(state.as_bytes()) {
        Ok(tree) => writer.value(&tree, &FieldPath::default(), None, ""),
        Err(_) => writer.line(None, show::line(state)),
    }
    if writer.bytes > MOST {
        writer.depth = 0;
        writer.bytes = 0;
        writer.line(None, format!("… the beginning of {} bytes", state.len()));
    }
    writer.lines
}

#[derive(Default)]
struct Writer {
    lines: Vec<StateLine>,
    depth: usize,
    bytes: usize,
}

impl Writer {
    fn line(&mut self, field: Option<(String, String)>, text: String) {
        if self.bytes > MOST {
            return;
        }
        let indent = " ".repeat(2 * self.depth);
        self.bytes += indent.len() + text.len() + field.as_ref().map_or(0, |field| field.0.len());
        self.lines.push(StateLine {
            indent,
            field,
            text,
        });
    }

    /// Writes a value, with its name before it and a comma after it.
    fn value(&mut self, tree: &Tree, path: &FieldPath, name: Option<&str>, comma: &str) {
        if self.bytes > MOST {
            return;
        }
        let field = name.map(|name| {
            let name = show::line(&Tree::Text(name.into()).to_string());
            (name, path.to_string())
        });
        let colon = if field.is_some() { ": " } else { "" };
        match tree {
            Tree::Object(entries) if !entries.is_empty() => {
                self.line(field, format!("{colon}{{"));
                self.depth += 1;
                for (at, (key, value)) in entries.iter().enumerate() {
                    let comma = if at + 1 < entries.len() { "," } else { "" };
                    self.value(value, &path.child(key), Some(key), comma);
                }
                self.depth -= 1;
                self.line(None, format!("}}{comma}"));
            }
            Tree::List(items) if !items.is_empty() => {
                self.line(field, format!("{colon}["));
                self.depth += 1;
                for (at, item) in items.iter().enumerate() {
                    let comma = if at + 1 < items.len() { "," } else { "" };
                    self.value(item, &path.child(at.to_string()), None, comma);
                }
                self.depth -= 1;
                self.line(None, format!("]{comma}"));
            }
            value => self.line(
                field,
                format!("{colon}{}{comma}", show::line(&value.to_string())),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[StateLine]) -> String {
        let line = |line: &StateLine| {
            let name = line.field.as_ref().map_or("", |field| &field.0);
            format!("{}{name}{}", line.indent, line.text)
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn it_reads_as_the_same_json_and_each_field_has_its_path() {
        let state = r#"{"a":{"b.c":[1,{"d":[]}],"e":{}},"f":"x\ny","g":null}"#;
        let lines = lines(state);
        let tree = Tree::parse(state.as_bytes()).unwrap();
        assert_eq!(text(&lines), format!("{tree:#}"));
        for line in &lines {
            let Some((name, path)) = &line.field else {
                continue;
            };
            let value = tree.get(&path.parse().unwrap()).unwrap();
            let begins = value.to_string().chars().next().unwrap();
            assert!(
                line.text.starts_with(&format!(": {begins}")),
                "{name} {line:?}"
            );
        }
        let paths = lines.iter().filter(|line| line.field.is_some());
        assert_eq!(paths.count(), 6);
    }

    #[test]
    fn a_large_state_is_cut_and_says_so() {
        let state = format!("[{}1]", "1,".repeat(100_000));
        let lines = lines(&state);
        assert!(lines.len() < MOST / 2);
        let last = &lines.last().unwrap().text;
        assert_eq!(*last, format!("… the beginning of {} bytes", state.len()));
    }
}
