//! A whole chat in process: identity and read models in a folder of their own, writers
//! without a log, and the front with every endpoint.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bus::{Capacity, Commands, Inbox, Progress, Signals};
use domain::command::Rules;
use domain::{ApplicationId, Limits, Time, UserId};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use identity::{HashCost, Identity, NewUser, Password, Salt, SignUp};
use readmodel::queries::{self, Queries};
use readmodel::search::{self, Search};
use readmodel::sqlite::Store;
use runtime::{Clock, Health, Ids, Tasks};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use super::writer::Weather;
use super::writer::{Office, Writer};
use crate::{
    Application, Edge, Front, Gate, Key, Keys, Observed, Parts, Protection, Rates, documenting, observing,
    router,
};

pub(crate) const START: Time = Time(1_700_000_000_000);
pub(crate) const EPOCH: [u8; 16] = [0xe0; 16];
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const AUTH_KEY: &str = "the-auth-key";
pub(crate) const AUTH_SECRET: &str = "the-auth-secret";

/// The chat. Ends when it is dropped.
pub(crate) struct Chat {
    pub(crate) front: Front,
    pub(crate) edge: Edge,
    pub(crate) health: Health,
    pub(crate) hands: runtime::Hands,
    office: Office,
    inboxes: Vec<Inbox>,
    _tasks: Tasks,
    _folder: TempDir,
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.inboxes.iter().for_each(Inbox::close);
    }
}

impl Chat {
    /// With one partition and the limits of every deployment.
    pub(crate) fn new() -> Self {
        Self::with(1, |_| {})
    }

    /// The application that it serves.
    pub(crate) fn application() -> Application {
        Application {
            id: ApplicationId::new(77).unwrap(),
            keys: Keys::new(vec![Key {
                auth_key: AUTH_KEY.to_owned().into(),
                auth_secret: AUTH_SECRET.to_owned().into(),
                until: None,
            }]),
            chat_domain: "chat.example".to_owned(),
            extension_keys: vec!["city".to_owned(), "mood".to_owned()],
            create_on_login: true,
            list_users: true,
        }
    }

    /// With that many partitions and other parts.
    pub(crate) fn with(partitions: u32, change: impl FnOnce(&mut Parts)) -> Self {
        Self::made(partitions, change, |_| {})
    }

    /// With one partition and other rules.
    pub(crate) fn ruled(change: impl FnOnce(&mut Rules)) -> Self {
        Self::made(1, |_| {}, change)
    }

    fn made(partitions: u32, change: impl FnOnce(&mut Parts), rule: impl FnOnce(&mut Rules)) -> Self {
        let folder = TempDir::new().unwrap();
        let (clock, hands) = Clock::manual(START);
        let mut parts = parts(&folder, clock, partitions);
        let store = Store::open_or_create(&folder.path().join("readmodel.db")).unwrap();
        change(&mut parts);
        let inboxes: Vec<_> = (0..partitions).map(|_| Inbox::new(Capacity { jobs: 1_000 })).collect();
        let router = Arc::new(move |dialog: domain::DialogId| {
            dialog.as_bytes().iter().map(|byte| u32::from(*byte)).sum::<u32>() % partitions
        });
        parts.commands = Commands::new(inboxes.clone(), router);
        let mut rules = Rules::within(&parts.limits);
        rule(&mut rules);
        let office = Office {
            weather: Arc::new(Mutex::new(Weather::Fine)),
            store: Arc::new(Mutex::new(store)),
            progress: parts.progress.clone(),
            clock: parts.clock.clone(),
            application: parts.application.id,
            epoch: EPOCH,
            rules,
        };
        let tasks = Tasks::new();
        for (partition, inbox) in (0..).zip(&inboxes) {
            tasks.spawn("writer", Writer::new(office.clone(), inbox.clone(), partition).run());
        }
        let (edge, health) = (Edge::new(parts).unwrap(), Health::new());
        let front = super::front(router_of(&edge, &health));
        Self { front, edge, health, hands, office, inboxes, _tasks: tasks, _folder: folder }
    }

    /// From now on the writers and projectors are like that.
    pub(crate) fn weather(&self, weather: Weather) {
        *self.office.weather.lock().unwrap() = weather;
    }

    /// A user of that login, with a session.
    pub(crate) async fn user(&self, login: &str) -> Person {
        let raw = SignUp {
            login: Some(login.to_owned()),
            password: Some(Password::new(PASSWORD)),
            full_name: Some(format!("{}{}", login[..1].to_uppercase(), &login[1..])),
            avatar: Some(format!("{login}.png")),
            ..SignUp::default()
        };
        let now = self.edge.clock.now();
        let user =
            self.edge.identity.sign_up(NewUser::parse(raw).unwrap(), Salt([9; 16]), now).await.unwrap();
        self.session(Some(user.id)).await
    }

    /// Several of them.
    pub(crate) async fn users<const N: usize>(&self, logins: [&str; N]) -> [Person; N] {
        let mut people = vec![];
        for login in logins {
            people.push(self.user(login).await);
        }
        people.try_into().unwrap_or_else(|_| unreachable!("one each"))
    }

    /// Somebody with a session of that user, or of the application's own.
    pub(crate) async fn session(&self, user: Option<UserId>) -> Person {
        let edge = &self.edge;
        let (token, now) = (edge.ids.random(), edge.clock.now());
        let session = edge.identity.open_session(token, edge.application.id, user, now).await.unwrap();
        let token = session.token.as_str().to_owned();
        Person {
            front: self.front.clone(),
            token,
            id: user.map_or(0, UserId::get),
            headers: HeaderMap::new(),
        }
    }

    /// Somebody with any token.
    pub(crate) fn stranger(&self, token: &str) -> Person {
        Person { front: self.front.clone(), token: token.to_owned(), id: 0, headers: HeaderMap::new() }
    }
}

fn router_of(edge: &Edge, health: &Health) -> axum::Router {
    let render_metrics = Arc::new(|| "up 1\n".to_owned());
    let observed = Observed { health: health.clone(), render_metrics };
    router(edge.clone()).merge(observing(observed)).merge(documenting().unwrap())
}

fn parts(folder: &TempDir, clock: Clock, partitions: u32) -> Parts {
    let settings = identity::Settings {
        hash_cost: HashCost { memory_kib: 8, iterations: 1, lanes: 1 },
        ..identity::Settings::default()
    };
    let limits = Limits::default();
    let path = folder.path().join("readmodel.db");
    drop(Store::open_or_create(&path).unwrap());
    let queries = Queries::open(&path, queries::Settings::default(), limits.receipts_max).unwrap();
    // Nobody folds an index here: messages as few as these are read.
    let index = search::Place::in_folder(folder.path());
    let search = Search::new(queries.clone(), &index, search::Settings::default()).unwrap();
    Parts {
        application: Chat::application(),
        limits,
        identity: Arc::new(Identity::open_embedded(&folder.path().join("identity.db"), &settings).unwrap()),
        remote: identity::remote::Remote::default(),
        queries,
        search: Some(search),
        commands: Commands::new(vec![], Arc::new(|_| 0)),
        progress: Progress::new(partitions),
        signals: Signals::here(),
        protection: Protection::new(&Rates::NONE, clock.clone()),
        clock,
        ids: Ids::seeded(7),
        private_dialog_key: [3; 32],
        epoch: EPOCH,
        visible_within: Duration::from_secs(30),
        gate: opened(),
    }
}

fn opened() -> Gate {
    let gate = Gate::default();
    gate.open();
    gate
}

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Person {
    front: Front,
    pub(crate) token: String,
    pub(crate) id: u64,
    headers: HeaderMap,
}

impl Person {
    /// The same one, who sends that header with every request.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut person = self.clone();
        person.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        person
    }

    /// The same one, who comes from there.
    pub(crate) fn at(&self, address: IpAddr) -> Self {
        Self { front: self.front.facing(address), ..self.clone() }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.send(Method::GET, uri, Body::empty()).await
    }

    pub(crate) async fn delete(&self, uri: &str) -> Answer {
        self.send(Method::DELETE, uri, Body::empty()).await
    }

    pub(crate) async fn post(&self, uri: &str, body: Value) -> Answer {
        self.send(Method::POST, uri, body.to_string()).await
    }

    pub(crate) async fn put(&self, uri: &str, body: Value) -> Answer {
        self.send(Method::PUT, uri, body.to_string()).await
    }

    /// Any request; a token of no length is not sent.
    pub(crate) async fn send(&self, method: Method, uri: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::new(body.into());
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().unwrap();
        request.headers_mut().extend(self.headers.clone());
        if !self.token.is_empty() {
            let token = HeaderValue::from_str(&self.token).unwrap();
            request.headers_mut().insert("cb-token", token);
        }
        let response = self.front.answer(request).await;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// A group with those others in it.
    pub(crate) async fn group(&self, others: &[&Person]) -> String {
        let ids: Vec<_> = others.iter().map(|person| person.id).collect();
        let made = self
            .post("/chat/Dialog", serde_json::json!({"type": 2, "name": "lobby", "occupants_ids": ids}))
            .await;
        made.field("_id")
    }

    /// A message in that dialog.
    pub(crate) async fn write(&self, dialog: &str, text: &str) -> String {
        let posted =
            self.post("/chat/Message", serde_json::json!({"chat_dialog_id": dialog, "message": text})).await;
        posted.field("_id")
    }

    /// The texts that he sees in that dialog, without marking them.
    pub(crate) async fn texts(&self, dialog: &str) -> Vec<String> {
        let page = self.get(&format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await.json();
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How much he has not read in that dialog.
    pub(crate) async fn unread(&self, dialog: &str) -> u64 {
        let unread = self.get(&format!("/chat/Message/unread?chat_dialog_ids={dialog}")).await;
        unread.json()[dialog].as_u64().unwrap()
    }
}

/// What came back. Shown as `201 {"a":1}`.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// A text of a successful answer.
    pub(crate) fn field(&self, name: &str) -> String {
        assert!(self.status < 300, "{self}");
        self.json()[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body on several lines.
    pub(crate) fn pretty(&self) -> String {
        format!("{} {:#}", self.status, self.json())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.body)
    }
}
