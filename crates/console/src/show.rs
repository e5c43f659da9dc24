//! Shows times, ids, texts and payloads to people. Templates escape them; this makes them short and harmless to the eye.

use std::fmt::Write as _;

use seriatim_core::{Payload, RecordedEvent, Timestamp, Tree, printable};
use uuid::Uuid;

/// The most bytes of a text that a page shows.
const MOST_TEXT: usize = 16 * 1024;
/// The most bytes of a value in a table.
const MOST_VALUE: usize = 2 * 1024;
/// The most bytes that are shown as hexadecimal digits.
const MOST_HEX: usize = 256;

/// A point in time: short, and exactly.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) exact: String,
    pub(crate) text: String,
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        let exact = time.to_string();
        let text = exact.get(..19).unwrap_or(&exact).replace('T', " ");
        Self {
            text: format!("{text} UTC"),
            exact,
        }
    }
}

/// An id: short, and the whole.
#[derive(Debug)]
pub(crate) struct Id {
    pub(crate) whole: String,
    pub(crate) short: String,
}

impl From<Uuid> for Id {
    fn from(id: Uuid) -> Self {
        let whole = id.to_string();
        let short = format!("{}…{}", &whole[..8], &whole[whole.len() - 6..]);
        Self { whole, short }
    }
}

/// The content of a command or an event.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) type_name: String,
    /// Readable text, or hexadecimal digits.
    pub(crate) text: String,
    /// What else is to be said about it.
    pub(crate) note: Option<String>,
}

impl From<&Payload> for Content {
    fn from(payload: &Payload) -> Self {
        let bytes = payload.data.len();
        let type_name = printable(&payload.type_name).into_owned();
        if payload.is_nothing() {
            let note = Some("nothing any more".into());
            return Self {
                type_name,
                text: String::new(),
                note,
            };
        }
        if let Some(why) = payload.why_unreadable() {
            return Self {
                type_name,
                text: String::new(),
                note: Some(printable(&format!("cannot be read: {why}")).into_owned()),
            };
        }
        match payload.tree() {
            Some(tree) => {
                let (text, is_cut) = cut(lines(&format!("{tree:#}")), MOST_TEXT);
                let note = is_cut.then(|| format!("the beginning of {bytes} bytes"));
                Self {
                    type_name,
                    text,
                    note,
                }
            }
            None => {
                let shown = &payload.data[..bytes.min(MOST_HEX)];
                let more = if bytes > MOST_HEX {
                    ", the first of them"
                } else {
                    ""
                };
                Self {
                    type_name,
                    text: hex(shown),
                    note: Some(format!("{bytes} bytes that are not JSON{more}")),
                }
            }
        }
    }
}

/// An event of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) sequence: String,
    pub(crate) at: Moment,
    pub(crate) content: Content,
    /// Who wrote it, and what it belongs to.
    pub(crate) notes: Vec<(&'static str, String)>,
    /// The correlation id of its workflow, and how that is shown.
    pub(crate) workflow: Option<(String, String)>,
}

impl From<&RecordedEvent> for Event {
    fn from(event: &RecordedEvent) -> Self {
        let metadata = &event.metadata;
        let mut notes = vec![("id", event.id.to_string())];
        let mut note = |name, value: Option<&str>| {
            notes.extend(value.map(|value| (name, line(value))));
        };
        note("by", metadata.actor.as_deref());
        if let Some(origin) = &metadata.origin {
            note("fact from", Some(&origin.source));
            note(
                "because",
                Some(origin.description.as_str()).filter(|text| !text.is_empty()),
            );
        }
        note("external id", metadata.external_id.as_deref());
        let causation = metadata.causation_id.map(|id| id.to_string());
        note("caused by", causation.as_deref());
        Self {
            sequence: event.sequence.to_string(),
            at: event.recorded_at.into(),
            content: (&event.payload).into(),
            notes,
            workflow: (metadata.correlation_id.clone()).map(|id| (id.clone(), line(&id))),
        }
    }
}

/// Returns a text on one line, without what deceives the eye, cut where it is very long.
pub(crate) fn line(text: &str) -> String {
    let (text, is_cut) = cut(printable(text).into_owned(), MOST_VALUE);
    match is_cut {
        true => format!("{text} …"),
        false => text,
    }
}

/// Returns a value of a field.
pub(crate) fn value(tree: Option<&Tree>) -> String {
    tree.map_or("–".into(), |tree| line(&tree.to_string()))
}

/// Returns a state as JSON text on many lines, cut where it is very long.
pub(crate) fn state(text: &str) -> String {
    let pretty = match Tree::parse(text.as_bytes()) {
        Ok(tree) => format!("{tree:#}"),
        Err(_) => text.to_owned(),
    };
    match cut(lines(&pretty), MOST_TEXT) {
        (text, true) => format!("{text}\n… the beginning of {} bytes", pretty.len()),
        (text, false) => text,
    }
}

/// Returns a text of many lines without what deceives the eye. In JSON the result is the same value.
pub(crate) fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

fn cut(mut text: String, most: usize) -> (String, bool) {
    let is_long = text.len() > most;
    if is_long {
        text.truncate(text.floor_char_boundary(most));
    }
    (text, is_long)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        write!(text, "{byte:02x} ").expect("a string takes what is written");
    }
    text.trim_end().to_owned()
}

/// Returns a number with its noun.
pub(crate) fn count(number: impl Into<u64>, one: &str, more: &str) -> String {
    match number.into() {
        1 => format!("1 {one}"),
        number => format!("{number} {more}"),
    }
}

/// Returns how long ago something was, in its largest unit.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..60 => count(seconds, "second", "seconds"),
        60..3600 => count(seconds / 60, "minute", "minutes"),
        3600..86400 => count(seconds / 3600, "hour", "hours"),
        _ => count(seconds / 86400, "day", "days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_is_shown_as_its_size_and_digits() {
        let content = Content::from(&Payload::json("Odd", vec![0xff, b'{']));
        assert_eq!(content.text, "ff 7b");
        assert_eq!(content.note.unwrap(), "2 bytes that are not JSON");
        let content = Content::from(&Payload::protobuf("a.B", vec![1; 1000]));
        assert_eq!(content.text.len(), 3 * MOST_HEX - 1);
        assert_eq!(
            content.note.unwrap(),
            "1000 bytes that are not JSON, the first of them"
        );
    }

    #[test]
    fn what_deceives_the_eye_is_shown_as_its_number() {
        let text = "{\"a\":\"\u{202e}desrever\"}";
        let content = Content::from(&Payload::json("Odd\u{1b}[31m", text));
        assert_eq!(content.type_name, "Odd\\u001b[31m");
        assert_eq!(content.text, "{\n  \"a\": \"\\u202edesrever\"\n}");
        // A visitor who edits what is shown sends the same value.
        assert_eq!(
            Tree::parse(content.text.as_bytes()).unwrap(),
            Tree::parse(text.as_bytes()).unwrap()
        );
    }

    #[test]
    fn a_large_text_is_cut_and_says_so() {
        let text = format!("\"{}\"", "é".repeat(1 << 20));
        let content = Content::from(&Payload::json("Large", text.clone()));
        assert!(content.text.len() <= MOST_TEXT);
        assert_eq!(
            content.note.unwrap(),
            format!("the beginning of {} bytes", text.len())
        );
        assert!(value(Tree::parse(text.as_bytes()).ok().as_ref()).ends_with(" …"));
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        for (seconds, age) in [
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (7200, "2 hours"),
            (86_400, "1 day"),
        ] {
            let now = Timestamp::from_micros(seconds * 1_000_000);
            assert_eq!(super::age(Timestamp::EPOCH, now), age);
        }
        assert_eq!(age(Timestamp::MAX, Timestamp::EPOCH), "0 seconds");
    }

    #[test]
    fn times_and_ids_are_short_and_whole() {
        let moment = Moment::from(Timestamp::EPOCH);
        assert_eq!(moment.text, "1970-01-01 00:00:00 UTC");
        assert_eq!(moment.exact, "1970-01-01T00:00:00Z");
        let id = Id::from(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(id.short, "01234567…abcdef");
    }
}
