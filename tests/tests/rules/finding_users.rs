//! `GET users/v2`: every field with every operator, held against a plain reading of all users; what a
//! search must be about; order, window and limits; and whatever else may be asked.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, proves, proves_all};

use crate::ask::{
    another_second, each, each_engines_with, is_iso, items, keys, proved, seconds, sign_up, with,
};

/// Fields of texts with the rows of their exact operators, and what a user has in them.
const FIELDS: [(&str, u16); 9] = [
    ("id", 52),
    ("login", 54),
    ("email", 56),
    ("full_name", 58),
    ("phone", 60),
    ("external_id", 62),
    ("facebook_id", 64),
    ("twitter_id", 66),
    ("user_tags", 68),
];

/// `GET users/v2` with parameters, whole.
async fn ask(person: &Person, parameters: &[(&str, &str)]) -> Answer {
    person.get(&with("users/v2", parameters)).await
}

/// The logins of those whom it finds.
async fn found(person: &Person, parameters: &[(&str, &str)]) -> Vec<String> {
    items(&ask(person, parameters).await).iter().map(login).collect()
}

fn login(user: &Value) -> String {
    user["login"].as_str().expect("everybody here has a login").to_owned()
}

/// What a user has in a field: nothing, one text, or several.
fn values(user: &Value, field: &str) -> Vec<String> {
    match &user[field] {
        Value::Null => vec![],
        Value::Number(number) => vec![number.to_string()],
        value if field == "user_tags" => {
            value.as_str().expect("a text").split(',').map(str::to_owned).collect()
        }
        value => vec![value.as_str().expect("a text").to_owned()],
    }
}

/// Those of `all` who pass, by their logins.
fn those(all: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    all.iter().filter(|user| wanted(user)).map(login).collect()
}

/// Users who differ in everything that can be asked for; all of them as they are shown.
async fn furnish(chat: &Chat) -> (Person, Vec<Value>) {
    let ada = chat.user("ada-king").await;
    let others = [
        (
            "ada-lovelace",
            json!({
                "email": "Ada.Lovelace@Example.com", "full_name": "Ada Lovelace", "phone": "+44 100 200",
                "external_id": "ext-100", "facebook_id": "fb-1000", "twitter_id": "tw-1000", "tag_list": ["vip", "chess-club"],
            }),
        ),
        (
            "ADA-lovett",
            json!({
                "email": "ada.lovett@example.com", "full_name": "ADA LOVETT", "phone": "+44 100 300",
                "external_id": "ext-200", "facebook_id": "FB-1001", "twitter_id": "tw-2000", "tag_list": ["VIP", "chess-team"],
            }),
        ),
        (
            "zoë 😀%_'",
            json!({
                "email": "zoe@example.com", "full_name": "Zoë 😀😀😀 \"%_\\", "phone": "+49 %_'",
                "external_id": "ext_100", "facebook_id": "\u{202e}fb-1000", "twitter_id": "tw%1000", "tag_list": "vip,chess%club",
            }),
        ),
    ];
    for (login, user) in others {
        another_second().await;
        sign_up(chat, &ada, login, &user).await;
    }
    let ids = (1..=20).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let all = items(&ask(&ada, &[("id[in]", &ids)]).await);
    assert_eq!(all.len(), 4);
    (ada, all)
}

#[tokio::test]
async fn users_are_found_by_every_field_and_operator() {
    each_engines_with(&[], async |chat: &Chat| {
        let (ada, all) = furnish(chat).await;
        for (field, first) in FIELDS {
            exactly(&ada, &all, field).await;
            proved("USER", [first]);
            by_lists(&ada, &all, field).await;
            proved("USER", [first + 1]);
        }
        by_beginnings(&ada, &all).await;
        by_exclusion(&ada, &all).await;
        for (field, row) in [("last_request_at", 76), ("created_at", 77), ("updated_at", 78)] {
            by_times(&ada, &all, field).await;
            proved("USER", [row]);
        }
        let everybody = ("login[in]", "ada-king,ada-lovelace,zoë 😀%_'");
        for field in ["id", "login", "phone", "user_tags"] {
            for operator in ["gt", "lt", "gte", "lte"] {
                let name = format!("{field}[{operator}]");
                ask(&ada, &[everybody, (&name, "1")]).await.is(422);
            }
        }
        proved("USER", [79]);
    })
    .await;
}

async fn exactly(ada: &Person, all: &[Value], field: &str) {
    for value in all.iter().flat_map(|user| values(user, field)) {
        let expected = those(all, |user| values(user, field).contains(&value));
        assert!(!expected.is_empty() && expected.len() < all.len());
        for name in [field.to_owned(), format!("{field}[eq]")] {
            assert_eq!(found(ada, &[(&name, &value)]).await, expected, "{name}={value}");
        }
        if field != "id" {
            let longer = format!("{value}x");
            assert_eq!(found(ada, &[(field, &longer)]).await, [] as [&str; 0], "{field}={longer}");
        }
    }
}

async fn by_lists(ada: &Person, all: &[Value], field: &str) {
    let asked = all.iter().skip(1).step_by(2).flat_map(|user| values(user, field)).collect::<Vec<_>>();
    let expected = those(all, |user| values(user, field).iter().any(|value| asked.contains(value)));
    assert!(expected.len() >= 2, "{field}");
    for name in [format!("{field}[in][]"), format!("{field}[]")] {
        let parameters = asked.iter().map(|value| (&*name, &**value)).collect::<Vec<_>>();
        assert_eq!(found(ada, &parameters).await, expected, "{name}");
    }
    if field == "id" {
        proves("R-WIRE-090");
    }
    if field == "user_tags" {
        proves("R-WIRE-091");
    }
    assert_eq!(found(ada, &[(&format!("{field}[in]"), &asked.join(","))]).await, expected, "{field}");
    assert_eq!(found(ada, &[(&format!("{field}[in]"), "")]).await, [] as [&str; 0], "{field}");
}

async fn by_beginnings(ada: &Person, all: &[Value]) {
    let folded = |text: &str| text.to_lowercase();
    for (field, beginnings) in [
        ("login", &["ada-", "ADA-LOVE", "ada-lovett", "zoë 😀", "ada_"][..]),
        ("email", &["ada.", "ADA.LOVE", "zoe@", "a%a."]),
        ("full_name", &["ada ", "Ada LOV", "zoë 😀😀😀 \"%_\\", "%%%%", "____"]),
        ("phone", &["+44 ", "+44 100 2", "+49 %_'", "+4__"]),
        ("external_id", &["ext-", "EXT_", "ext%", "ext-1"]),
        ("facebook_id", &["fb-1", "Fb-1000"]),
        ("twitter_id", &["tw-1", "TW%1", "tw-2000"]),
        ("user_tags", &["chess", "CHESS-C", "chess%", "ches_"]),
    ] {
        for beginning in beginnings {
            let begins = |value: &String| {
                // Marks of direction are not seen, and so not looked at.
                folded(value).trim_start_matches('\u{202e}').starts_with(&folded(beginning))
            };
            let expected = those(all, |user| values(user, field).iter().any(begins));
            let name = format!("{field}[start_with]");
            assert_eq!(found(ada, &[(&name, beginning)]).await, expected, "{name}={beginning}");
        }
    }
    proved("USER", [70, 71, 72, 73, 74, 85]);
    assert_eq!(found(ada, &[("login[start_with]", "ADA-LOV")]).await, ["ada-lovelace", "ADA-lovett"]);
    for short in ["", "a", "ada", "zoë", "😀😀😀", "ada\u{200f}\u{202e}", "   ada"] {
        let refused = ask(ada, &[("login[start_with]", short)]).await.is(422).json();
        assert_eq!(
            refused,
            json!({ "errors": { "login": ["is too short (minimum is 4 characters)"] } }),
            "{short:?}"
        );
    }
    proved("USER", [83]);
}

async fn by_exclusion(ada: &Person, all: &[Value]) {
    let everybody = ("full_name[in][]", "Ada Lovelace");
    let others = ("full_name[in][]", "ADA LOVETT");
    let two = those(all, |user| {
        user["full_name"].as_str().is_some_and(|name| name.to_lowercase().starts_with("ada "))
    });
    assert_eq!(found(ada, &[everybody, others]).await, two);
    for (name, value) in [
        ("login[nin][]", "ADA-LOVETT"),
        ("user_tags[nin][]", "VIP"),
        ("phone[nin][]", "+44 100 300"),
        ("id[nin]", &*all[2]["id"].to_string()),
    ] {
        assert_eq!(found(ada, &[everybody, others, (name, value)]).await, ["ada-lovelace"], "{name}");
    }
    // Whoever has no tag has not that one.
    assert_eq!(
        found(ada, &[("login[start_with]", "ada-"), ("user_tags[nin]", "vip,chess-team")]).await,
        ["ada-king"]
    );
    proved("USER", [75]);
}

async fn by_times(ada: &Person, all: &[Value], field: &str) {
    let ids = all.iter().map(|user| user["id"].to_string()).collect::<Vec<_>>().join(",");
    for bound in all.iter().map(|user| seconds(&user[field])) {
        let tests: [(&str, &dyn Fn(i64) -> bool); 4] = [
            ("gt", &|at| at > bound),
            ("lt", &|at| at < bound),
            ("gte", &|at| at >= bound),
            ("lte", &|at| at <= bound),
        ];
        for (operator, holds) in tests {
            let expected = those(all, |user| holds(seconds(&user[field])));
            let name = format!("{field}[{operator}]");
            for written in [bound.to_string(), (bound * 1000 + 999).to_string(), iso_of(all, field, bound)] {
                assert_eq!(
                    found(ada, &[("id", &ids), (&name, &written)]).await,
                    expected,
                    "{name}={written}"
                );
            }
        }
    }
}

/// A bound as it is shown.
fn iso_of(all: &[Value], field: &str, bound: i64) -> String {
    let shown = all.iter().map(|user| &user[field]).find(|at| seconds(at) == bound);
    shown.and_then(Value::as_str).expect("somebody has it").to_owned()
}

#[tokio::test]
async fn a_search_is_about_somebody() {
    each_engines_with(&[], async |chat: &Chat| {
        let (ada, all) = furnish(chat).await;
        for query in [
            "users/v2",
            "users/v2?",
            "users/v2.json?",
            "users/v2?limit=5&offset=1",
            "users/v2?colour=red",
            "users/v2?login=null&id=undefined",
        ] {
            let refused = ada.get(query).await.is(422).json();
            assert_eq!(keys(&refused["errors"]), ["base"], "{query}");
        }
        proved("USER", [80, 81]);
        proves("R-WIRE-016");
        for query in [
            "login[nin][]=ada-king",
            "id[nin]=1,2&user_tags[nin]=vip",
            "created_at[gt]=5",
            "updated_at[lt]=5&last_request_at[gte]=1&sort_asc=id",
            "created_at=5",
        ] {
            let refused = ada.get(&format!("users/v2?{query}")).await.is(422).json();
            assert_eq!(keys(&refused["errors"]), ["base"], "{query}");
        }
        proved("USER", [82]);

        let path = with("users/v2.json", &[("login", "ada-lovelace")]);
        let shown = ada.get(&path).await.is(200).json();
        assert_eq!(keys(&shown), ["items", "limit", "skip", "total_entries"]);
        proved("USER", [50]);
        proves("R-WIRE-009");
        let wrapped = ada.get(&format!("users/{}", all[1]["id"])).await.is(200).json();
        assert_eq!(shown["items"], json!([wrapped["user"]]));
        assert_eq!(keys(&shown["items"][0]).len(), 19);
        proved("USER", [51]);
        for user in &all {
            assert!(is_iso(&user["created_at"]) && is_iso(&user["updated_at"]), "{user}");
        }
        let silent = json!({ "user": { "login": "silent", "password": Chat::secrets()[0] } });
        ada.post_to("users", &silent).await.is(201);
        let never = items(&ask(&ada, &[("login[]", "silent"), ("login[]", "ada-lovelace")]).await);
        assert!(is_iso(&never[0]["last_request_at"]), "{never:?}");
        assert_eq!(never[1]["last_request_at"], Value::Null);
        proves("R-WIRE-136");

        let [_, key, _] = Chat::secrets();
        let opened = chat.api().request(Method::POST, "session");
        let opened = Answer::to(opened.json(&json!({ "application_id": 7, "auth_key": key }))).await.is(201);
        let token = opened.json()["session"]["token"].as_str().expect("a token").to_owned();
        let asked = chat.api().request(Method::GET, &path).header("CB-Token", token);
        assert_eq!(Answer::to(asked).await.is(200).json(), shown);
        proved("USER", [90]);
        chat.api().get(&path).await.is(401);
    })
    .await;
}

#[tokio::test]
async fn a_crowd_is_shown_in_parts() {
    each_engines_with(&[], async |chat: &Chat| {
        let ada = chat.user("ada").await;
        let crowd: Vec<String> = (0..103).map(|n| format!("walker-{n:03}")).collect();
        for some in crowd.chunks(8) {
            let bodies = some.iter().map(|login| {
                let tags = json!(["crowd", &login[7..]]);
                json!({ "user": { "login": login, "password": Chat::secrets()[0], "tag_list": tags } })
            });
            let signed_up = bodies.map(async |body| ada.post_to("users", &body).await.is(201));
            join_all(signed_up).await;
        }
        let part = async |parameters: &[(&str, &str)]| {
            let all = [&[("user_tags", "crowd"), ("sort_asc", "login")], parameters].concat();
            let shown = ask(&ada, &all).await.is(200).json();
            assert_eq!(shown["total_entries"], 103, "{parameters:?}");
            let logins: Vec<String> = items_of(&shown).iter().map(login).collect();
            (shown["limit"].clone(), shown["skip"].clone(), logins)
        };
        assert_eq!(part(&[]).await, (json!(100), json!(0), crowd[..100].to_vec()));
        proves_all(["R-LIMIT-010"]);
        assert_eq!(part(&[("limit", "1000")]).await, (json!(100), json!(0), crowd[..100].to_vec()));
        assert_eq!(part(&[("limit", "101")]).await.2.len(), 100);
        proves_all(["R-LIMIT-011"]);
        assert_eq!(part(&[("limit", "7")]).await, (json!(7), json!(0), crowd[..7].to_vec()));
        assert_eq!(part(&[("limit", "0")]).await, (json!(1), json!(0), crowd[..1].to_vec()));
        proves_all(["R-LIMIT-012"]);
        assert_eq!(part(&[("limit", "7"), ("offset", "100")]).await.2, crowd[100..].to_vec());
        assert_eq!(part(&[("offset", "50")]).await, (json!(100), json!(50), crowd[50..].to_vec()));
        proved("USER", [86, 87, 89]);
        for (offset, echoed) in [("103", 103), ("9007199254740992", 9_007_199_254_740_992_u64)] {
            assert_eq!(part(&[("offset", offset)]).await, (json!(100), json!(echoed), vec![]));
        }
        assert_eq!(
            part(&[("offset", "-5"), ("limit", "2")]).await,
            (json!(2), json!(0), crowd[..2].to_vec())
        );
        part(&[("offset", "99999999999999999999999999")]).await;

        let walkers = &[("login[start_with]", "WALKER-0"), ("limit", "50"), ("sort_desc", "login")];
        let shown = ask(&ada, walkers).await.is(200).json();
        assert_eq!((&shown["limit"], &shown["total_entries"]), (&json!(5), &json!(100)));
        let newest: Vec<String> = crowd[95..100].iter().rev().cloned().collect();
        assert_eq!(items_of(&shown).iter().map(login).collect::<Vec<_>>(), newest);
        let shown = ask(&ada, &[("login[start_with]", "walker-"), ("offset", "101")]).await.is(200).json();
        assert_eq!(items_of(&shown).len(), 2);
        proved("USER", [84]);
        sorted(&ada, &crowd).await;
    })
    .await;
}

fn items_of(shown: &Value) -> Vec<Value> {
    shown["items"].as_array().expect("a list").clone()
}

async fn sorted(ada: &Person, crowd: &[String]) {
    for field in ["id", "login", "created_at", "updated_at", "user_tags"] {
        let shown = async |direction: &str| {
            let crowd = [("user_tags", "crowd"), ("limit", "100"), (direction, field)];
            let first = items(&ask(ada, &crowd).await);
            let rest = items(&ask(ada, &[&crowd[..], &[("offset", "100")]].concat()).await);
            [first, rest].concat()
        };
        let (up, mut down) = (shown("sort_asc").await, shown("sort_desc").await);
        let values = each(&up, field);
        let order: Vec<String> =
            values.as_array().expect("a list").iter().map(|it| format!("{:>8}", it.to_string())).collect();
        assert!(order.is_sorted(), "{field}: {order:?}");
        down.reverse();
        assert_eq!(each(&down, "id"), each(&up, "id"), "{field}");
        assert_eq!(up.len(), crowd.len());
    }
    ask(ada, &[("login", "ada"), ("sort_asc", "password")]).await.is(422);
    ask(ada, &[("login", "ada"), ("sort_desc", "id; DROP TABLE users")]).await.is(422);
    proved("USER", [88]);
}

#[tokio::test]
async fn whatever_is_looked_for_is_only_looked_for() {
    each_engines_with(&[], async |chat: &Chat| {
        let (ada, _) = furnish(chat).await;
        let long = "x".repeat(10_001);
        let many = (1..=101).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        for (name, value) in [
            ("login[in]", &*many),
            ("id[in]", &many),
            ("user_tags", &many),
            ("id", "abc"),
            ("id", "1.5"),
            ("id[eq]", "' OR 1=1 --"),
            ("login[like]", "ada%"),
            ("login[foo][bar]", "ada"),
            ("login[all]", "ada"),
            ("login[ctn]", "ada"),
            ("login[start_with][]", "ada-"),
            ("created_at[gt]", "yesterday"),
            ("created_at[start_with]", "2026"),
            ("login", &long),
            ("login[start_with]", &long),
            ("login[in]", "ada\0king"),
            ("full_name[start_with]", "ada\0king"),
            ("limit", "many"),
            ("offset", "1e3"),
        ] {
            let refused = ask(&ada, &[("phone", "+44 100 200"), (name, value)]).await.is(422).json();
            assert_eq!(keys(&refused), ["errors"], "{name}={}", &value[..value.len().min(40)]);
        }
        for (name, value) in [
            ("login", "' OR '1'='1"),
            ("login", "%"),
            ("login", "ada%"),
            ("login", "\u{202e}\u{200f}"),
            ("login", "😀"),
            ("login[start_with]", "' OR"),
            ("full_name", "\\"),
            ("full_name[start_with]", "\\\\\\\\"),
            ("full_name[start_with]", "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}"),
            ("id", "99999999999999999999"),
            ("id", "-1"),
            ("id", "0"),
            ("user_tags", "vip'"),
            ("phone", "$1"),
            ("phone", "?1"),
            ("external_id", "\u{1}"),
            ("email", ""),
        ] {
            assert_eq!(found(&ada, &[(name, value)]).await, [] as [&str; 0], "{name}={value}");
        }
        ada.get("users/v2?login=%FF").await.is(400);
        ada.get("users/v2?login=a&login[in]=b").await.is(422);
        assert_eq!(found(&ada, &[("login", "ada-king"), ("colour[like]", "red")]).await, ["ada-king"]);
        let among = items(&ask(&ada, &[("full_name", "Zoë 😀😀😀 \"%_\\")]).await);
        assert_eq!(each(&among, "login"), json!(["zoë 😀%_'"]));
    })
    .await;
}
