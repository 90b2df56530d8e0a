//! The few calls that set a scene up, one after another, each of which must succeed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::http::{Connection, request};
use crate::server::{APPLICATION, AUTH_KEY};

/// What everybody's password is.
pub(crate) const PASSWORD: &str = "a long enough password";
/// A connection that rested longer is not trusted to live still.
const REST_MAX: Duration = Duration::from_secs(5);

/// A user with a session.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// The user's id.
    pub(crate) id: u64,
    /// A session of his.
    pub(crate) token: String,
}

/// A connection for calls whose time does not count.
///
/// It may rest for minutes while loads are driven, longer than a server keeps a silent connection: it then takes a
/// new one.
#[derive(Debug)]
pub(crate) struct Client {
    runtime: Runtime,
    address: SocketAddr,
    connection: Connection,
    used: Instant,
}

impl Client {
    /// Connect.
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(Connection::open(address))?;
        Ok(Self { runtime, address, connection, used: Instant::now() })
    }

    /// The status of the answer to a GET of `path` without a session; none if there is no answer.
    pub(crate) fn status(&mut self, path: &str) -> Option<u16> {
        let answer = self.runtime.block_on(self.connection.call(&request("GET", path, "", "")));
        answer.ok().map(|answer| answer.status)
    }

    /// The body of the answer to one call.
    ///
    /// # Errors
    ///
    /// Any status but 2xx; the message shows the answer.
    pub(crate) fn text(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> anyhow::Result<String> {
        let request = request(method, path, token, body);
        if self.used.elapsed() > REST_MAX {
            self.connection = self.runtime.block_on(Connection::open(self.address))?;
        }
        self.used = Instant::now();
        let answer = self.runtime.block_on(self.connection.call(&request))?;
        let text = String::from_utf8_lossy(answer.body).into_owned();
        ensure!((200..300).contains(&answer.status), "{method} {path}: status {}: {text}", answer.status);
        Ok(text)
    }

    /// The same, as JSON.
    ///
    /// # Errors
    ///
    /// As for [`Client::text`], or the answer is not JSON.
    pub(crate) fn json(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let text = self.text(method, path, token, &body)?;
        serde_json::from_str(&text).with_context(|| format!("{method} {path}: not JSON: {text}"))
    }

    /// Sign `count` users up, each with a session.
    ///
    /// # Errors
    ///
    /// As for [`Client::json`].
    pub(crate) fn users(&mut self, count: usize) -> anyhow::Result<Vec<User>> {
        let application = json!({"application_id": APPLICATION, "auth_key": AUTH_KEY});
        let session = self.json("POST", "/session", "", &application)?;
        let application_token = session["session"]["token"].as_str().context("no token")?.to_owned();
        let mut users = Vec::with_capacity(count);
        for number in 0..count {
            let login = format!("member{number}");
            let user = json!({"login": login, "password": PASSWORD, "full_name": format!("Member {number}")});
            self.json("POST", "/users", &application_token, &json!({"user": user}))?;
            let mut body = application.clone();
            body["user"] = json!({"login": login, "password": PASSWORD});
            let session = self.json("POST", "/session", "", &body)?;
            let session = &session["session"];
            users.push(User {
                id: session["user_id"].as_u64().context("no user id")?,
                token: session["token"].as_str().context("no token")?.to_owned(),
            });
        }
        Ok(users)
    }

    /// Make a group of these users, whom the first creates. Gives its id.
    ///
    /// # Errors
    ///
    /// As for [`Client::json`].
    pub(crate) fn group(&mut self, name: &str, users: &[User]) -> anyhow::Result<String> {
        let owner = users.first().context("a group needs somebody")?;
        let occupants: Vec<u64> = users.iter().map(|user| user.id).collect();
        let body = json!({"type": 2, "name": name, "occupants_ids": occupants});
        let dialog = self.json("POST", "/chat/Dialog", &owner.token, &body)?;
        Ok(dialog["_id"].as_str().context("a dialog without an id")?.to_owned())
    }

    /// How many messages `user` sees in `dialog`.
    ///
    /// # Errors
    ///
    /// As for [`Client::json`].
    pub(crate) fn messages_count(&mut self, dialog: &str, user: &User) -> anyhow::Result<u64> {
        let path = format!("/chat/Message?chat_dialog_id={dialog}&count=1");
        let answer = self.json("GET", &path, &user.token, &Value::Null)?;
        answer["items"]["count"].as_u64().context("a count without a number")
    }

    /// The sum of all series of the metric `name`; none if there is no such metric.
    ///
    /// # Errors
    ///
    /// As for [`Client::text`].
    pub(crate) fn metric(&mut self, name: &str) -> anyhow::Result<Option<f64>> {
        let text = self.text("GET", "/metrics", "", "")?;
        let series = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let values = series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        Ok(values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value)))
    }
}
