//! One connection that posts, and now and then looks as somebody else whether the post is there.

use std::sync::Mutex;
use std::time::Instant;

use anyhow::Context as _;

use super::plan::{CHECK_PAGE, Seat, TEXT_CHARACTERS};
use super::tally::{Tally, Window};
use super::{lock, refusal};
use crate::http::{Connection, request};

/// How many pages are searched for a post: in one hot dialog hundreds may have come after it.
const CHECK_PAGES_MAX: usize = 40;
const COUNTER_DIGITS: usize = 16;

/// What one posting connection does.
#[derive(Debug)]
pub(super) struct Poster {
    seats: Vec<Prepared>,
    check_every: u64,
    verify: bool,
}

/// A seat with its requests ready.
#[derive(Debug)]
struct Prepared {
    post: Vec<u8>,
    counter_at: usize,
    dialog: String,
    witness: String,
}

impl Poster {
    /// The poster of those `seats`; `number` keeps its texts apart from the others'.
    pub(super) fn new(
        seats: &[&Seat],
        number: usize,
        check_every: u64,
        verify: bool,
    ) -> anyhow::Result<Self> {
        let seats = seats.iter().map(|seat| Prepared::new(seat, number)).collect::<anyhow::Result<_>>()?;
        Ok(Self { seats, check_every, verify })
    }

    /// Post until the window is over.
    pub(super) async fn run(
        mut self,
        connection: &mut Connection,
        window: Window,
        tally: &Mutex<Tally>,
    ) -> anyhow::Result<()> {
        let mut asked = Instant::now();
        let mut posts = 0;
        while asked < window.to {
            let turn = usize::try_from(posts)? % self.seats.len();
            posts += 1;
            let check = self.check_every > 0 && posts % self.check_every == 0;
            let seat = &mut self.seats[turn];
            seat.count(posts);
            let answer = connection.call(&seat.post).await?;
            if !(200..300).contains(&answer.status) {
                lock(tally).failed(|| refusal(&answer));
                asked = Instant::now();
                continue;
            }
            asked = lock(tally).answered(asked, answer.body.len());
            if check {
                let id = if self.verify { Some(message_id(answer.body)?) } else { None };
                seat.check(connection, id, tally).await?;
                asked = Instant::now();
            }
        }
        Ok(())
    }
}

impl Prepared {
    fn new(seat: &Seat, number: usize) -> anyhow::Result<Self> {
        let counter = "#".repeat(COUNTER_DIGITS);
        let mut text = format!("{number:04}-{counter} ");
        while text.len() < TEXT_CHARACTERS {
            text.push_str("the honourable member has the floor ");
        }
        text.truncate(TEXT_CHARACTERS);
        let body = format!(r#"{{"chat_dialog_id":"{}","message":"{text}"}}"#, seat.dialog);
        let post = request("POST", "/chat/Message", &seat.token, &body);
        let counter_at = memchr::memmem::find(&post, counter.as_bytes()).context("no counter in the text")?;
        Ok(Self { post, counter_at, dialog: seat.dialog.clone(), witness: seat.witness.clone() })
    }

    /// Write `number` into the text, so that no two are alike.
    fn count(&mut self, mut number: u64) {
        for digit in self.post[self.counter_at..self.counter_at + COUNTER_DIGITS].iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
    }

    /// List as the witness; `id`, if there is one, must be on one of the first pages.
    async fn check(
        &self,
        connection: &mut Connection,
        id: Option<[u8; 24]>,
        tally: &Mutex<Tally>,
    ) -> anyhow::Result<()> {
        for page in 0..CHECK_PAGES_MAX {
            let path = format!(
                "/chat/Message?chat_dialog_id={}&limit={CHECK_PAGE}&skip={}&sort_desc=date_sent&mark_as_read=0",
                self.dialog,
                page * CHECK_PAGE
            );
            let answer = connection.call(&request("GET", &path, &self.witness, "")).await?;
            if !(200..300).contains(&answer.status) {
                lock(tally).failed(|| refusal(&answer));
                return Ok(());
            }
            let shown = id.is_none_or(|id| memchr::memmem::find(answer.body, &id).is_some());
            let full = memchr::memmem::find_iter(answer.body, br#""_id""#).count() >= CHECK_PAGE;
            if shown || !full || page + 1 == CHECK_PAGES_MAX {
                lock(tally).checked(answer.body.len(), shown);
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The id of the message that a post's answer shows.
fn message_id(body: &[u8]) -> anyhow::Result<[u8; 24]> {
    let key = br#""_id":""#;
    memchr::memmem::find(body, key)
        .and_then(|at| body.get(at + key.len()..at + key.len() + 24))
        .and_then(|id| id.try_into().ok())
        .context("the answer to a post shows no message id")
}
