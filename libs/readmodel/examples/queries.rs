//! How fast queries answer, and whether that grows with a history: medians in microseconds,
//! with the hop to the reading thread and its transaction; the first line is the hop alone.
//!
//! `cargo run --release -p readmodel --features testing --example queries [messages [dialogs]]`
//!
//! With the address of a database as a third argument, from PostgreSQL: a schema of its own,
//! which goes afterwards. Then the first line says how many pages of 50 a second are answered
//! over several connections, and with the path of pgbench as a fourth one, the second line how
//! many pgbench gets of the same statement.

#![expect(clippy::print_stdout, reason = "a measurement prints")]
#![expect(clippy::unwrap_used, reason = "a measurement may stop at anything unexpected")]

use std::time::{Duration, Instant};

use domain::content::{Content, DialogContent, MessageContent, Text};
use domain::event::{Event, Kind, Mark, Marked, MessageRef, Range, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};
use readmodel::queries::{By, DialogCondition, Listing, Order, Page, Queries, Settings, Test};
use readmodel::sqlite::Store;
use readmodel::testing::Feeder;

/// Occupants of a dialog.
const OCCUPANTS: u64 = 10;
/// Dialogs of the one who lists them.
const LISTED: usize = 10_000;
/// One in so many of them has something that he has not read.
const UNREAD: u64 = 10;
/// Events folded at once.
const BATCH: usize = 4_000;
/// Connections to PostgreSQL.
const CONNECTIONS: usize = 4;
/// How long pages are asked for.
const RATE_TIME: Duration = Duration::from_secs(5);
/// Times that a query is asked.
const TIMES: usize = 400;

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn dialog(number: u64) -> DialogId {
    DialogId::from_parts(u32::MAX, number.to_be_bytes())
}

fn message(sequence: u64) -> MessageRef {
    MessageRef { sequence: Sequence(sequence), id: MessageId::from_parts(7, sequence.to_be_bytes()) }
}

/// Where the rows go.
enum Rows {
    Embedded(Store),
    Postgres(Box<readmodel::postgres::Store>, tokio::runtime::Runtime),
}

/// Folds events in batches.
struct Fold {
    store: Rows,
    feeder: Feeder,
    waiting: Vec<Record>,
    now: u64,
}

impl Fold {
    fn event(&mut self, dialog: DialogId, actor: u64, event: Event) {
        self.now += 1;
        self.waiting.push(Record {
            id: [0; 16],
            command: CommandId([0; 16]),
            application: ApplicationId::new(1).unwrap(),
            stream: Stream::Dialog(dialog),
            actor: UserId::new(actor),
            at: Time(self.now),
            event,
        });
        if self.waiting.len() >= BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let batch = self.feeder.batch(std::mem::take(&mut self.waiting));
        match &mut self.store {
            Rows::Embedded(store) => store.apply(&batch).unwrap(),
            Rows::Postgres(store, runtime) => runtime.block_on(store.apply(&batch)).unwrap(),
        }
    }

    fn create(&mut self, dialog: DialogId, occupants: Vec<UserId>) {
        let content =
            DialogContent { name: Some(Text::stored("lobby".to_owned())), ..DialogContent::default() };
        let event = Event::DialogCreated {
            kind: Kind::Group,
            owner: occupants[0],
            occupants,
            admins: vec![],
            permissions: None,
            content: Content::Known(content),
        };
        self.event(dialog, 1, event);
    }

    fn post(&mut self, dialog: DialogId, sequence: u64) {
        let text = Text::stored("Good morning, everybody; shall we begin?".to_owned());
        let event = Event::MessagePosted {
            message: message(sequence),
            recipient: None,
            date_sent: self.now / 1000,
            send_to_chat: true,
            markable: false,
            silent: false,
            content: Content::Known(MessageContent { text: Some(text), ..MessageContent::default() }),
        };
        self.event(dialog, 1, event);
    }

    /// One message in ten, once all are there.
    fn remove(&mut self, dialog: DialogId, head: u64) {
        for sequence in (3..=head).step_by(10) {
            self.event(dialog, 1, Event::MessagesRemoved { messages: vec![message(sequence)] });
        }
    }

    /// User 2 has read a tenth, then every other message by itself, and hides one in a hundred.
    fn mark(&mut self, dialog: DialogId, head: u64) {
        let run = Range { first: Sequence(1), last: Sequence(head / 10) };
        let marked = Marked::Listed(vec![run]);
        self.event(dialog, 2, Event::MessagesMarked { mark: Mark::Read, marked });
        for sequence in (head / 10 + 2..=head).step_by(2) {
            let marked = Marked::Named(vec![message(sequence)]);
            self.event(dialog, 2, Event::MessagesMarked { mark: Mark::Read, marked });
        }
        for sequence in (5..=head).step_by(100) {
            self.event(dialog, 2, Event::MessagesHidden { messages: vec![message(sequence)] });
        }
    }

    fn history(&mut self, dialog: DialogId, head: u64, removed_last: bool) {
        self.create(dialog, (1..=OCCUPANTS).map(user).collect());
        (1..=head).for_each(|sequence| self.post(dialog, sequence));
        if removed_last {
            self.mark(dialog, head);
            self.remove(dialog, head);
        } else {
            self.remove(dialog, head);
            self.mark(dialog, head);
        }
        self.flush();
    }
}

struct Asked {
    queries: Queries,
    runtime: tokio::runtime::Runtime,
}

impl Asked {
    /// The times of answers, the shortest first.
    fn times<T>(&self, question: impl AsyncFn(&Queries) -> T) -> Vec<Duration> {
        let mut times: Vec<_> = (0..TIMES)
            .map(|_| {
                let start = Instant::now();
                self.runtime.block_on(question(&self.queries));
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times
    }

    /// Newest pages of 50 over several connections at once, on one thread.
    fn print_rate(&self, dialog: DialogId) {
        let page = Page { skip: 0, limit: 50, order: Order::NewestFirst };
        let start = Instant::now();
        let ask = async || {
            let mut answered = 0_u32;
            while start.elapsed() < RATE_TIME {
                self.queries.history(user(3), dialog, page).await.unwrap().unwrap();
                answered += 1;
            }
            answered
        };
        let all = async { tokio::join!(ask(), ask(), ask(), ask()) };
        let (a, b, c, d) = self.runtime.block_on(all);
        let rate = f64::from(a + b + c + d) / start.elapsed().as_secs_f64();
        println!("{rate:>9.0}  newest pages of 50 a second over {CONNECTIONS} connections");
    }

    fn print<T>(&self, name: &str, question: impl AsyncFn(&Queries) -> T) {
        println!("{:>9.1}  {name}", self.times(question)[TIMES / 2].as_secs_f64() * 1e6);
    }

    /// With the time that one in a hundred takes longer than.
    fn print_both<T>(&self, name: &str, question: impl AsyncFn(&Queries) -> T) {
        let times = self.times(question);
        let [median, slow] = [TIMES / 2, TIMES * 99 / 100].map(|place| times[place].as_secs_f64() * 1e6);
        println!("{median:>9.1}  {name} (p99 {slow:.1})");
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let number = |index: usize, usual| arguments.get(index).map_or(usual, |text| text.parse().unwrap());
    let (head, dialogs) = (number(0, 1_000_000), number(1, 200_000));
    match arguments.get(2) {
        None => embedded(head, dialogs),
        Some(url) => postgres(url, (head, dialogs), arguments.get(3)),
    }
}

fn embedded(head: u64, dialogs: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("readmodel.db");
    let Rows::Embedded(store) = fill(Rows::Embedded(Store::open_or_create(&path).unwrap()), head, dialogs)
    else {
        return;
    };
    store.close().unwrap();
    let settings = Settings { threads: 1, ..Settings::default() };
    let queries = Queries::open(&path, settings, 1_000).unwrap();
    let asked = Asked { queries, runtime: tokio::runtime::Builder::new_current_thread().build().unwrap() };
    measure(&asked, head, dialogs);
}

fn postgres(url: &str, (head, dialogs): (u64, u64), pgbench: Option<&String>) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = readmodel::postgres::Settings {
        schema: "queries".to_owned(),
        ..readmodel::postgres::Settings::new(url)
    };
    let writing = runtime();
    let pool = writing.block_on(readmodel::postgres::connect(&place)).unwrap();
    let store = Box::new(readmodel::postgres::Store::new(pool.clone()));
    fill(Rows::Postgres(store, writing), head, dialogs);
    let runtime = runtime();
    let queries = {
        let _within = runtime.enter();
        Queries::postgres(&place, Settings { threads: CONNECTIONS, queue_max: 64 }, 1_000).unwrap()
    };
    let asked = Asked { queries, runtime };
    asked.print_rate(dialog(1));
    if let Some(pgbench) = pgbench {
        println!("{:>9}  the same statement through pgbench", rate_of(pgbench, &place, dialog(1)));
    }
    measure(&asked, head, dialogs);
    asked.runtime.block_on(pool.discard()).unwrap();
}

/// What pgbench says of the statement of a newest page of 50.
fn rate_of(pgbench: &str, place: &readmodel::postgres::Settings, dialog: DialogId) -> String {
    let page = Page { skip: 0, limit: 50, order: Order::NewestFirst };
    let (options, statement) = Queries::page_statement(place, (user(3), dialog), (page, 1_000)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("page.sql");
    std::fs::write(&script, statement.replace('\n', " ") + ";\n").unwrap();
    let seconds = RATE_TIME.as_secs().to_string();
    let output = std::process::Command::new(pgbench)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=1", "--time", &seconds])
        .arg(format!("--client={CONNECTIONS}"))
        .arg("--file")
        .args([script.as_os_str(), place.url.as_ref()])
        .env("PGOPTIONS", options)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    rate.map_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned(), str::to_owned)
}

fn measure(asked: &Asked, head: u64, dialogs: u64) {
    asked.print("the hop alone", async |queries| queries.checkpoints().await.unwrap());
    for (name, of, head) in [("100", 1, 100), ("all, removed first", 2, head), ("all, removed last", 3, head)]
    {
        measure_history(asked, name, dialog(of), head);
    }
    measure_lists(asked, dialogs);
}

fn measure_lists(asked: &Asked, dialogs: u64) {
    let lister = user(1_000_000);
    let listing =
        |conditions| Listing { conditions, by: By::LastSent, order: Order::NewestFirst, skip: 0, limit: 100 };
    let kinds = || DialogCondition::Kind(Test::In(vec![2, 3]));
    let changed = DialogCondition::UpdatedAt(Test::Above(1_700_000_000));
    let named = || DialogCondition::Name { name: Test::Contains("obb".to_owned()), opponents: vec![] };
    let one = DialogCondition::Id(Test::In(vec![dialog(1_000).to_string()]));
    for (name, asked_for) in [
        ("the usual order", listing(vec![])),
        ("one", Listing { limit: 1, ..listing(vec![]) }),
        ("far behind", Listing { skip: LISTED as u64 - 100, ..listing(vec![]) }),
        ("by creation", Listing { by: By::CreatedAt, order: Order::OldestFirst, ..listing(vec![]) }),
        ("of two kinds, changed since", listing(vec![kinds(), changed])),
        ("whose name holds a text", listing(vec![named()])),
        ("by its id", listing(vec![one])),
    ] {
        asked.print_both(&format!("dialogs: {name}, of {LISTED} among {dialogs}"), async |queries| {
            queries.dialogs(lister, asked_for.clone()).await.unwrap()
        });
    }
    asked.print_both("dialogs_count", async |queries| queries.dialogs_count(lister, vec![]).await.unwrap());
    for (name, reader) in [("nothing read", 1_000_000), ("nearly all read", 1_000_001)] {
        asked.print_both(&format!("unread over {LISTED} dialogs, {name}"), async |queries| {
            queries.unread(user(reader), None).await.unwrap()
        });
    }
}

fn measure_history(asked: &Asked, name: &str, dialog: DialogId, head: u64) {
    let viewer = user(2);
    asked.print(&format!("unread of {name}"), async |queries| {
        queries.unread(viewer, Some(vec![dialog])).await.unwrap()
    });
    asked.print(&format!("role in {name}"), async |queries| queries.role(viewer, dialog).await.unwrap());
    asked.print(&format!("dialog of {name}"), async |queries| queries.dialog(viewer, dialog).await.unwrap());
    for (who, skip) in [(2, 0), (2, head / 2), (3, 0), (3, head / 2)] {
        let page = Page { skip, limit: 50, order: Order::OldestFirst };
        asked.print(&format!("page of 50 of {name}, skip {skip}, user {who}"), async |queries| {
            queries.history(user(who), dialog, page).await.unwrap().unwrap()
        });
    }
    asked.print(&format!("history_count of {name}"), async |queries| {
        queries.history_count(viewer, dialog).await.unwrap()
    });
}

/// Dialogs 1 to 3 have the histories that are compared; the others a message each, and
/// every so many of them the one who lists.
fn fill(store: Rows, head: u64, dialogs: u64) -> Rows {
    let start = Instant::now();
    let mut fold = Fold { store, feeder: Feeder::new(1), waiting: vec![], now: 1_700_000_000_000 };
    fold.history(dialog(1), 100, false);
    fold.history(dialog(2), head, false);
    fold.history(dialog(3), head, true);
    let every = (dialogs / LISTED as u64).max(1);
    for number in 0..dialogs {
        let id = dialog(1_000 + number);
        let mut occupants: Vec<_> =
            (0..OCCUPANTS).map(|other| user(10 + number * 7 % 50_000 + other)).collect();
        if number % every == 0 {
            occupants.extend([user(1_000_000), user(1_000_001)]);
        }
        let listed = occupants.len() as u64 > OCCUPANTS;
        fold.create(id, occupants);
        (1..=5).for_each(|sequence| fold.post(id, sequence));
        if listed && !(number / every).is_multiple_of(UNREAD) {
            let marked = Marked::Listed(vec![Range { first: Sequence(1), last: Sequence(5) }]);
            fold.event(id, 1_000_001, Event::MessagesMarked { mark: Mark::Read, marked });
        }
    }
    fold.flush();
    println!("filled in {:.0} s", start.elapsed().as_secs_f64());
    fold.store
}
