//! How fast a log is folded again: events a second of a mixture of 70 % posts, 20 % marks,
//! 5 % edits and deletions and 5 % membership. The events are made beforehand.
//!
//! `cargo run --release -p readmodel --features testing --example refold [events [dialogs [batch]]]`
//!
//! With the address of a database as a fourth argument, into PostgreSQL: a schema of its own,
//! which goes afterwards; and then how long a batch of one event takes.

#![expect(clippy::print_stdout, reason = "a measurement prints")]
#![expect(clippy::unwrap_used, reason = "a measurement may stop at anything unexpected")]

use std::time::Instant;

use domain::content::{Content, DialogContent, JsonText, MessageContent, Text};
use domain::event::{Event, Kind, Mark, Marked, MessageRef, Range, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};
use readmodel::postgres::{Fresh, Settings, connect};
use readmodel::sqlite::{Store, fold_beside};
use readmodel::testing::Feeder;

/// Occupants of each dialog at first; one more joins and leaves.
const OCCUPANTS: u64 = 10;

/// Chance without a crate: the same events each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A moment on the clock, and in this thread's own time where the system tells it: on a
/// shared machine the first lies.
struct Moment(Instant, Option<u64>);

impl Moment {
    fn now() -> Self {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let own = times.and_then(|times| times.split(' ').next()?.parse().ok());
        Self(Instant::now(), own)
    }

    fn rate(&self, events: usize) -> String {
        let now = Self::now();
        let rate = |nanoseconds: f64| events as f64 * 1e9 / nanoseconds;
        let clock = rate(now.0.duration_since(self.0).as_nanos() as f64);
        match (self.1, now.1) {
            (Some(before), Some(after)) => {
                format!("{clock:.0} events/s ({:.0} of the thread's own time)", rate((after - before) as f64))
            }
            _ => format!("{clock:.0} events/s"),
        }
    }
}

struct Place {
    dialog: DialogId,
    head: u64,
    removed: u64,
    guests: Vec<UserId>,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let number = |index: usize, usual| arguments.get(index).map_or(usual, |text| text.parse().unwrap());
    let (events, dialogs, batch) = (number(0, 500_000), number(1, 2_000), number(2, 4_000));
    let records = history(events, dialogs);
    match arguments.get(3) {
        None => embedded(records, dialogs, batch),
        Some(url) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(postgres(url, records, dialogs, batch));
        }
    }
}

/// Batches of one event each, at the end.
const SINGLE: usize = 2_000;

async fn postgres(url: &str, mut records: Vec<Record>, dialogs: usize, batch: usize) {
    let single = records.split_off(records.len() - SINGLE);
    let settings = Settings { schema: "refold".to_owned(), ..Settings::new(url) };
    let pool = connect(&settings).await.unwrap();
    let mut fresh = Fresh::make(&pool).await.unwrap();
    let mut feeder = Feeder::new(1);
    let batches: Vec<_> = records.chunks(batch).map(|records| feeder.batch(records.to_vec())).collect();
    let count = records.len();
    drop(records);
    let start = Moment::now();
    for batch in &batches {
        fresh.apply(batch).await.unwrap();
    }
    println!("{count} events in {dialogs} dialogs, batches of {batch}: {}", start.rate(count));
    fresh.switch().await.unwrap();
    let mut store = readmodel::postgres::Store::new(pool.clone());
    let mut times = vec![];
    for record in single {
        let batch = feeder.batch([record]);
        let start = Instant::now();
        store.apply(&batch).await.unwrap();
        times.push(start.elapsed().as_micros());
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100];
    println!("batches of one event: median {} µs, p90 {} µs, p99 {} µs", at(50), at(90), at(99));
    pool.discard().await.unwrap();
}

fn embedded(records: Vec<Record>, dialogs: usize, batch: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("readmodel.db");
    let mut feeder = Feeder::new(1);
    let batches: Vec<_> = records.chunks(batch).map(|records| feeder.batch(records.to_vec())).collect();
    drop(records);
    let count: usize = batches.iter().flatten().map(|applied| applied.records.len()).sum();
    let start = Moment::now();
    let mut store = Store::open_or_create(&path).unwrap();
    for batch in &batches {
        store.apply(batch).unwrap();
    }
    store.close().unwrap();
    let followed = start.rate(count);
    let size = std::fs::metadata(&path).unwrap().len() as f64 / count as f64;
    let start = Moment::now();
    fold_beside::<anyhow::Error>(&path, batches.into_iter().map(Ok)).unwrap();
    let rebuilt = start.rate(count);
    println!(
        "{count} events in {dialogs} dialogs, batches of {batch}: {followed} by the projector, \
         {rebuilt} by a rebuild, {size:.0} bytes an event"
    );
}

fn history(events: usize, dialogs: usize) -> Vec<Record> {
    let mut chance = Chance(7);
    let mut places: Vec<Place> = vec![];
    let mut records = vec![];
    for number in 0..dialogs as u64 {
        let dialog = DialogId::from_parts(1_700_000_000, (number + (1 << 40)).to_be_bytes());
        let occupants: Vec<_> = (0..OCCUPANTS).map(|n| user(number, n)).collect();
        let owner = occupants[0];
        let event = Event::DialogCreated {
            kind: Kind::Group,
            owner,
            occupants,
            admins: vec![],
            permissions: None,
            content: Content::Known(DialogContent::default()),
        };
        records.push(record(records.len(), dialog, owner, event));
        places.push(Place { dialog, head: 0, removed: 0, guests: vec![] });
    }
    while records.len() < events {
        let index = chance.below(dialogs as u64);
        let actor = user(index, chance.below(OCCUPANTS));
        let place = &mut places[index as usize];
        let (actor, event) = next(&mut chance, place, (index, actor), records.len());
        records.push(record(records.len(), place.dialog, actor, event));
    }
    records
}

fn next(chance: &mut Chance, place: &mut Place, (index, actor): (u64, UserId), n: usize) -> (UserId, Event) {
    match chance.below(100) {
        70..90 if place.head > 0 => {
            let first = place.head.saturating_sub(chance.below(20)).max(1);
            let range = Range { first: Sequence(first), last: Sequence(place.head) };
            let marked = Marked::Listed(vec![range]);
            (actor, Event::MessagesMarked { mark: Mark::Read, marked })
        }
        90..93 if place.head > 0 => {
            let content = Content::Known(Text::stored("another text of about the usual length".to_owned()));
            (actor, Event::MessageEdited { message: named(index, place.head), content })
        }
        93..95 if place.head > place.removed + 30 => {
            place.removed += 1 + chance.below(4);
            (actor, Event::MessagesRemoved { messages: vec![named(index, place.removed)] })
        }
        95..100 => match place.guests.pop() {
            Some(guest) => (guest, Event::OccupantLeft),
            None => {
                let guest = user(index, OCCUPANTS + chance.below(1_000));
                place.guests.push(guest);
                (actor, Event::OccupantsAdded { users: vec![guest] })
            }
        },
        _ => {
            place.head += 1;
            (actor, posted(named(index, place.head), n))
        }
    }
}

fn posted(message: MessageRef, n: usize) -> Event {
    let text = format!("message {n}: a text of about the length that people usually write in a chat");
    let custom = JsonText::stored("{\"mood\":\"fine\"}".to_owned());
    Event::MessagePosted {
        message,
        recipient: None,
        date_sent: 1_700_000_000 + n as u64 / 1_000,
        send_to_chat: true,
        markable: true,
        silent: false,
        content: Content::Known(MessageContent {
            text: Some(Text::stored(text)),
            custom: n.is_multiple_of(10).then_some(custom),
            ..MessageContent::default()
        }),
    }
}

/// Ids rise with time, as the server makes them.
fn named(index: u64, sequence: u64) -> MessageRef {
    let rest = (sequence << 32 | index).to_be_bytes();
    MessageRef { sequence: Sequence(sequence), id: MessageId::from_parts(1_700_000_000, rest) }
}

fn user(index: u64, n: u64) -> UserId {
    UserId::new(1 + (index * 7 + n * 13) % 20_000).unwrap()
}

fn record(n: usize, dialog: DialogId, actor: UserId, event: Event) -> Record {
    Record {
        id: (n as u128).to_be_bytes(),
        command: CommandId((n as u128).to_be_bytes()),
        application: ApplicationId::new(1).unwrap(),
        stream: Stream::Dialog(dialog),
        actor: Some(actor),
        at: Time(1_700_000_000_000 + n as u64),
        event,
    }
}
