//! Rows and an index of the same events, in a folder and in a database.

use std::rc::Rc;

use domain::content::{Content, DialogContent, MessageContent, Text};
use domain::event::{Event, Kind, MessageRef, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};
use engines::Database;
use tokio::runtime::Runtime;

use crate::queries::{MessageView, Queries, Settings as Reading};
use crate::search::{Error, Needle, Place, Search, Settings, Store, Wanted};
use crate::testing::Feeder;
use crate::{Applied, postgres, sqlite};

const READING: Reading = Reading { threads: 1, queue_max: 8 };

pub(super) fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// One store with everything in it.
pub(super) struct Ground {
    pub(super) runtime: Rc<Runtime>,
    pub(super) place: Place,
    pub(super) queries: Queries,
    rows: crate::Store,
    index: Option<Store>,
    feeders: [Feeder; 2],
    _folder: tempfile::TempDir,
    _database: Option<Database>,
}

/// An empty one of each store, of a log with that many partitions.
pub(super) fn grounds(partitions: u32) -> [Ground; 2] {
    [false, true].map(|server| Ground::new(partitions, server))
}

/// Everything of anybody.
pub(super) fn wanted(viewer: u64, text: &str) -> Wanted {
    let needle = Needle::new(text).unwrap();
    Wanted { viewer: user(viewer), needle, dialogs: None, oldest: 0, newest: u64::MAX, limit: 100 }
}

impl Ground {
    /// An empty one, in a database or in a folder.
    pub(super) fn new(partitions: u32, server: bool) -> Self {
        let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.db");
        let (rows, queries, place, database) = if server {
            runtime.block_on(async {
                let database = engines::Postgres::shared().await.database().await;
                let settings = postgres::Settings::new(database.url());
                let rows = postgres::Store::new(postgres::connect(&settings).await.unwrap());
                let queries = Queries::postgres(&settings, READING, 1_000).unwrap();
                (rows.into(), queries, Place::Schema(settings), Some(database))
            })
        } else {
            let rows = sqlite::Store::open_or_create(&path).unwrap();
            let queries = Queries::open(&path, READING, 1_000).unwrap();
            (rows.into(), queries, Place::in_folder(folder.path()), None)
        };
        let index = Some(runtime.block_on(place.open()).unwrap());
        let feeders = [Feeder::new(partitions), Feeder::new(partitions)];
        Self { runtime, place, queries, rows, index, feeders, _folder: folder, _database: database }
    }

    pub(super) fn index(&mut self) -> &mut Store {
        self.index.as_mut().unwrap()
    }

    /// Deletes all dead rows, so many at a time.
    pub(super) fn sweep(&mut self, rows_max: usize) {
        let index = self.index.as_mut().unwrap();
        while self.runtime.block_on(index.sweep(rows_max)).unwrap() {}
    }

    /// Closes the index; it can be opened again.
    pub(super) fn close_index(&mut self) {
        let index = self.index.take().unwrap();
        self.runtime.block_on(index.close()).unwrap();
    }

    pub(super) fn open_index(&mut self) {
        self.index = Some(self.runtime.block_on(self.place.open()).unwrap());
    }

    pub(super) fn fold_rows(&mut self, records: impl IntoIterator<Item = Record>) {
        let batch = self.feeders[0].batch(records);
        self.runtime.block_on(self.rows.apply(&batch)).unwrap();
    }

    pub(super) fn fold_index(&mut self, records: impl IntoIterator<Item = Record>) {
        let batch = self.feeders[1].batch(records);
        self.apply(&batch);
    }

    fn apply(&mut self, batch: &[Applied]) {
        let index = self.index.as_mut().unwrap();
        self.runtime.block_on(index.apply(batch)).unwrap();
    }

    /// Begins to fold the index from zero.
    pub(super) fn forget_index(&mut self, partitions: u32) {
        self.feeders[1] = Feeder::new(partitions);
    }

    pub(super) fn fold(&mut self, records: &[Record]) {
        self.fold_rows(records.iter().cloned());
        self.fold_index(records.iter().cloned());
    }

    pub(super) fn search(&self, scan_max: u64) -> Search {
        // However slow the machine is.
        let time_max = std::time::Duration::from_secs(60);
        let settings = Settings { scan_max, time_max, ..Settings::default() };
        let _within = self.runtime.enter();
        Search::new(self.queries.clone(), &self.place, settings).unwrap()
    }

    /// The messages that are found, by the index alone.
    pub(super) fn try_by_index(&self, wanted: &Wanted) -> Result<Vec<MessageView>, Error> {
        self.by(0, wanted)
    }

    fn by(&self, scan_max: u64, wanted: &Wanted) -> Result<Vec<MessageView>, Error> {
        let search = self.search(scan_max);
        self.runtime.block_on(async {
            let scope = search.scope(wanted).await?;
            search.messages(wanted, &scope).await
        })
    }

    /// The messages that are found, by either way.
    pub(super) fn messages(&self, wanted: &Wanted) -> Vec<MessageView> {
        let by_index = self.by(0, wanted).unwrap();
        assert_eq!(by_index, self.by(u64::MAX, wanted).unwrap(), "by the index and by reading");
        by_index
    }

    /// Their texts.
    pub(super) fn texts(&self, wanted: &Wanted) -> Vec<String> {
        self.messages(wanted).into_iter().filter_map(|message| message.text).collect()
    }

    /// The names of the dialogs that are found.
    pub(super) fn names(&self, wanted: &Wanted) -> Vec<String> {
        let search = self.search(0);
        let found = self.runtime.block_on(async {
            let scope = search.scope(wanted).await.unwrap();
            search.dialogs(wanted, &scope, &Default::default()).await.unwrap()
        });
        found.into_iter().filter_map(|dialog| dialog.name).collect()
    }

    /// How the index differs from one that is folded from `records` at once.
    pub(super) fn differences(&mut self, partitions: u32, records: &[Record]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let fresh = self.place.beside(folder.path());
        let batch = Feeder::new(partitions).batch(records.iter().cloned());
        self.runtime.block_on(async {
            fresh.discard().await.unwrap();
            let mut store = fresh.open().await.unwrap();
            store.apply(&batch).await.unwrap();
            while store.sweep(7).await.unwrap() {}
            store.close().await.unwrap();
            let mut living = self.place.snapshot().await.unwrap().unwrap();
            let mut other = fresh.snapshot().await.unwrap().unwrap();
            let differences = living.compare(&mut other, 20).await.unwrap();
            differences.iter().map(ToString::to_string).collect()
        })
    }
}

/// Events as a log would have them.
#[derive(Default)]
pub(super) struct Events {
    pub(super) records: Vec<Record>,
    heads: std::collections::HashMap<DialogId, u64>,
}

impl Events {
    /// A dialog of that kind with these people, the first of them its owner.
    pub(super) fn create(&mut self, kind: Kind, name: &str, people: &[u64]) -> DialogId {
        let dialog = DialogId::from_parts(u32::MAX, (self.records.len() as u64).to_be_bytes());
        let everybody: Vec<_> = people.iter().copied().map(user).collect();
        let content = DialogContent { name: Some(Text::stored(name.to_owned())), ..DialogContent::default() };
        let event = Event::DialogCreated {
            kind,
            owner: everybody[0],
            occupants: if kind == Kind::Broadcast { vec![] } else { everybody },
            admins: vec![],
            permissions: None,
            content: Content::Known(content),
        };
        self.add(dialog, people[0], event);
        dialog
    }

    pub(super) fn group(&mut self, name: &str, people: &[u64]) -> DialogId {
        self.create(Kind::Group, name, people)
    }

    /// A message of that date.
    pub(super) fn post_at(&mut self, dialog: DialogId, text: &str, date_sent: u64) -> MessageRef {
        let head = self.heads.entry(dialog).or_default();
        *head += 1;
        let message =
            MessageRef { sequence: Sequence(*head), id: MessageId::from_parts(7, head.to_be_bytes()) };
        let content =
            MessageContent { text: Some(Text::stored(text.to_owned())), ..MessageContent::default() };
        let event = Event::MessagePosted {
            message,
            recipient: None,
            date_sent,
            send_to_chat: true,
            markable: true,
            silent: false,
            content: Content::Known(content),
        };
        self.add(dialog, 1, event);
        message
    }

    /// A message, a second after the event before.
    pub(super) fn post(&mut self, dialog: DialogId, text: &str) -> MessageRef {
        let date = 1_700_000_000 + self.records.len() as u64;
        self.post_at(dialog, text, date)
    }

    pub(super) fn add(&mut self, dialog: DialogId, actor: u64, event: Event) {
        let number = self.records.len() as u64;
        let id = u128::from(number).to_be_bytes();
        self.records.push(Record {
            id,
            command: CommandId(id),
            application: ApplicationId::new(1).unwrap(),
            stream: Stream::Dialog(dialog),
            actor: Some(user(actor)),
            at: Time((1_700_000_000 + number) * 1_000),
            event,
        });
    }

    /// What has happened since the last call.
    pub(super) fn take(&mut self, from: usize) -> Vec<Record> {
        self.records[from..].to_vec()
    }
}
