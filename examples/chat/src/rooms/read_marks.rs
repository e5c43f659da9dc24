//! How far each member has read, in browsers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use seriatim::prelude::Uuid;
use seriatim::{Room, Sent};

use crate::read_marks::{ReadMarks, ReadMarksCommand};

/// What a user asks of read marks.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum MarkRequest {
    /// Say how far one has read.
    Mark {
        /// The number of the last message that was read.
        number: u32,
    },
}

/// What a member is shown of read marks on joining them.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct MarksView {
    /// The number of the last message that each member has read.
    pub marks: BTreeMap<String, u32>,
}

impl Room for ReadMarks {
    type Request = MarkRequest;
    type View = MarksView;

    fn may_read(&self, _: Uuid, user: &str) -> bool {
        self.marks.contains_key(user)
    }

    fn view(&self, _: Uuid, _: &str) -> MarksView {
        MarksView {
            marks: self.marks.clone(),
        }
    }

    fn command(_: Uuid, sent: Sent<'_, MarkRequest>) -> Result<ReadMarksCommand, String> {
        let MarkRequest::Mark { number } = sent.request;
        Ok(ReadMarksCommand::Mark {
            by: sent.user.to_owned(),
            number,
        })
    }
}
