//! A run: a new cluster, clients, one fault after another, and the judge at the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::balance::balance;
use crate::check::check;
use crate::client::{Person, World, answer, http};
use crate::cluster::{Cluster, New};
use crate::faults::{Fault, Guard, Ways};
use crate::history::Recorder;
use crate::layout::{APPLICATION, Layout, local};
use crate::report::{Report, Stretch};

/// How long a dialog may be without a write once a fault is over.
const RECOVERY_TIME_MAX: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
const PEOPLE: usize = 6;
const DIALOGS: usize = 8;
const PARTITIONS: u32 = 4;
/// Signing up waits for nothing else, but everything has just started.
const TRIES: usize = 100;

/// What a run is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program.
    pub hansard: PathBuf,
    /// A folder for a new cluster and the history.
    pub folder: PathBuf,
    /// A single process on embedded stores instead of a cluster.
    pub alone: bool,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How long nothing goes wrong before the first fault and after each.
    pub calm: Duration,
}

/// Do it all. The cluster is gone when this ends.
///
/// # Errors
///
/// The cluster cannot be started, or does not recover; what is wrong with its answers is in the report.
pub async fn run(plan: &Plan) -> Result<Report> {
    let (mut cluster, gateways);
    if plan.alone {
        cluster = Cluster::alone(&plan.folder, &plan.hansard, PARTITIONS)?;
        gateways = vec![cluster.layout.address()];
    } else {
        cluster =
            Cluster::at(&plan.folder, &plan.hansard, New { partitions: PARTITIONS, port: None }).await?;
        gateways = cluster.layout.gateways();
    }
    let guard = Guard::over(cluster.folder())?;
    let ways = if plan.alone { Ways::default() } else { Ways::lay(&mut cluster).await? };
    cluster.up().await?;
    let listener = TcpListener::bind(local(0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut balancing = JoinSet::new();
    balancing.spawn(balance(listener, gateways));
    let report = observe(plan, &cluster, &ways, &url).await?;
    cluster.down().await?;
    drop(guard);
    Ok(report)
}

async fn observe(plan: &Plan, cluster: &Cluster, ways: &Ways, url: &str) -> Result<Report> {
    let (people, dialogs) = settle(url, &cluster.layout).await?;
    let recorder = Recorder::to(&history_file(cluster.folder()))?;
    let (begun, ending) = (Instant::now(), AtomicBool::new(false));
    let world = Arc::new(World { url: url.to_owned(), dialogs, recorder, begun, ending });
    let mut living = JoinSet::new();
    for person in people {
        living.spawn(person.live(Arc::clone(&world)));
    }
    let mut stretches = vec![];
    stretches.push(stretch("nothing", &world, plan.calm, async { Ok(()) }).await?);
    for fault in &plan.faults {
        let happening = fault.happen(cluster, ways);
        let happened = stretch(&fault.to_string(), &world, plan.calm, happening).await;
        stretches.push(happened.with_context(|| format!("after: {fault}"))?);
    }
    world.ending.store(true, Ordering::Relaxed);
    let mut concluding = JoinSet::new();
    let mut people = vec![];
    while let Some(person) = living.join_next().await {
        people.push(person??);
    }
    // All have ended: what is read now stays so.
    for person in people {
        concluding.spawn(person.conclude(Arc::clone(&world)));
    }
    while let Some(concluded) = concluding.join_next().await {
        concluded??;
    }
    let world = Arc::into_inner(world).context("a client has not ended")?;
    let operations = world.recorder.finish()?;
    let violations = check(&operations);
    Ok(Report { stretches, operations, violations })
}

/// Let something happen, wait until every dialog takes writes again, and for a while of calm.
async fn stretch(
    name: &str,
    world: &World,
    calm: Duration,
    happening: impl Future<Output = Result<()>>,
) -> Result<Stretch> {
    let start = world.now();
    happening.await?;
    let (over, waiting) = (world.now(), Instant::now());
    loop {
        let latest = world.recorder.latest_writes();
        let all = (0..world.dialogs.len()).all(|dialog| latest.get(&dialog).is_some_and(|end| *end > over));
        if all {
            break;
        }
        ensure!(
            waiting.elapsed() < RECOVERY_TIME_MAX,
            "some dialog takes no writes: {latest:?}, over at {over}"
        );
        sleep(LOOK).await;
    }
    sleep(calm).await;
    Ok(Stretch { name: name.to_owned(), start, end: world.now() })
}

/// Sign everybody up and let one create the dialogs, all with everybody in them.
async fn settle(url: &str, layout: &Layout) -> Result<(Vec<Person>, Vec<String>)> {
    let http = http()?;
    let mut people = vec![];
    for number in 0..PEOPLE {
        let (login, password) = (format!("person-{number}"), "correct horse battery");
        let user = json!({ "user": { "login": login, "password": password, "full_name": login } });
        let headers = [("CB-AuthKey", layout.auth_key.as_str())];
        call(&http, &format!("{url}/users"), &headers, &user).await?;
        let user = json!({ "login": login, "password": password });
        let body = json!({ "application_id": APPLICATION, "auth_key": layout.auth_key, "user": user });
        let session = call(&http, &format!("{url}/session"), &[], &body).await?;
        let id = session["session"]["user_id"].as_u64().context("a session has a user")?;
        let token = session["session"]["token"].as_str().context("a session has a token")?;
        people.push(Person::new(number, id, token, DIALOGS)?);
    }
    let occupants = people.iter().map(|person| person.id).collect::<Vec<_>>();
    let mut dialogs = vec![];
    for number in 0..DIALOGS {
        let dialog = json!({ "type": 2, "name": format!("dialog {number}"), "occupants_ids": occupants });
        let key = format!("dialog-{number}");
        let headers = [("CB-Token", people[0].token.as_str()), ("Idempotency-Key", key.as_str())];
        let made = call(&http, &format!("{url}/chat/Dialog"), &headers, &dialog).await?;
        dialogs.push(made["_id"].as_str().context("a dialog has an id")?.to_owned());
    }
    Ok((people, dialogs))
}

/// `POST` until it is done.
async fn call(http: &Client, url: &str, headers: &[(&str, &str)], body: &Value) -> Result<Value> {
    let mut said = None;
    for _ in 0..TRIES {
        let mut request = http.request(Method::POST, url).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match answer(request).await {
            Some(answer) if answer.status < 300 => return Ok(answer.body),
            other => said = other,
        }
        sleep(LOOK).await;
    }
    anyhow::bail!("POST {url} is not done: {said:?}")
}

/// Where a run's history is.
pub fn history_file(folder: &Path) -> PathBuf {
    folder.join("history.jsonl")
}
