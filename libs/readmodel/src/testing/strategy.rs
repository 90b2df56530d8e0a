//! Steps for proptest: how often people wish for what.

use domain::event::{Kind, Mark};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{Step, Wish};

/// Messages that a wish names at most.
const NAMED_MAX: usize = 6;
/// Messages that a burst writes at most: more than fit a chunk, so that histories cross
/// its border.
const BURST_MAX: u16 = 4_200;

/// Up to `steps_max` steps that begin with some dialogs and messages in them. With `long`
/// dialogs may grow past the border of a chunk, which costs time.
pub fn steps(steps_max: usize, long: bool) -> impl Strategy<Value = Vec<Step>> {
    let first = vec(step(create()), 2..5);
    let posts = vec(step(Just(Wish::Burst(5)).boxed()), 1..6);
    let burst = if long { 3_900..BURST_MAX } else { 1..30 };
    let long = vec(step(burst.prop_map(Wish::Burst).boxed()), 0..3);
    let rest = vec(step(wish()), 1..steps_max);
    (first, posts, long, rest)
        .prop_map(|(first, posts, long, rest)| [first, posts, long, rest].into_iter().flatten().collect())
}

fn step(wish: proptest::strategy::BoxedStrategy<Wish>) -> impl Strategy<Value = Step> {
    let erased = proptest::bool::weighted(0.05);
    (any::<u8>(), any::<u8>(), 0..3_000_u16, erased, wish)
        .prop_map(|(actor, dialog, pause_ms, erased, wish)| Step { actor, dialog, pause_ms, erased, wish })
}

fn create() -> proptest::strategy::BoxedStrategy<Wish> {
    let kind = prop_oneof![
        4 => Just(Kind::Group),
        3 => Just(Kind::Private),
        2 => Just(Kind::Public),
        2 => Just(Kind::Broadcast),
    ];
    (kind, any::<u8>(), any::<u8>())
        .prop_map(|(kind, users, admins)| Wish::Create { kind, users, admins: admins & users })
        .boxed()
}

fn wish() -> proptest::strategy::BoxedStrategy<Wish> {
    let mark = || prop_oneof![Just(Mark::Read), Just(Mark::Delivered)];
    let listed = || prop_oneof![1 => mark(), 2 => Just(Mark::Viewed)];
    let messages = || vec(any::<u16>(), 1..NAMED_MAX);
    let few = || vec(any::<u16>(), 0..3);
    let kind = || option::of(any::<u8>());
    let members = (any::<bool>(), option::of(any::<bool>()), any::<u8>(), any::<u8>(), any::<u8>()).prop_map(
        |(rename, allow_preview, add, remove, few)| Wish::Change {
            rename,
            allow_preview,
            add: add & few,
            remove: remove & !few & add,
        },
    );
    prop_oneof![
        1 => create(),
        3 => members,
        2 => Just(Wish::Leave),
        1 => Just(Wish::Delete),
        10 => (option::of(0..12_u8), any::<bool>()).prop_map(|(name, forged)| Wish::Post { name, forged }),
        2 => (1..12_u16).prop_map(Wish::Burst),
        3 => any::<u8>().prop_map(Wish::Write),
        3 => any::<u16>().prop_map(Wish::Edit),
        6 => (mark(), messages()).prop_map(|(mark, messages)| Wish::MarkNamed(mark, messages)),
        8 => (listed(), vec(any::<(u16, u16)>(), 1..3)).prop_map(|(mark, pairs)| Wish::MarkListed(mark, pairs)),
        3 => mark().prop_map(Wish::MarkAll),
        4 => messages().prop_map(Wish::Hide),
        4 => messages().prop_map(Wish::Remove),
        2 => any::<(u8, u8)>().prop_map(|(add, remove)| Wish::Admins { add, remove: remove & !add }),
        3 => (few(), few()).prop_map(|(pin, unpin)| Wish::Pin { pin, unpin }),
        1 => Just(Wish::Clear),
        1 => Just(Wish::ClearForAll),
        3 => Just(Wish::Subscribe),
        1 => any::<bool>().prop_map(Wish::Notify),
        2 => any::<u8>().prop_map(Wish::Block),
        2 => any::<u8>().prop_map(Wish::Unblock),
        8 => (any::<u16>(), kind(), kind())
            .prop_map(|(message, add, remove)| Wish::React { message, add, remove }),
    ]
    .boxed()
}
