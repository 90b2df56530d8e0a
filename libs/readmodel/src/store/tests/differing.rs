//! What a comparison of two read models finds.

use super::ground::on_both;
use super::{rich, whole};

#[test]
fn every_row_that_differs_is_named() {
    let same = |sql| [sql, sql];
    let cases = [
        (
            same("UPDATE dialogs SET head = head + 1, name = 'x' WHERE kind = 2"),
            "dialogs ffffffff0000000000000002: other name, head",
        ),
        (
            ["DELETE FROM standings WHERE user = 5", "DELETE FROM standings WHERE user_id = 5"],
            "standings ffffffff0000000000000002/5: missing",
        ),
        (
            [
                "INSERT INTO standings SELECT dialog, 99, member, joined_at, from_sequence, cleared_to, hidden_at,
                    blocked, notifications, read_base, read_to, delivered_base, delivered_to, sparse
                    FROM standings WHERE user = 3",
                "INSERT INTO standings SELECT dialog, 99, member, joined_at, from_sequence, cleared_to, hidden_at,
                    blocked, notifications, read_base, read_to, delivered_base, delivered_to, sparse
                    FROM standings WHERE user_id = 3",
            ],
            "standings ffffffff0000000000000002/99: should not be there",
        ),
        (
            same("UPDATE messages SET text = 'x' WHERE sequence = 3"),
            "messages ffffffff0000000000000002/3: other text",
        ),
        (
            [r"UPDATE removals SET counts = x'0002'", r"UPDATE removals SET counts = '\x0002'"],
            "removals ffffffff0000000000000002: other counts",
        ),
        (
            ["UPDATE removed_chunks SET bits = x'ff'", r"UPDATE removed_chunks SET bits = '\xff'"],
            "removed_chunks ffffffff0000000000000002/0: other bits",
        ),
        (
            [
                "UPDATE mark_chunks SET hidden = x'ff' WHERE user = 3",
                r"UPDATE mark_chunks SET hidden = '\xff' WHERE user_id = 3",
            ],
            "mark_chunks ffffffff0000000000000002/0/3: other hidden",
        ),
        (
            same("DELETE FROM reactions"),
            "reactions ffffffff0000000000000002/11/…/4: missing",
        ),
        (
            ["UPDATE view_counts SET counts = x'02'", r"UPDATE view_counts SET counts = '\x02'"],
            "view_counts ffffffff0000000000000031/0: other counts",
        ),
        (same("UPDATE checkpoints SET highest_user = 1"), "checkpoints 0: other highest_user"),
    ];
    for (damage, expected) in cases {
        on_both(async |case| {
            case.store("whole").await.apply(&whole(1, rich())).await.unwrap();
            case.store("rows").await.apply(&whole(1, rich())).await.unwrap();
            case.run("rows", damage).await;
            assert_eq!(case.differences("rows", "whole").await, [expected], "{damage:?}");
        });
    }
}

#[test]
fn a_comparison_names_no_more_than_it_is_asked_for_and_no_dead_row() {
    on_both(async |case| {
        for name in ["rows", "whole"] {
            case.store(name).await.apply(&whole(1, rich())).await.unwrap();
        }
        case.run("rows", ["UPDATE messages SET text = 'x'"; 2]).await;
        assert_eq!(case.first_differences(["rows", "whole"], 4).await.len(), 4);
        for name in ["rows", "whole"] {
            case.run(name, ["UPDATE dialogs SET alive = 0", "UPDATE dialogs SET alive = false"]).await;
        }
        let dead = "UPDATE messages SET text = NULL; DELETE FROM mark_chunks; DELETE FROM removed_chunks;
            UPDATE standings SET read_to = 0";
        case.run("rows", [dead; 2]).await;
        assert_eq!(case.differences("rows", "whole").await, Vec::<String>::new());
    });
}
