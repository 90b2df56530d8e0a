//! People who post all the time, while something happens to the chat.
//!
//! Each posts into a dialog of his own, one message after the other, and asks again under the
//! same `_id` until he is answered: so what he was told is what the dialog has to hold.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::api::{Answer, Api};
use crate::person::Person;

/// How long everybody gets on so far; what hangs fails instead of hanging the tests.
const GOES_ON_MAX: Duration = Duration::from_secs(60);
/// Messages of each after which it is sure that he gets on.
const ENOUGH: usize = 3;
/// Between two messages, and before asking again.
const PAUSE: Duration = Duration::from_millis(10);
const PAUSE_AGAIN: Duration = Duration::from_millis(100);

/// The load, until it is ended.
#[derive(Debug)]
pub struct Load {
    posters: JoinSet<Story>,
    posted: Vec<watch::Receiver<usize>>,
    stop: watch::Sender<bool>,
}

/// What somebody met who posted all the time.
#[derive(Debug)]
pub struct Story {
    /// Who.
    pub person: Person,
    /// Where.
    pub dialog: String,
    /// The texts of which he was told that they were posted, in their order: all that he posted.
    pub posted: Vec<String>,
    /// The answers of 500 and more that he got before.
    pub refused: Vec<Answer>,
    /// How often a connection broke instead of an answer.
    pub broken: usize,
}

impl Load {
    /// Let each of these people post into that dialog, at the gateways in turn: a request that
    /// fails is sent to the next one.
    pub fn of(people: Vec<(Person, String)>, gateways: &[Api]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (mut posters, mut posted) = (JoinSet::new(), vec![]);
        for (number, (person, dialog)) in people.into_iter().enumerate() {
            let (count, counted) = watch::channel(0);
            posted.push(counted);
            let mut gateways = gateways.to_vec();
            let turn = number % gateways.len();
            gateways.rotate_left(turn);
            let story = Story { person, dialog, posted: vec![], refused: vec![], broken: 0 };
            posters.spawn(story.go_on(number, gateways, (count, stopped.clone())));
        }
        Self { posters, posted, stop }
    }

    /// Wait until everybody has posted a few more.
    pub async fn goes_on(&mut self) {
        for posted in &mut self.posted {
            let enough = *posted.borrow() + ENOUGH;
            let goes_on = timeout(GOES_ON_MAX, posted.wait_for(|posted| *posted >= enough)).await;
            goes_on.expect("everybody gets on in time").expect("he posts until he is told to stop");
        }
    }

    /// Let everybody finish what he is about, and hear what they met.
    pub async fn end(self) -> Vec<Story> {
        self.stop.send_replace(true);
        self.posters.join_all().await
    }
}

impl Story {
    async fn go_on(
        mut self,
        number: usize,
        gateways: Vec<Api>,
        (count, stopped): (watch::Sender<usize>, watch::Receiver<bool>),
    ) -> Self {
        let mut gateways = gateways.iter().cycle();
        while !*stopped.borrow() {
            let text = format!("{number}.{}", self.posted.len());
            let id = format!("f{number:07x}{:016x}", self.posted.len());
            let body = json!({ "_id": id, "chat_dialog_id": self.dialog, "message": text });
            let mut there = self.person.at(gateways.next().expect("there is a gateway"));
            loop {
                match Answer::try_to(there.request(reqwest::Method::POST, "chat/Message").json(&body)).await {
                    Ok(answer) if answer.status < 500 => {
                        assert_eq!(answer.is(201).json()["_id"], json!(id));
                        break;
                    }
                    Ok(answer) => self.refused.push(answer),
                    Err(_) => self.broken += 1,
                }
                there = self.person.at(gateways.next().expect("there is a gateway"));
                sleep(PAUSE_AGAIN).await;
            }
            self.posted.push(text);
            count.send_replace(self.posted.len());
            sleep(PAUSE).await;
        }
        self
    }

    /// The dialog holds what he was told, once and in order, and he was refused by nothing but
    /// 503 with `Retry-After`.
    pub async fn holds(&self, api: &Api) {
        for refused in &self.refused {
            let why = refused.text();
            assert_eq!((refused.status, refused.header("Retry-After").is_empty()), (503, false), "{why}");
        }
        assert_eq!(self.person.at(api).texts(&self.dialog).await, self.posted);
    }
}
