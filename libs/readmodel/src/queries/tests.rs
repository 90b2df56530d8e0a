//! Queries over what the folds make of real histories: every question is asked of both
//! stores, which give the same answer.

mod cases;
mod faults;
mod finding;
mod lists;
mod pool;
mod recount;
mod showing;

use std::collections::HashMap;

use domain::command::{Command, Decision, Post, Request, Rules};
use domain::content::{DialogContent, MessageContent, Text};
use domain::event::{Event, Kind, Mark, Marked, MessageRef, Record, Stream};
use domain::facts::{Fact, Key, evolve};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Refusal, Sequence, Time, UserId};

use tokio::runtime::Runtime;

use super::{By, History, Listing, MessageView, Order, Page, Queries, Settings};
use crate::postgres;
use crate::sqlite::Store;
use crate::testing::Feeder;

const SETTINGS: Settings = Settings { threads: 1, queue_max: 8 };

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// The first hundred dialogs, in the usual order.
fn listing() -> Listing {
    Listing { conditions: vec![], by: By::LastSent, order: Order::NewestFirst, skip: 0, limit: 100 }
}

/// The same read model twice, in a folder and in a database of its own.
struct Model {
    embedded: (Store, Queries),
    postgres: Option<Postgres>,
    feeder: Feeder,
    receipts_max: usize,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

struct Postgres {
    store: postgres::Store,
    queries: Queries,
    _database: engines::Database,
}

impl Model {
    fn new(receipts_max: usize) -> Self {
        let mut model = Self::embedded(receipts_max);
        let postgres = async {
            let database = engines::Postgres::shared().await.database().await;
            let settings = postgres::Settings::new(database.url());
            let store = postgres::Store::new(postgres::connect(&settings).await.unwrap());
            let queries = Queries::postgres(&settings, SETTINGS, receipts_max).unwrap();
            Postgres { store, queries, _database: database }
        };
        model.postgres = Some(model.runtime.block_on(postgres));
        model
    }

    /// Without PostgreSQL, which takes longer.
    fn embedded(receipts_max: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.db");
        let store = Store::open_or_create(&path).unwrap();
        let embedded = (store, Queries::open(&path, SETTINGS, receipts_max).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { embedded, postgres: None, feeder: Feeder::new(1), receipts_max, runtime, _folder: folder }
    }

    fn fold(&mut self, records: impl IntoIterator<Item = Record>) {
        let batch = self.feeder.batch(records);
        self.embedded.0.apply(&batch).unwrap();
        if let Some(postgres) = &mut self.postgres {
            self.runtime.block_on(postgres.store.apply(&batch)).unwrap();
        }
    }

    fn ask<T: PartialEq + std::fmt::Debug>(
        &self,
        question: impl AsyncFn(&Queries) -> Result<T, super::Error>,
    ) -> T {
        let ask = |queries| self.runtime.block_on(question(queries)).unwrap();
        let embedded = ask(&self.embedded.1);
        if let Some(postgres) = &self.postgres {
            assert_eq!(embedded, ask(&postgres.queries), "the embedded store says this, PostgreSQL that");
        }
        embedded
    }
}

/// People who chat by commands; what they cause is folded at once.
struct Chat {
    model: Model,
    facts: HashMap<Key, Fact>,
    commands: u128,
    now: Time,
}

impl Chat {
    fn new() -> Self {
        Self { model: Model::new(1_000), facts: HashMap::new(), commands: 0, now: Time(1_700_000_000_000) }
    }

    fn does(&mut self, actor: u64, dialog: DialogId, command: Command) -> Result<Decision, Refusal> {
        self.commands += 1;
        self.now = Time(self.now.0 + 1_000);
        let id = CommandId(self.commands.to_be_bytes());
        let request = Request { id, dialog, actor: user(actor), command };
        let decision = domain::decide(&request, &self.facts, &Rules::default(), self.now)?;
        let mut records = vec![];
        for event in decision.events.clone() {
            let changed = evolve(&self.facts, dialog, Some(request.actor), &event);
            self.facts.extend(changed);
            records.push(self.record(&request, event));
        }
        self.model.fold(records);
        Ok(decision)
    }

    fn record(&self, request: &Request, event: Event) -> Record {
        Record {
            id: request.id.0,
            command: request.id,
            application: ApplicationId::new(1).unwrap(),
            stream: Stream::Dialog(request.dialog),
            actor: Some(request.actor),
            at: self.now,
            event,
        }
    }

    fn create(&mut self, kind: Kind, owner: u64, others: &[u64]) -> DialogId {
        let dialog = DialogId::from_parts(u32::MAX, (self.commands as u64).to_be_bytes());
        let create = domain::command::Create {
            kind,
            occupants: others.iter().copied().map(user).collect(),
            admins: vec![],
            permissions: None,
            content: DialogContent::default(),
        };
        self.does(owner, dialog, Command::Create(create)).unwrap();
        dialog
    }

    fn private(&mut self, owner: u64, other: u64) -> DialogId {
        let dialog = DialogId::private(&[7; 32], user(owner), user(other));
        let opponent = user(other);
        let content = DialogContent::default();
        self.does(owner, dialog, Command::OpenPrivate { opponent, content }).unwrap();
        dialog
    }

    fn post(&mut self, actor: u64, dialog: DialogId) -> MessageRef {
        let text = Text::stored(format!("message {}", self.commands));
        let post = Post {
            id: MessageId::from_parts(1, (self.commands as u64).to_be_bytes()),
            id_is_clients: false,
            opens: None,
            content: MessageContent { text: Some(text), ..MessageContent::default() },
            send_to_chat: true,
            markable: false,
            silent: false,
        };
        self.does(actor, dialog, Command::Post(post)).unwrap().message.unwrap()
    }

    fn posts<const N: usize>(&mut self, actor: u64, dialog: DialogId) -> [MessageRef; N] {
        [(); N].map(|()| self.post(actor, dialog))
    }

    fn mark(&mut self, actor: u64, dialog: DialogId, mark: Mark, marked: Marked) {
        let update = domain::command::Update { messages: vec![], text: None, mark: Some((mark, marked)) };
        self.does(actor, dialog, Command::Update(update)).unwrap();
    }

    fn read(&mut self, actor: u64, dialog: DialogId, messages: &[MessageRef]) {
        self.mark(actor, dialog, Mark::Read, Marked::Named(messages.to_vec()));
    }

    fn change(&mut self, actor: u64, dialog: DialogId, add: &[u64], remove: &[u64]) {
        let change = domain::command::Change {
            add: add.iter().copied().map(user).collect(),
            remove: remove.iter().copied().map(user).collect(),
            ..domain::command::Change::default()
        };
        self.does(actor, dialog, Command::Change(change)).unwrap();
    }

    fn unread(&self, viewer: u64, dialog: DialogId) -> u64 {
        let unread = self.model.ask(async |queries| queries.unread(user(viewer), Some(vec![dialog])).await);
        let all = self.model.ask(async |queries| queries.unread(user(viewer), None).await);
        let listed = self.model.ask(async |queries| queries.dialogs(user(viewer), listing()).await);
        let each = listed.items.iter().map(|view| view.unread);
        assert_eq!(all.total, each.sum::<u64>(), "asked for all and in the list");
        let view = self.model.ask(async |queries| queries.dialog(user(viewer), dialog).await);
        assert_eq!(unread.total, view.map_or(0, |view| view.unread), "asked for and in the dialog");
        unread.total
    }

    fn history(&self, viewer: u64, dialog: DialogId) -> History {
        let page = Page { skip: 0, limit: 100, order: Order::OldestFirst };
        self.model.ask(async |queries| queries.history(user(viewer), dialog, page).await).unwrap()
    }

    /// What `viewer` sees: sequence, and who has read it.
    fn readers(&self, viewer: u64, dialog: DialogId) -> Vec<(u64, Vec<u64>)> {
        let row = |message: &MessageView| {
            (message.sequence.0, message.read_ids.iter().map(|reader| reader.get()).collect())
        };
        self.history(viewer, dialog).messages.iter().map(row).collect()
    }

    /// `viewer` lists the dialog as a client does: what is unread on the page gets read.
    fn list(&mut self, viewer: u64, dialog: DialogId) {
        let unread = self.history(viewer, dialog).unread;
        if !unread.is_empty() {
            self.mark(viewer, dialog, Mark::Read, Marked::Listed(unread));
        }
    }
}

/// The places of messages.
fn at(sequences: &[u64]) -> Vec<Sequence> {
    sequences.iter().copied().map(Sequence).collect()
}
