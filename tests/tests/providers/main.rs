//! Identities that a team has already: a provider of its own, tokens of an issuer, and the
//! webhook that sends a forgotten password's mail. Each outside is a server of the test.

mod provider;
mod resets;
mod tokens;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api};

const APPLICATION: u64 = 7;
const AUTH_KEY: &str = "k-4d1f0c2b9a8e7f60";

/// The answer to whoever opens a session; of the application's own without a user.
async fn open_session(api: &Api, user: Option<Value>) -> Answer {
    let mut body = json!({ "application_id": APPLICATION, "auth_key": AUTH_KEY });
    if let Some(user) = user {
        body["user"] = user;
    }
    Answer::to(api.request(Method::POST, "session").json(&body)).await
}

/// A call with that token.
async fn call(api: &Api, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = api.request(method, path).header("CB-Token", token);
    Answer::to(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn get(api: &Api, token: &str, path: &str) -> Answer {
    call(api, token, Method::GET, path, None).await
}

fn token_of(session: &Value) -> &str {
    session["session"]["token"].as_str().expect("a session has a token")
}

fn user_of(session: &Value) -> u64 {
    session["session"]["user_id"].as_u64().expect("a session has a user")
}
