//! A hundred members who each read each of a thousand messages: what that leaves behind.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::trace::Trace;
use super::{Bench, CONNECTIONS};
use crate::client::{Client, User};
use crate::load::{Call, Work};
use crate::server::Server;
use crate::table::{Row, count};

const ENOUGH: Duration = Duration::from_secs(120);
const PAGE: usize = 100;

/// Read page by page, and one by one.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let data = bench.data("members");
    let server = bench.start(&data)?;
    let mut client = Client::open(server.address())?;
    let people = client.users(bench.scale.members)?;
    for by_page in [true, false] {
        let (dialog, ids) = written(bench, &server, &mut client, &people)?;
        let calls = match by_page {
            true => page_calls(&dialog, &people, ids.len()),
            false => message_calls(&dialog, &people, &ids),
        };
        let how = if by_page { "by pages of 100" } else { "one by one" };
        let before = Trace::take(&data, &mut client)?;
        let plan = bench.plan(&server, CONNECTIONS, Work::Each { calls }).with_time(millis(ENOUGH));
        let report = bench.load(&format!("members reading {how}"), &plan)?;
        let after = Trace::take(&data, &mut client)?;
        let what = format!("{} members read {} messages {how}", people.len(), ids.len());
        let figure = after.per_message(before, &data, ids.len())?;
        bench.table.add(Row::report(what, format!("{figure}, {}/s", count(report.rate()))));
    }
    server.stop()
}

/// A group of all, in which the first has written. Gives it and the messages' ids.
fn written(
    bench: &mut Bench,
    server: &Server,
    client: &mut Client,
    people: &[User],
) -> anyhow::Result<(String, Vec<String>)> {
    let dialog = client.group("members", people)?;
    let author = &people[0];
    let body = format!(r#"{{"chat_dialog_id":"{dialog}","message":"the honourable member has the floor"}}"#);
    let call = Call {
        method: "POST".to_owned(),
        path: "/chat/Message".to_owned(),
        token: author.token.clone(),
        body,
    };
    let calls = vec![call; bench.scale.members_messages];
    let plan = bench.plan(server, CONNECTIONS, Work::Each { calls }).with_time(millis(ENOUGH));
    bench.load("writing for the members", &plan)?;
    let mut ids = Vec::new();
    for skip in (0..bench.scale.members_messages).step_by(PAGE) {
        let path = format!("/chat/Message?chat_dialog_id={dialog}&limit={PAGE}&skip={skip}&mark_as_read=0");
        let page = client.json("GET", &path, &author.token, &Value::Null)?;
        for message in page["items"].as_array().context("a page without items")? {
            ids.push(message["_id"].as_str().context("a message without an id")?.to_owned());
        }
    }
    Ok((dialog, ids))
}

fn page_calls(dialog: &str, people: &[User], messages: usize) -> Vec<Call> {
    let mut calls = Vec::new();
    for skip in (0..messages).step_by(PAGE) {
        let path = format!("/chat/Message?chat_dialog_id={dialog}&limit={PAGE}&skip={skip}");
        calls.extend(people[1..].iter().map(|user| Call::get(path.clone(), &user.token)));
    }
    calls
}

fn message_calls(dialog: &str, people: &[User], ids: &[String]) -> Vec<Call> {
    let mut calls = Vec::new();
    for id in ids {
        calls.extend(people[1..].iter().map(|user| Call {
            method: "PUT".to_owned(),
            path: format!("/chat/Message/{id}"),
            token: user.token.clone(),
            body: format!(r#"{{"chat_dialog_id":"{dialog}","read":1}}"#),
        }));
    }
    calls
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
