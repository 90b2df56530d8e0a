//! The clients of a run: each one a session that asks one thing after another and notes what came of it.
//!
//! A request goes over a connection of its own, so that a session meets every gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::history::{Asked, Operation, Outcome, Recorder, Seen};

const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// Between two requests of a client, at the most.
const THINK_TIME_MAX: Duration = Duration::from_millis(40);
/// How long somebody goes on repeating a request whose fate he does not know, and how often.
const REPEAT_TIME_MAX: Duration = Duration::from_secs(60);
const REPEAT_EVERY: Duration = Duration::from_millis(100);
/// Messages on a page while the run goes on, and when a whole dialog is read.
const PAGE: usize = 50;
const WHOLE_PAGE: usize = 100;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) dialogs: Vec<String>,
    pub(crate) recorder: Recorder,
    pub(crate) begun: Instant,
    /// Told when they shall end.
    pub(crate) ending: AtomicBool,
}

/// Somebody with a session.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) number: usize,
    pub(crate) id: u64,
    pub(crate) token: String,
    http: Client,
    /// What he has done that was not visible yet, by dialog: pages must know of it.
    unseen: Vec<Option<String>>,
    /// The last message of his in each dialog and its version, while he knows both.
    own: Vec<Option<(String, u64)>>,
    chance: StdRng,
    messages: u64,
}

impl Person {
    pub(crate) fn new(number: usize, id: u64, token: &str, dialogs: usize) -> Result<Self> {
        Ok(Self {
            number,
            id,
            token: token.to_owned(),
            http: http()?,
            unseen: vec![None; dialogs],
            own: vec![None; dialogs],
            chance: StdRng::seed_from_u64(number as u64),
            messages: 0,
        })
    }

    /// Ask one thing after another until the end is told.
    pub(crate) async fn live(mut self, world: Arc<World>) -> Result<Self> {
        while !world.ending.load(Ordering::Relaxed) {
            let dialog = self.chance.random_range(0..world.dialogs.len());
            match self.chance.random_range(0..10) {
                0..4 => self.post(&world, dialog).await?,
                4 => self.edit(&world, dialog).await?,
                5..8 => self.list(&world, dialog).await?,
                8 if self.marks() => self.mark_all(&world, dialog).await?,
                _ => self.unread(&world, dialog).await?,
            }
            sleep(self.chance.random_range(Duration::ZERO..THINK_TIME_MAX)).await;
        }
        Ok(self)
    }

    /// Read every dialog whole, and count what is unread in it.
    pub(crate) async fn conclude(mut self, world: Arc<World>) -> Result<()> {
        for dialog in 0..world.dialogs.len() {
            self.read_whole(&world, dialog).await?;
            self.unread(&world, dialog).await?;
        }
        Ok(())
    }

    /// Every other person marks, so that the others' counts can be checked at any time.
    fn marks(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    async fn post(&mut self, world: &World, dialog: usize) -> Result<()> {
        self.messages += 1;
        // In the form of an id: a second, who, and a number.
        let message = format!("6{:07x}{:08x}{:08x}", 0, self.id, self.messages);
        let body = json!({
            "_id": message, "chat_dialog_id": world.dialogs[dialog], "message": text(&message, 0),
        });
        let asked = Asked::Post { dialog, message: message.clone() };
        let known = self.write(world, asked, (Method::POST, "chat/Message"), &body).await?;
        self.own[dialog] = known.then_some((message, 0));
        Ok(())
    }

    async fn edit(&mut self, world: &World, dialog: usize) -> Result<()> {
        let Some((message, version)) = self.own[dialog].take() else { return Ok(()) };
        let version = version + 1;
        let body = json!({ "chat_dialog_id": world.dialogs[dialog], "message": text(&message, version) });
        let asked = Asked::Edit { dialog, message: message.clone(), version };
        let path = format!("chat/Message/{message}");
        // One of unknown fate may still happen: what came after it would be undone.
        let known = self.write(world, asked, (Method::PUT, &path), &body).await?;
        self.own[dialog] = known.then_some((message, version));
        Ok(())
    }

    async fn mark_all(&mut self, world: &World, dialog: usize) -> Result<()> {
        let body = json!({ "chat_dialog_id": world.dialogs[dialog], "read": 1 });
        self.write(world, Asked::MarkAll { dialog }, (Method::PUT, "chat/Message"), &body).await?;
        Ok(())
    }

    /// Ask until the fate is known or it takes too long; each time is an operation. Is it done?
    async fn write(
        &mut self,
        world: &World,
        asked: Asked,
        (method, path): (Method, &str),
        body: &Value,
    ) -> Result<bool> {
        let key = format!("{}-{}", self.number, self.chance.random::<u64>());
        let (begun, dialog) = (Instant::now(), asked.dialog());
        loop {
            let request = self.request(world, dialog, method.clone(), path);
            let request = request.header("Idempotency-Key", &key).json(body);
            let start = world.now();
            let answer = answer(request).await;
            let outcome = outcome(&answer);
            let operation =
                Operation { client: self.number, start, end: world.now(), asked: asked.clone(), outcome };
            let (done, refused) = (operation.is_done(), matches!(operation.outcome, Outcome::Refused(_)));
            if operation.outcome == Outcome::DoneUnseen {
                self.unseen[dialog] = answer.and_then(|answer| answer.position);
            }
            world.recorder.record(operation)?;
            if done || refused || begun.elapsed() > REPEAT_TIME_MAX {
                return Ok(done);
            }
            sleep(REPEAT_EVERY).await;
        }
    }

    async fn list(&mut self, world: &World, dialog: usize) -> Result<()> {
        let marks = self.marks() && self.chance.random();
        let path = format!(
            "chat/Message?chat_dialog_id={}&sort_desc=date_sent&limit={PAGE}&mark_as_read={}",
            world.dialogs[dialog],
            u8::from(marks),
        );
        let start = world.now();
        let answer = answer(self.request(world, dialog, Method::GET, &path)).await;
        let mut seen = self.shown(answer.as_ref())?;
        seen.reverse();
        let asked = Asked::List { dialog, whole: false, marks, seen };
        world.recorder.record(Operation {
            client: self.number,
            start,
            end: world.now(),
            asked,
            outcome: outcome(&answer),
        })
    }

    /// Page by page, each until it is answered: nobody writes any more.
    async fn read_whole(&mut self, world: &World, dialog: usize) -> Result<()> {
        let start = world.now();
        let mut all = vec![];
        let mut repeat_until = Instant::now() + REPEAT_TIME_MAX;
        loop {
            let path = format!(
                "chat/Message?chat_dialog_id={}&sort_asc=date_sent&limit={WHOLE_PAGE}&skip={}&mark_as_read=0",
                world.dialogs[dialog],
                all.len(),
            );
            let answer = answer(self.request(world, dialog, Method::GET, &path)).await;
            if outcome(&answer) != Outcome::Done {
                let said = answer.map(|answer| (answer.status, answer.body));
                ensure!(Instant::now() < repeat_until, "a dialog cannot be read in the end: {said:?}");
                sleep(REPEAT_EVERY).await;
                continue;
            }
            repeat_until = Instant::now() + REPEAT_TIME_MAX;
            let page = self.shown(answer.as_ref())?;
            let full = page.len() == WHOLE_PAGE;
            all.extend(page);
            if !full {
                break;
            }
        }
        let asked = Asked::List { dialog, whole: true, marks: false, seen: all };
        let outcome = Outcome::Done;
        world.recorder.record(Operation { client: self.number, start, end: world.now(), asked, outcome })
    }

    async fn unread(&mut self, world: &World, dialog: usize) -> Result<()> {
        let id = &world.dialogs[dialog];
        let start = world.now();
        let path = format!("chat/Message/unread?chat_dialog_ids={id}");
        let answer = answer(self.request(world, dialog, Method::GET, &path)).await;
        let outcome = outcome(&answer);
        let count = answer.as_ref().and_then(|answer| answer.body[id].as_u64()).unwrap_or(0);
        let asked = Asked::Unread { dialog, count };
        world.recorder.record(Operation { client: self.number, start, end: world.now(), asked, outcome })
    }

    /// A request about a dialog, which has to know what the answer of an earlier one called not visible yet.
    fn request(&self, world: &World, dialog: usize, method: Method, path: &str) -> RequestBuilder {
        let request =
            self.http.request(method, format!("{}/{path}", world.url)).header("CB-Token", &self.token);
        match &self.unseen[dialog] {
            Some(position) => request.header("Min-Log-Position", position),
            None => request,
        }
    }

    fn shown(&self, answer: Option<&Answer>) -> Result<Vec<Seen>> {
        let Some(answer) = answer.filter(|answer| answer.status == 200) else { return Ok(vec![]) };
        let items = answer.body["items"].as_array().context("a page has items")?;
        let item = |item: &Value| {
            let message = item["_id"].as_str().unwrap_or_default().to_owned();
            let version = item["message"].as_str().and_then(|shown| version(&message, shown));
            let read = item["read_ids"].as_array().is_some_and(|ids| ids.contains(&json!(self.id)));
            Seen { message, version, read }
        };
        Ok(items.iter().map(item).collect())
    }
}

impl World {
    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// An answer, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    unseen: bool,
    position: Option<String>,
}

/// A client that opens a connection for each request.
pub(crate) fn http() -> Result<Client> {
    Ok(Client::builder().timeout(ANSWER_TIME_MAX).pool_max_idle_per_host(0).no_proxy().build()?)
}

/// The answer; nothing, if there is none.
pub(crate) async fn answer(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (unseen, position) = (header("log-visible").as_deref() == Some("0"), header("log-position"));
    let status = response.status().as_u16();
    let body = response.bytes().await.ok()?;
    // Refusals of a balancer have none.
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Answer { status, body, unseen, position })
}

fn outcome(answer: &Option<Answer>) -> Outcome {
    match answer {
        None => Outcome::Unknown(0),
        Some(answer) if (200..300).contains(&answer.status) => {
            if answer.unseen {
                Outcome::DoneUnseen
            } else {
                Outcome::Done
            }
        }
        Some(answer) if (400..500).contains(&answer.status) => Outcome::Refused(answer.status),
        Some(answer) => Outcome::Unknown(answer.status),
    }
}

/// A text that tells whose it is and which.
fn text(message: &str, version: u64) -> String {
    format!("{message} version {version}")
}

fn version(message: &str, shown: &str) -> Option<u64> {
    shown.strip_prefix(message)?.strip_prefix(" version ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{text, version};

    #[test]
    fn a_text_tells_its_version() {
        assert_eq!(version("a", &text("a", 3)), Some(3));
        assert_eq!(version("b", &text("a", 3)), None);
        assert_eq!(version("a", "a version"), None);
    }
}
