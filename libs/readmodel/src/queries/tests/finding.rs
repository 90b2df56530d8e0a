//! Pages of filtered and sorted histories, against a naive look at all that the viewer sees.

use domain::command::{Command, Post};
use domain::content::{JsonText, MessageContent, Text};
use domain::event::{Kind, MessageRef};
use domain::{DialogId, MessageId, calendar};
use proptest::prelude::*;

use super::super::{Error, MessageTest, MessageView, MessagesBy, Order, Page, Queries, Test, Wanted};
use super::{Chat, user};

/// Texts that mean something to a pattern, to SQL, or to the eye.
const TEXTS: [&str; 14] = [
    "",
    "a",
    "ab",
    "B",
    "b%",
    "_",
    ".*",
    "it's",
    "\\",
    "\u{1f600}",
    "\u{202e}ab",
    "e\u{301}",
    "\u{e9}",
    "\u{10ffff}",
];
/// Types of the attachments of a message, as JSON.
const ATTACHMENTS: [Option<&str>; 7] = [
    None,
    Some("[]"),
    Some(r#"[{"type":"image"}]"#),
    Some(r#"[{"type":"image","url":"u"},{"type":"video"}]"#),
    Some(r#"[{"url":"image"},{"type":5},{"type":null},{"type":["image"]}]"#),
    Some(r#"[{"type":"it's \"\u202e%"}]"#),
    Some(r#"[{"type":""},{"type":"\ud83d\ude00"}]"#),
];
const TYPES: [&str; 6] = ["image", "video", "", "it's \"\u{202e}%", "\u{1f600}", "5"];

#[derive(Debug, Clone)]
enum Step {
    /// Who, of which text and attachments, after so many milliseconds.
    Post(u64, usize, usize, u64),
    Edit(usize, usize),
    Remove(usize),
    Hide(u64, usize),
    Read(u64, usize),
    Clear(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, which) = (1..4_u64, any::<usize>());
    prop_oneof![
        12 => (who.clone(), 0..TEXTS.len(), 0..ATTACHMENTS.len(), 0..2_000_u64)
            .prop_map(|(who, text, attachments, pause)| Step::Post(who, text, attachments, pause)),
        2 => (which, 0..TEXTS.len()).prop_map(|(which, text)| Step::Edit(which, text)),
        1 => which.prop_map(Step::Remove),
        2 => (who.clone(), which).prop_map(|(who, which)| Step::Hide(who, which)),
        2 => (who.clone(), which).prop_map(|(who, which)| Step::Read(who, which)),
        1 => (2..4_u64).prop_map(Step::Clear),
    ]
}

/// A test of values that lie at, beside and between those that are there.
fn test<T: Clone + std::fmt::Debug + 'static>(
    value: BoxedStrategy<T>,
    part: BoxedStrategy<String>,
) -> BoxedStrategy<Test<T>> {
    let list = || prop::collection::vec(value.clone(), 0..4);
    prop_oneof![
        value.clone().prop_map(Test::Below),
        value.clone().prop_map(Test::AtMost),
        value.clone().prop_map(Test::Above),
        value.clone().prop_map(Test::AtLeast),
        list().prop_map(Test::In),
        list().prop_map(Test::NotIn),
        list().prop_map(Test::All),
        value.clone().prop_map(|value| Test::All(vec![value.clone(), value])),
        part.prop_map(Test::Contains),
    ]
    .boxed()
}

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(texts).prop_map(str::to_owned).boxed()
}

fn moments() -> BoxedStrategy<i64> {
    let near = START as i64;
    prop_oneof![8 => near - 3..near + 60, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => Just(0_i64)].boxed()
}

fn message_test() -> impl Strategy<Value = MessageTest> {
    let digits = || "[0-9a-f]{0,2}|%|_|\\.".boxed();
    let ids = prop_oneof![
        (0..60_u8).prop_map(|number| name(u64::from(number)).to_string()),
        "[0-9a-f]{0,3}",
        Just("%".to_owned()),
    ];
    let written =
        prop_oneof!["[0-9]{1,2}", Just("T22:1".to_owned()), Just("Z".to_owned()), Just("%".to_owned())];
    let numbers = prop_oneof![4 => 0..5_i64, 1 => any::<i64>()].boxed();
    prop_oneof![
        test(ids.boxed(), digits()).prop_map(MessageTest::Id),
        test(one_of(&TEXTS), one_of(&TEXTS)).prop_map(MessageTest::Text),
        test(numbers.clone(), digits()).prop_map(MessageTest::Sender),
        test(numbers, digits()).prop_map(MessageTest::Recipient),
        test(one_of(&TYPES), one_of(&TYPES)).prop_map(MessageTest::AttachmentType),
        test(moments(), written.clone().boxed()).prop_map(MessageTest::DateSent),
        test(moments(), written.clone().boxed()).prop_map(MessageTest::CreatedAt),
        test(moments(), written.boxed()).prop_map(MessageTest::UpdatedAt),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let tests = prop_oneof![
        1 => Just(vec![]),
        6 => prop::collection::vec(message_test(), 1),
        2 => prop::collection::vec(message_test(), 2..4),
    ];
    let by = prop_oneof![3 => Just(MessagesBy::Sequence), 1 => Just(MessagesBy::Name), 1 => Just(MessagesBy::Updated)];
    let order = prop_oneof![Just(Order::OldestFirst), Just(Order::NewestFirst)];
    (tests, by, order, 0..8_u64, 1..12_usize).prop_map(|(tests, by, order, skip, limit)| {
        let skip = if skip == 7 { u64::MAX } else { skip };
        Wanted { tests, by, page: Page { skip, limit, order }, looked_at_max: 1_000 }
    })
}

/// When everything begins, in seconds.
const START: u64 = 1_700_000_000;

/// A name in another order than that of the messages.
fn name(number: u64) -> MessageId {
    MessageId::from_parts(7, number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

/// A dialog in which all that happens.
struct Room {
    chat: Chat,
    dialog: DialogId,
    posted: Vec<(u64, MessageRef)>,
}

impl Room {
    fn new(kind: Kind) -> Self {
        let mut chat = Chat::new();
        let dialog = match kind {
            Kind::Private => chat.private(1, 2),
            Kind::Group | Kind::Public | Kind::Broadcast => chat.create(kind, 1, &[2, 3]),
        };
        chat.now = domain::Time(START * 1_000);
        Self { chat, dialog, posted: vec![] }
    }

    fn does(&mut self, who: u64, command: Command) -> Option<domain::command::Decision> {
        self.chat.does(who, self.dialog, command).ok()
    }

    fn apply(&mut self, step: &Step) {
        let place = |which: usize| which.checked_rem(self.posted.len()).map(|index| self.posted[index]);
        match *step {
            Step::Post(who, text, attachments, pause) => {
                // The chat's clock goes on by a second with each command.
                self.chat.now.0 = self.chat.now.0 + pause - 1_000;
                let content = MessageContent {
                    text: Some(TEXTS[text])
                        .filter(|text| !text.is_empty())
                        .map(|text| Text::stored(text.to_owned())),
                    attachments: ATTACHMENTS[attachments].map(|stored| JsonText::stored(stored.to_owned())),
                    ..MessageContent::default()
                };
                self.post(who, content);
            }
            Step::Edit(which, text) => {
                let Some((who, message)) = place(which) else { return };
                let text = Some(Text::stored(TEXTS[text.max(1)].to_owned()));
                let update = domain::command::Update { messages: vec![message], text, mark: None };
                self.does(who, Command::Update(update));
            }
            Step::Remove(which) => {
                let Some((who, message)) = place(which) else { return };
                self.does(who, Command::RemoveMessages(vec![message]));
            }
            Step::Hide(who, which) => {
                let Some((_, message)) = place(which) else { return };
                self.does(who, Command::HideMessages(vec![message]));
            }
            Step::Read(who, which) => {
                let Some((_, message)) = place(which) else { return };
                let mark = Some((domain::event::Mark::Read, domain::event::Marked::Named(vec![message])));
                self.does(
                    who,
                    Command::Update(domain::command::Update { messages: vec![], text: None, mark }),
                );
            }
            Step::Clear(who) => _ = self.does(who, Command::ClearForSelf),
        }
    }

    fn post(&mut self, who: u64, content: MessageContent) {
        let post = Post {
            id: name(self.posted.len() as u64),
            id_is_clients: false,
            opens: None,
            content,
            send_to_chat: false,
            markable: false,
            silent: false,
        };
        let decision = self.does(who, Command::Post(post));
        self.posted.extend(decision.and_then(|decision| decision.message).map(|message| (who, message)));
    }

    fn posts(&mut self, count: usize) {
        (0..count).for_each(|_| self.post(1, MessageContent::default()));
    }

    fn find(&self, viewer: u64, wanted: &Wanted) -> Vec<MessageView> {
        let (viewer, dialog) = (user(viewer), self.dialog);
        let found = self.chat.model.ask(async |queries| queries.find(viewer, dialog, wanted.clone()).await);
        found.unwrap().messages
    }

    fn places(&self, viewer: u64, wanted: &Wanted) -> Vec<u64> {
        self.find(viewer, wanted).iter().map(|message| message.sequence.0).collect()
    }

    fn count(&self, viewer: u64, wanted: &Wanted) -> u64 {
        let (viewer, dialog) = (user(viewer), self.dialog);
        let count =
            self.chat.model.ask(async |queries| queries.find_count(viewer, dialog, wanted.clone()).await);
        count.unwrap()
    }

    /// Whether each store says that there is too much to look at, for the page and for the count.
    fn is_too_much(&self, wanted: &Wanted) -> [bool; 2] {
        let model = &self.chat.model;
        let stores = [&model.embedded.1, &model.postgres.as_ref().unwrap().queries];
        let refuses = |queries: &Queries| {
            let page = model.runtime.block_on(queries.find(user(1), self.dialog, wanted.clone()));
            let count = model.runtime.block_on(queries.find_count(user(1), self.dialog, wanted.clone()));
            [matches!(page, Err(Error::TooMany(_))), matches!(count, Err(Error::TooMany(_)))]
        };
        let [embedded, postgres] = stores.map(refuses);
        assert_eq!(embedded, postgres, "{wanted:?}");
        embedded
    }
}

/// What a naive reader of the API's fields makes of a test.
fn passes(test: &MessageTest, message: &MessageView) -> bool {
    let second =
        |at: domain::Time| (at.seconds() as i64, String::from_utf8(calendar::iso(at).to_vec()).unwrap());
    let number = |number: u64| (number as i64, number.to_string());
    match test {
        MessageTest::Id(test) => naive(test, &[message.id.to_string()].map(twice)),
        MessageTest::Text(test) => naive(test, &Vec::from_iter(message.text.clone().map(twice))),
        MessageTest::Sender(test) => naive(test, &[number(message.sender.get())]),
        MessageTest::Recipient(test) => {
            naive(test, &[number(message.recipient.map_or(0, |user| user.get()))])
        }
        MessageTest::DateSent(test) => naive(test, &[number(message.date_sent)]),
        MessageTest::CreatedAt(test) => naive(test, &[second(message.created_at)]),
        MessageTest::UpdatedAt(test) => naive(test, &[second(message.updated_at)]),
        MessageTest::AttachmentType(test) => {
            let stored: serde_json::Value =
                serde_json::from_str(message.attachments.as_deref().unwrap_or("[]")).unwrap();
            let types =
                stored.as_array().unwrap().iter().filter_map(|attachment| attachment["type"].as_str());
            naive(test, &Vec::from_iter(types.map(|kind| twice(kind.to_owned()))))
        }
    }
}

fn twice(text: String) -> (String, String) {
    (text.clone(), text)
}

/// Whether the test holds for a field of those values, each with how it is written.
fn naive<T: Ord + Clone>(test: &Test<T>, values: &[(T, String)]) -> bool {
    let has = |wanted: &T| values.iter().any(|(value, _)| value == wanted);
    match test {
        Test::Below(bound) => values.iter().any(|(value, _)| value < bound),
        Test::AtMost(bound) => values.iter().any(|(value, _)| value <= bound),
        Test::Above(bound) => values.iter().any(|(value, _)| value > bound),
        Test::AtLeast(bound) => values.iter().any(|(value, _)| value >= bound),
        Test::In(these) => these.iter().any(has),
        Test::NotIn(these) => !these.iter().any(has),
        Test::All(these) => !values.is_empty() && these.iter().all(has),
        Test::Contains(part) => values.iter().any(|(_, written)| written.contains(part.as_str())),
    }
}

fn check(room: &Room, viewer: u64, wanted: &Wanted) -> Result<(), TestCaseError> {
    let all = room.chat.history(viewer, room.dialog).messages;
    let mut expected: Vec<&MessageView> =
        all.iter().filter(|message| wanted.tests.iter().all(|test| passes(test, message))).collect();
    prop_assert_eq!(room.count(viewer, wanted), expected.len() as u64);
    match wanted.by {
        MessagesBy::Sequence => {}
        MessagesBy::Name => expected.sort_by_key(|message| message.id),
        MessagesBy::Updated => expected.sort_by_key(|message| message.updated_at),
    }
    if wanted.page.order == Order::NewestFirst {
        expected.reverse();
    }
    let skip = usize::try_from(wanted.page.skip).unwrap_or(usize::MAX);
    let expected: Vec<_> = expected.into_iter().skip(skip).take(wanted.page.limit).cloned().collect();
    prop_assert_eq!(room.find(viewer, wanted), expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_a_look_at_everything_finds(
        kind in prop_oneof![4 => Just(Kind::Group), 1 => Just(Kind::Private), 1 => Just(Kind::Public)],
        steps in prop::collection::vec(step(), 1..50),
        wanted in prop::collection::vec(wanted(), 40),
    ) {
        let mut room = Room::new(kind);
        steps.iter().for_each(|step| room.apply(step));
        for (viewer, wanted) in [1, 2].into_iter().cycle().zip(&wanted) {
            check(&room, viewer, wanted)?;
        }
    }
}

fn page(skip: u64, limit: usize, order: Order) -> Page {
    Page { skip, limit, order }
}

/// At most ten messages may be looked at.
fn ten(tests: Vec<MessageTest>, by: MessagesBy, page: Page) -> Wanted {
    Wanted { tests, by, page, looked_at_max: 10 }
}

#[test]
fn no_more_is_looked_at_than_may_be() {
    let mut room = Room::new(Kind::Group);
    room.posts(25);
    let of = |sender| vec![MessageTest::Sender(Test::In(vec![sender]))];
    let (first, newest) = (page(0, 10, Order::OldestFirst), page(0, 10, Order::NewestFirst));
    assert_eq!(room.places(1, &ten(of(1), MessagesBy::Sequence, first)), Vec::from_iter(1..=10));
    assert_eq!(room.places(1, &ten(of(1), MessagesBy::Sequence, newest)), Vec::from_iter((16..=25).rev()));
    assert_eq!(
        room.is_too_much(&ten(of(1), MessagesBy::Sequence, first)),
        [false, true],
        "all are to be counted"
    );
    assert_eq!(room.is_too_much(&ten(of(2), MessagesBy::Sequence, first)), [true, true]);
    assert_eq!(
        room.is_too_much(&ten(of(1), MessagesBy::Sequence, page(1, 10, Order::OldestFirst))),
        [true, true]
    );
    assert_eq!(
        room.is_too_much(&ten(of(1), MessagesBy::Sequence, page(u64::MAX, 1, Order::NewestFirst))),
        [true, true]
    );
    assert_eq!(room.is_too_much(&ten(vec![], MessagesBy::Name, first)), [true, false]);
    assert_eq!(room.is_too_much(&ten(vec![], MessagesBy::Updated, newest)), [true, false]);
}

#[test]
fn dates_and_names_leave_less_to_look_at() {
    let mut room = Room::new(Kind::Group);
    room.posts(25);
    // One a second.
    let second = |sequence: i64| START as i64 + sequence;
    let between = |first: i64, last: i64| {
        vec![
            MessageTest::DateSent(Test::AtLeast(second(first))),
            MessageTest::CreatedAt(Test::Below(second(last + 1))),
        ]
    };
    let of = |tests: &[MessageTest], sender| [tests, &[MessageTest::Sender(Test::In(vec![sender]))]].concat();
    let first = page(0, 100, Order::OldestFirst);
    let wanted = ten(of(&between(8, 17), 1), MessagesBy::Sequence, first);
    assert_eq!((room.places(1, &wanted), room.count(1, &wanted)), (Vec::from_iter(8..=17), 10));
    assert!(room.places(1, &ten(of(&between(8, 17), 2), MessagesBy::Sequence, first)).is_empty());
    assert_eq!(room.is_too_much(&ten(of(&between(8, 18), 2), MessagesBy::Sequence, first)), [true, true]);
    let plain = ten(between(3, 24), MessagesBy::Sequence, page(2, 3, Order::NewestFirst));
    assert_eq!((room.places(1, &plain), room.count(1, &plain)), (vec![22, 21, 20], 22), "nothing to look at");
    let named =
        |numbers: &[u64]| MessageTest::Id(Test::In(numbers.iter().map(|n| name(*n).to_string()).collect()));
    let wanted = ten(vec![named(&[1, 20, 99])], MessagesBy::Sequence, page(0, 100, Order::NewestFirst));
    assert_eq!((room.places(1, &wanted), room.count(1, &wanted)), (vec![21, 2], 2));
    let by_name = ten(of(&between(8, 17), 1), MessagesBy::Name, first);
    assert_eq!(room.places(1, &by_name).len(), 10);
}

#[test]
fn who_may_not_read_finds_nothing() {
    let mut room = Room::new(Kind::Group);
    room.posts(1);
    let dialog = room.dialog;
    let wanted = ten(
        vec![MessageTest::Text(Test::NotIn(vec![]))],
        MessagesBy::Updated,
        page(0, 1, Order::OldestFirst),
    );
    let ask = |dialog| {
        let model = &room.chat.model;
        let page = model.ask(async |queries| queries.find(user(9), dialog, wanted.clone()).await);
        let count = model.ask(async |queries| queries.find_count(user(9), dialog, wanted.clone()).await);
        (page.unwrap_err(), count.unwrap_err())
    };
    use domain::Refusal::{NoSuchDialog, NotPermitted};
    assert_eq!(ask(dialog), (NotPermitted, NotPermitted));
    assert_eq!(ask(DialogId::from_parts(u32::MAX, [9; 8])), (NoSuchDialog, NoSuchDialog));
}
