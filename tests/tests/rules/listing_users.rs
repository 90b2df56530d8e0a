//! The older calls for users: `GET users` in numbered pages, with rules and an order, and the look-ups by one
//! name; and that users are shown alike wherever they are shown.

use serde_json::{Value, json};
use tests::{Answer, Chat, Person, proves_all};

use crate::ask::{another_second, each, each_engines_with, items, keys, proved, seconds, sign_up, with};

/// Five users who differ; all of them as they are shown.
async fn furnish(chat: &Chat) -> (Person, Vec<Value>) {
    let ada = chat.user("ada").await;
    for (number, login) in ["bob", "carol", "dave", "eve"].iter().enumerate() {
        let user = json!({
            "email": format!("{login}@example.com"), "full_name": if number < 2 { "Sam Smith" } else { "Kim" },
            "phone": format!("+44 {number}"), "external_id": format!("ext-{number}"), "external_user_id": number + 70,
            "facebook_id": format!("fb-{number}"), "twitter_id": format!("tw-{number}"),
            "website": format!("https://{login}.example"), "tag_list": if number % 2 == 0 { "even" } else { "odd,prime" },
        });
        another_second().await;
        sign_up(chat, &ada, login, &user).await;
    }
    let all = unwrapped(&ada.get("users?per_page=100").await);
    assert_eq!(each(&all, "login"), json!(["ada", "bob", "carol", "dave", "eve"]));
    (ada, all)
}

/// The users of a list that wraps each.
fn unwrapped(answer: &Answer) -> Vec<Value> {
    let wrapped = items(answer);
    assert!(wrapped.iter().all(|item| keys(item) == ["user"]), "{wrapped:?}");
    wrapped.iter().map(|item| item["user"].clone()).collect()
}

/// The logins of those whom `GET users` lists.
async fn listed(person: &Person, parameters: &[(&str, &str)]) -> Value {
    each(&unwrapped(&person.get(&with("users", parameters)).await), "login")
}

#[tokio::test]
async fn all_users_are_listed_in_numbered_pages() {
    each_engines_with(&[], async |chat: &Chat| {
        let (ada, all) = furnish(chat).await;
        let shown = ada.get("users.json").await.is(200).json();
        assert_eq!(keys(&shown), ["current_page", "items", "per_page", "total_entries"]);
        assert_eq!((&shown["current_page"], &shown["total_entries"]), (&json!(1), &json!(5)));
        assert_eq!(unwrapped(&ada.get("users").await), all);
        proved("USER", [93]);
        let page = async |page: &str, per_page: &str| {
            let answer = ada.get(&with("users", &[("page", page), ("per_page", per_page)])).await;
            let shown = answer.clone().is(200).json();
            assert_eq!(shown["total_entries"], 5);
            (shown["current_page"].clone(), shown["per_page"].clone(), each(&unwrapped(&answer), "login"))
        };
        assert_eq!(page("1", "2").await, (json!(1), json!(2), json!(["ada", "bob"])));
        assert_eq!(page("2", "2").await, (json!(2), json!(2), json!(["carol", "dave"])));
        assert_eq!(page("3", "2").await, (json!(3), json!(2), json!(["eve"])));
        assert_eq!(page("4", "2").await, (json!(4), json!(2), json!([])));
        assert_eq!(page("0", "2").await.2, json!(["ada", "bob"]));
        assert_eq!(page("99999999999999999999", "100").await.2, json!([]));
        proved("USER", [110, 111]);
        assert_eq!(page("", "1000").await.1, json!(100));
        assert_eq!(page("", "-1").await.1, json!(1));
        ada.get("users?page=x").await.is(422);
        for n in 0..7 {
            let body = json!({ "user": { "login": format!("more-{n}"), "password": Chat::secrets()[0] } });
            ada.post_to("users", &body).await.is(201);
        }
        let shown = ada.get("users").await;
        assert_eq!((&shown.json()["per_page"], items(&shown).len()), (&json!(10), 10));
        proves_all(["R-LIMIT-015", "R-LIMIT-016"]);
    })
    .await;
}

#[tokio::test]
async fn no_page_is_larger_than_a_hundred() {
    each_engines_with(&[], async |chat: &Chat| {
        let ada = chat.user("ada").await;
        for n in 0..101 {
            let body = json!({ "user": { "login": format!("user-{n}"), "password": Chat::secrets()[0] } });
            ada.post_to("users", &body).await.is(201);
        }
        let shown = ada.get("users?per_page=102").await;
        assert_eq!((&shown.json()["per_page"], items(&shown).len()), (&json!(100), 100));
        assert_eq!(shown.json()["total_entries"], 102);
        proves_all(["R-LIMIT-016"]);
    })
    .await;
}

#[tokio::test]
async fn rules_narrow_the_list() {
    each_engines_with(&[], async |chat: &Chat| {
        let (ada, all) = furnish(chat).await;
        let third = all[2]["id"].as_u64().expect("a number");
        let at = seconds(&all[2]["created_at"]);
        for (row, operator, wanted) in [
            (112, "gt", json!(["dave", "eve"])),
            (113, "lt", json!(["ada", "bob"])),
            (114, "ge", json!(["carol", "dave", "eve"])),
            (115, "le", json!(["ada", "bob", "carol"])),
            (116, "eq", json!(["carol"])),
            (117, "ne", json!(["ada", "bob", "dave", "eve"])),
        ] {
            for (kind, field, value) in [
                ("number", "id", third.to_string()),
                ("date", "created_at", at.to_string()),
                ("date", "created_at", (at * 1000).to_string()),
                ("date", "created_at", all[2]["created_at"].as_str().expect("a date").to_owned()),
                ("string", "login", "CAROL".to_owned()),
            ] {
                for separator in [" ", "+"] {
                    let rule = [kind, field, operator, &value].join(separator);
                    assert_eq!(listed(&ada, &[("filter[]", &rule)]).await, wanted, "{rule}");
                    let keyed = [kind, field, &value].join(separator);
                    let name = format!("filter[{operator}]");
                    assert_eq!(listed(&ada, &[(&name, &keyed)]).await, wanted, "{name}={keyed}");
                }
            }
            proved("USER", [row]);
        }
        proved("USER", [120, 121, 122]);
        let plain = ada.get(&format!("users?filter[]=number+id+gt+{third}")).await;
        assert_eq!(each(&unwrapped(&plain), "login"), json!(["dave", "eve"]));
        let between = format!("number id between {third},{}", third + 1);
        assert_eq!(listed(&ada, &[("filter[]", &between)]).await, json!(["carol", "dave"]));
        assert_eq!(
            listed(&ada, &[("filter[]", "string login between bob,carol")]).await,
            json!(["bob", "carol"])
        );
        proved("USER", [118]);
        let among = format!("number id in {third},999,{}", third - 1);
        assert_eq!(listed(&ada, &[("filter[]", &among)]).await, json!(["bob", "carol"]));
        assert_eq!(
            listed(&ada, &[("filter[]", "string login in eve,bob,nobody")]).await,
            json!(["bob", "eve"])
        );
        proved("USER", [119]);
        let several =
            [("filter[]", "string full_name eq Sam Smith"), ("filter[]", "string user_tags in odd")];
        assert_eq!(listed(&ada, &several).await, json!(["carol"]));
        proved("USER", [123]);
        for (rule, wanted) in [
            ("string website eq https://eve.example", json!(["eve"])),
            ("number external_user_id eq 71", json!(["carol"])),
            ("string phone ne +44 0", json!(["ada", "carol", "dave", "eve"])),
            ("string user_tags ne odd", json!(["ada", "bob", "dave"])),
            ("string login eq ' OR '1'='1", json!([])),
            ("string login in", json!([])),
        ] {
            assert_eq!(listed(&ada, &[("filter[]", rule)]).await, wanted, "{rule}");
        }
        orders(&ada).await;
        refusals(&ada).await;
    })
    .await;
}

async fn orders(ada: &Person) {
    for (order, wanted) in [
        ("asc string login", json!(["ada", "bob", "carol", "dave", "eve"])),
        ("desc date created_at", json!(["eve", "dave", "carol", "bob", "ada"])),
        ("desc+number+id", json!(["eve", "dave", "carol", "bob", "ada"])),
        // Whoever has none comes last from either end.
        ("desc string website", json!(["eve", "dave", "carol", "bob", "ada"])),
        ("asc string website", json!(["bob", "carol", "dave", "eve", "ada"])),
    ] {
        assert_eq!(listed(ada, &[("order", order)]).await, wanted, "{order}");
    }
    proved("USER", [124]);
}

async fn refusals(ada: &Person) {
    let many = (0..101).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for rule in [
        "id gt 5",
        "number",
        "number id",
        "number id gt",
        "number id gt x",
        "number id like 5",
        "number id between 5",
        "number password_hash eq x",
        "string login; DROP TABLE users eq x",
        "number login gt 5",
        "date id gt 5",
        "date created_at gt soon",
        "string user_tags gt a",
        "string login eq a\0b",
        &format!("number id in {many}"),
        &format!("string login eq {}", "x".repeat(10_001)),
    ] {
        ada.get(&with("users", &[("filter[]", rule)])).await.is(422);
    }
    ada.get(&with("users", &[("filter[]", "number id gt 0"); 21])).await.is(422);
    ada.get("users?filter[foo]=number id 5").await.is(422);
    ada.get("users?filter[][x]=number id gt 5").await.is(422);
    for order in ["asc", "up date created_at", "asc date password_hash", "asc date id desc"] {
        ada.get(&with("users", &[("order", order)])).await.is(422);
    }
}

#[tokio::test]
async fn one_user_is_looked_up_by_a_name() {
    each_engines_with(&[], async |chat: &Chat| {
        let (ada, all) = furnish(chat).await;
        let carol = json!({ "user": all[2] });
        let missing = json!({ "errors": ["The resource wasn't found"] });
        for (first, path, name, value) in [
            (96, "users/by_login", "login", "Carol"),
            (98, "users/by_email", "email", "CAROL@example.com"),
            (101, "users/by_facebook_id", "facebook_id", "fb-1"),
            (103, "users/by_twitter_id", "twitter_id", "tw-1"),
            (106, "users/phone.json", "phone", "+44 1"),
        ] {
            assert_eq!(ada.get(&with(path, &[(name, value)])).await.is(200).json(), carol, "{path}");
            let long = "x".repeat(300);
            for unknown in ["nobody", "' OR '1'='1", "%", "ca_ol", "\u{200f}", "😀", &long] {
                assert_eq!(ada.get(&with(path, &[(name, unknown)])).await.is(404).json(), missing, "{path}");
            }
            for refused in [path.to_owned(), format!("{path}?{name}="), with(path, &[(name, "a\0b")])] {
                ada.get(&refused).await.is(422);
            }
            proved("USER", [first, first + 1]);
        }
        let id = carol["user"]["id"].as_u64().expect("a number");
        for (first, paths) in [
            (94, [format!("users/{id}"), format!("users/{id}.json")]),
            // By the newer field, else by the older one.
            (108, ["users/external/ext-1.json".to_owned(), "users/external/71".to_owned()]),
        ] {
            for path in paths {
                assert_eq!(ada.get(&path).await.is(200).json(), carol, "{path}");
            }
            proved("USER", [first, first + 1]);
        }
        for path in
            ["users/999", "users/x", "users/external/ext-", "users/external/%00", "users/external/%25"]
        {
            assert_eq!(ada.get(path).await.is(404).json(), missing, "{path}");
        }
        let named =
            ada.get(&with("users/by_full_name", &[("full_name", "Sam Smith"), ("per_page", "1")])).await;
        let shown = named.clone().is(200).json();
        assert_eq!(keys(&shown), ["current_page", "items", "per_page", "total_entries"]);
        assert_eq!((&shown["total_entries"], unwrapped(&named)), (&json!(2), vec![all[1].clone()]));
        let second = [("full_name", "Sam Smith"), ("per_page", "1"), ("page", "2")];
        assert_eq!(unwrapped(&ada.get(&with("users/by_full_name", &second)).await), [all[2].clone()]);
        assert_eq!(unwrapped(&ada.get("users/by_full_name?full_name=Sam").await), [] as [Value; 0]);
        proved("USER", [100]);
        for (tags, wanted) in
            [("odd", json!(["carol", "eve"])), ("even,prime", json!(["bob", "carol", "dave", "eve"]))]
        {
            let found = ada.get(&with("users/by_tags", &[("tags", tags)])).await;
            assert_eq!(each(&unwrapped(&found), "login"), wanted);
            assert_eq!(keys(&found.json()), ["current_page", "items", "per_page", "total_entries"]);
        }
        proved("USER", [105]);
        for path in ["users/by_full_name", "users/by_tags", "users/by_tags?tags=,"] {
            ada.get(path).await.is(422);
        }
    })
    .await;
}

#[tokio::test]
async fn listing_all_users_can_be_switched_off() {
    each_engines_with(&[("app.list_users", "false")], async |chat: &Chat| {
        let [ada, bob] = chat.users(["ada", "bob"]).await;
        let words = "Listing users is disabled in the application's settings";
        for path in ["users", "users.json?page=1", "users?filter[]=string login eq bob"] {
            assert_eq!(ada.get(path).await.is(422).json(), json!({ "errors": { "base": [words] } }));
        }
        proved("USER", [125]);
        for path in ["users/by_login?login=bob", "users/v2?login=bob", "users/by_full_name?full_name=bob"] {
            ada.get(path).await.is(200);
        }

        let dialog = ada.create_group("lobby", [&bob]).await;
        let occupants = items(&ada.get(&format!("chat/Dialog/{dialog}/occupants")).await);
        let elsewhere = ada.get(&format!("users/{}", ada.id())).await.is(200).json();
        assert_eq!(occupants[0], elsewhere["user"]);
        assert_eq!(keys(&occupants[1]), keys(&elsewhere["user"]));
        proved("USER", [126]);
    })
    .await;
}
