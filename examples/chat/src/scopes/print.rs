//! The report for people: plain text in columns.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::report::{Number, Pairs, Report, Scope};
use super::script::{PEOPLE, Talk};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages(f)?;
        for scope in &self.scopes {
            self.scope(f, scope)?;
        }
        self.compared(f)?;
        self.sequence_against_offset(f)
    }
}

impl Report {
    fn messages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} messages, in the order in which they are sent\n",
            self.messages.len()
        )?;
        let head = ["", "conversation"].iter().chain(&PEOPLE);
        let mut table = Table::new(head.copied());
        for (at, message) in self.messages.iter().enumerate() {
            let mut row = vec![format!("{}.", at + 1), message.conversation.into()];
            row.extend(PEOPLE.map(|user| match user == message.by {
                true => quoted(message.text),
                false => String::new(),
            }));
            table.push(row);
        }
        table.write(f)?;
        let talks = Talk::ALL.map(|talk| format!("{} is {}", talk.short(), talk.name()));
        writeln!(f, "\n{}.", talks.join(", "))?;
        f.write_str(
            "Sequences begin at 0 here and at 1 in the specification: 0 is the event Started, so messages have 1, 2, 3 \
             as there.\n\
             Positions begin at 1, and Started has one too.\n",
        )
    }

    /// What a client has that sorts by the numbers.
    fn scope(&self, f: &mut fmt::Formatter<'_>, scope: &Scope) -> fmt::Result {
        let name = scope.name.to_uppercase();
        writeln!(f, "\n\n{name}: a counter counts {}\n", scope.counts)?;
        // Counters of one person each stand side by side, others below one another.
        let beside = scope.senders_at_one == 1;
        let mut rows: BTreeMap<_, [String; PEOPLE.len()]> = BTreeMap::new();
        for (message, number) in self.messages.iter().zip(&scope.numbers) {
            let counter = (!beside).then_some(&number.counter);
            let row = rows.entry((counter, number.number)).or_default();
            if let Some(column) = PEOPLE.iter().position(|user| *user == message.by) {
                row[column] = taken(number, message.text);
            }
        }
        let mut table = Table::new(PEOPLE);
        let mut above = None;
        for ((counter, _), row) in rows {
            if above.is_some_and(|above| above != counter) {
                table.push(Vec::new());
            }
            above = Some(counter);
            table.push(row.into());
        }
        table.write(f)?;
        writeln!(f)?;
        let mut told = Table::new([]);
        for (what, of) in scope.kinds() {
            told.push(vec![
                what.into(),
                format!("{} of {} pairs told", of.told, of.pairs),
            ]);
        }
        told.write(f)?;
        if let Some((one, other)) = scope.cannot_tell {
            let shown = |at: usize| taken(&scope.numbers[at], self.messages[at].text);
            let (one, other) = (shown(one), shown(other));
            writeln!(f, "  Not told, for example: was {one} first, or {other}?")?;
        }
        writeln!(f, "  Cost: a counter serves {}.", scope.cost)
    }

    fn compared(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n\nWHOSE ORDER IS TOLD: pairs of messages\n")?;
        let head = [
            "",
            "same sender",
            "same conversation,",
            "other conversation,",
            "in all",
            "counters",
            "senders",
        ];
        let mut table = Table::new(head);
        let second = ["", "", "other sender", "other sender", "", "", "at one"];
        table.push(second.map(str::to_owned).into());
        for scope in &self.scopes {
            let of = |pairs: Pairs| format!("{} of {}", pairs.told, pairs.pairs);
            table.push(vec![
                scope.name.into(),
                of(scope.same_sender),
                of(scope.same_conversation),
                of(scope.other_conversation),
                of(scope.all),
                scope.counters.to_string(),
                scope.senders_at_one.to_string(),
            ]);
        }
        table.write(f)?;
        let wrong: usize = self.scopes.iter().map(|scope| scope.all.wrong).sum();
        writeln!(
            f,
            "\nPairs that a counter puts in the wrong order: {wrong}."
        )
    }

    fn sequence_against_offset(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.sequence_and_position;
        let message = &self.messages[shown.message];
        writeln!(
            f,
            "\n\nSEQUENCE AGAINST OFFSET: the message {} of {}\n",
            quoted(message.text),
            message.by
        )?;
        let mut table = Table::new(["", "sequence", "position (offset)"]);
        table.push(vec![
            "in a log of 1 partition".into(),
            shown.sequence.to_string(),
            shown.position.to_string(),
        ]);
        table.push(vec![
            "in a log of 2 partitions".into(),
            shown.sequence_in_partition.to_string(),
            format!("{} of p{}", shown.position_in_partition, shown.partition),
        ]);
        table.write(f)?;
        writeln!(
            f,
            "\nIts sequence says: this is event {} of the conversation, counted from 0. It orders the conversation,\n\
             shows what is missing, and is what a command expects. It is the same in both logs.",
            shown.sequence
        )?;
        writeln!(
            f,
            "Its position says: this is place {} in the log, counted from 1. It is how far a reader of the log has\n\
             come. It depends on what else is in the log, and on the partitions.",
            shown.position
        )
    }
}

impl Scope {
    fn kinds(&self) -> [(&'static str, Pairs); 3] {
        [
            ("two messages of one sender", self.same_sender),
            (
                "of two senders, in one conversation",
                self.same_conversation,
            ),
            (
                "of two senders, in two conversations",
                self.other_conversation,
            ),
        ]
    }
}

fn taken(number: &Number, text: &str) -> String {
    format!("{}={} {}", number.counter, number.number, quoted(text))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// Text in columns, each as wide as it must be.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        let head: Vec<_> = head.into_iter().map(str::to_owned).collect();
        let rows = if head.is_empty() {
            Vec::new()
        } else {
            vec![head]
        };
        Self { rows }
    }

    fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                write!(line, "  {cell:<0$}", width(column))?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
