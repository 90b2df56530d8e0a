//! The cases: what a text is, what leaves the results, and in what order they stand.

use std::rc::Rc;

use domain::Kind;
use domain::content::{Content, DialogChange, Text};
use domain::event::Event;

use super::ground::{Events, grounds, wanted};
use crate::search::Wanted;

/// Every character stands for itself, whatever it means to LIKE, to FTS5 or to SQL.
#[test]
fn a_text_is_looked_for_letter_by_letter() {
    let texts = [
        "100% sure_thing",
        "100x sureXthing",
        r#"he said "hello" AND left"#,
        r"C:\temp\new*file",
        "NEAR(one two) OR -three",
        "it's; DROP TABLE texts;--",
        "Straße und Füße",
        "STRASSE",
        "привет мир",
        "Привет Мир",
        "שלום עולם",
        "\u{202e}olleh\u{202c} mark",
        "party 🎉🎊🥳🍾🎈 tonight",
        "漢字かな交じり文",
        "     five blanks",
        "tab\tand\nline",
        "!!!!! ?????",
        "a^b{c}d[e]f(g)h|i",
        "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
        "NULL null",
    ];
    let mut events = Events::default();
    let dialog = events.group("a group", &[1, 2]);
    for text in texts {
        events.post(dialog, text);
    }
    for mut ground in grounds(1) {
        ground.fold(&events.records);
        for text in texts {
            let characters: Vec<char> = text.chars().collect();
            let parts = [5, 6, 9].into_iter().flat_map(|length| characters.windows(length));
            for part in parts.chain([characters.as_slice()]).filter(|part| part.len() >= 5) {
                let part: String = part.iter().collect();
                let expected: Vec<_> =
                    texts.iter().rev().filter(|text| text.contains(&part)).copied().collect();
                assert_eq!(ground.texts(&wanted(1, &part)), expected, "{part:?}");
            }
        }
        for absent in
            ["100%%", "sure%thing", "hello*", "\"hello\"\"", "привет Мир", "strasse", "null null", "\\\\temp"]
        {
            assert_eq!(ground.texts(&wanted(1, absent)), Vec::<String>::new(), "{absent:?}");
        }
    }
}

#[test]
fn what_is_gone_is_not_found() {
    let mut events = Events::default();
    let [one, two] = [events.group("one", &[1, 2]), events.group("two", &[1, 2])];
    let [edited, removed, hidden, short] =
        ["word to edit", "word to remove", "word to hide", "word"].map(|text| events.post(one, text));
    events.post(two, "word to delete");
    let so_far = events.records.len();
    for mut ground in grounds(1) {
        ground.fold(&events.records[..so_far]);
        assert_eq!(ground.messages(&wanted(2, "word to")).len(), 4);
    }
    let text = |text: &str| Content::Known(Text::stored(text.to_owned()));
    events.add(one, 1, Event::MessageEdited { message: edited, content: text("another text") });
    events.add(one, 1, Event::MessageEdited { message: short, content: text("word to grow") });
    events.add(one, 1, Event::MessagesRemoved { messages: vec![removed] });
    events.add(one, 2, Event::MessagesHidden { messages: vec![hidden] });
    events.add(two, 1, Event::DialogDeleted);
    for (number, mut ground) in grounds(1).into_iter().enumerate() {
        let (before, after) = events.records.split_at(so_far);
        ground.fold(before);
        ground.fold_rows(after.iter().cloned());
        ground.fold_index(after.iter().cloned());
        assert_eq!(ground.texts(&wanted(2, "word to")), ["word to grow"], "{number}");
        assert_eq!(ground.texts(&wanted(1, "word to")), ["word to grow", "word to hide"], "{number}");
        assert_eq!(ground.texts(&wanted(2, "another")), ["another text"], "{number}");
        assert_eq!(ground.differences(1, &events.records), Vec::<String>::new(), "{number}, not swept");
        ground.sweep(1);
        assert_eq!(ground.differences(1, &events.records), Vec::<String>::new(), "{number}");
    }
}

/// The index names candidates only: what the rows say counts, even if the index is ahead of
/// them or lacks a removal.
#[test]
fn the_living_rows_have_the_last_word() {
    let mut events = Events::default();
    let group = events.group("a group", &[1, 2]);
    let message = events.post(group, "word of today");
    let so_far = events.records.len();
    let content = Content::Known(Text::stored("nothing at all".to_owned()));
    events.add(group, 1, Event::MessageEdited { message, content });
    for mut ground in grounds(1) {
        ground.fold(&events.records[..so_far]);
        let search = ground.search(0);
        let wanted = wanted(1, "word of");
        let runtime = Rc::clone(&ground.runtime);
        let scope = runtime.block_on(search.scope(&wanted)).unwrap();
        ground.fold_rows(events.take(so_far));
        // It was asked before the edit, and has what the rows had then.
        assert_eq!(runtime.block_on(search.messages(&wanted, &scope)).unwrap(), []);
    }
}

#[test]
fn only_what_one_may_read_is_found() {
    let mut events = Events::default();
    let group = events.group("group of words", &[1, 2]);
    let public = events.create(Kind::Public, "public words", &[1, 3]);
    let broadcast = events.create(Kind::Broadcast, "broadcast of words", &[1]);
    let old = events.group("words of old", &[1, 2]);
    for (dialog, text) in [
        (group, "in the group"),
        (public, "in the public"),
        (broadcast, "in the broadcast"),
        (old, "in the old"),
    ] {
        events.post(dialog, text);
    }
    events.add(old, 2, Event::OccupantLeft);
    for mut ground in grounds(4) {
        ground.fold(&events.records);
        assert_eq!(ground.texts(&wanted(2, "in the")), ["in the broadcast", "in the group"]);
        assert_eq!(ground.texts(&wanted(3, "in the")), ["in the broadcast", "in the public"]);
        assert_eq!(ground.texts(&wanted(9, "in the")), ["in the broadcast"]);
        assert_eq!(ground.names(&wanted(2, "words")), ["broadcast of words", "group of words"]);
        assert_eq!(ground.names(&wanted(9, "words")), ["broadcast of words"]);
        assert_eq!(ground.names(&wanted(9, "WORDS")), Vec::<String>::new());
        let of = |viewer, dialogs| Wanted { dialogs: Some(dialogs), ..wanted(viewer, "in the") };
        assert_eq!(ground.texts(&of(2, vec![group, public])), ["in the group"]);
        assert_eq!(ground.texts(&of(2, vec![])), Vec::<String>::new());
        assert_eq!(ground.texts(&of(2, vec![old, public])), Vec::<String>::new());
    }
}

#[test]
fn the_newest_are_first_and_dates_are_bounds() {
    let mut events = Events::default();
    let [one, two] = [events.group("one", &[1]), events.group("two", &[1])];
    // Older ones come later, and several at once.
    for (dialog, date) in
        [(one, 5_000), (one, 90_000), (two, 7), (two, 5_000), (two, 5_000), (two, 1_000_000_000)]
    {
        events.post_at(dialog, &format!("sent at {date}"), date);
    }
    for mut ground in grounds(4) {
        ground.fold(&events.records);
        let dates = |wanted: Wanted| -> Vec<u64> {
            ground.messages(&wanted).iter().map(|message| message.date_sent).collect()
        };
        let all = wanted(1, "sent at");
        assert_eq!(dates(all.clone()), [1_000_000_000, 90_000, 5_000, 5_000, 5_000, 7]);
        for limit in 1..7 {
            assert_eq!(dates(Wanted { limit, ..all.clone() }).len(), limit);
        }
        let within = |oldest, newest| Wanted { oldest, newest, ..all.clone() };
        assert_eq!(dates(within(7, 5_000)), [5_000, 5_000, 5_000, 7]);
        assert_eq!(dates(within(8, 89_999)), [5_000, 5_000, 5_000]);
        assert_eq!(dates(within(90_001, 999_999_999)), [] as [u64; 0]);
        assert_eq!(dates(within(9, 8)), [] as [u64; 0], "bounds that exclude each other");
    }
}

#[test]
fn a_changed_name_is_found_and_the_old_one_is_not() {
    let mut events = Events::default();
    let group = events.group("the old name", &[1, 2]);
    let name = Some(Some(Text::stored("the new name".to_owned())));
    let change = DialogChange { name, ..DialogChange::default() };
    events.add(group, 1, Event::DialogChanged { permissions: None, content: Content::Known(change) });
    for mut ground in grounds(1) {
        ground.fold(&events.records);
        assert_eq!(ground.names(&wanted(2, "new name")), ["the new name"]);
        assert_eq!(ground.names(&wanted(2, "old name")), Vec::<String>::new());
    }
}

/// More than one look into the index, and more than one stretch of time.
#[test]
fn many_candidates_are_walked_through() {
    let mut events = Events::default();
    let [mine, other] = [events.group("mine", &[1]), events.group("other", &[2])];
    for number in 0..9_000_u64 {
        let date = 1_600_000_000 + number * 3;
        events.post_at(if (number + 83).is_multiple_of(90) { mine } else { other }, "the common word", date);
    }
    for mut ground in grounds(1) {
        ground.fold(&events.records);
        let found = ground.messages(&wanted(1, "common"));
        assert_eq!(found.len(), 100);
        assert!(found.windows(2).all(|pair| pair[0].date_sent > pair[1].date_sent));
        let few = Wanted { limit: 3, ..wanted(1, "common") };
        assert_eq!(ground.messages(&few), found[..3]);
    }
}

/// More of one second than are looked at together.
#[test]
fn a_burst_of_one_second_is_bounded_not_endless() {
    let mut events = Events::default();
    let group = events.group("a group", &[1]);
    for _ in 0..4_500 {
        events.post_at(group, "all at once", 1_600_000_000);
    }
    for mut ground in grounds(1) {
        ground.fold(&events.records);
        let few = Wanted { limit: 10, ..wanted(1, "at once") };
        let sequences: Vec<_> = ground.messages(&few).iter().map(|message| message.sequence.0).collect();
        assert_eq!(sequences, (4_491..=4_500).rev().collect::<Vec<_>>());
    }
}
