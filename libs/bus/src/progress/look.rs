//! Looking at the rows' own checkpoints: where a message was lost, and whether the rows
//! have gone back.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::Progress;

/// How often to look while somebody waits. News takes a few milliseconds, so that who has
/// waited for this long may wait for a message that never comes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often to look while nobody waits.
const LOOK_IDLY_EVERY: Duration = Duration::from_secs(1);

/// A look at the rows, from before they are asked.
#[derive(Debug)]
pub struct Look<'a> {
    progress: &'a Progress,
    /// What was visible before they were asked. Whatever the rows say then, they have it.
    before: Vec<u64>,
}

impl Progress {
    /// Begin to look at the rows' checkpoints. Ask for them after this call, of the
    /// database that the projectors write, not of a replica behind it.
    pub fn look(&self) -> Look<'_> {
        let before = self.partitions.iter().map(|sender| sender.borrow().reached.next).collect();
        Look { progress: self, before }
    }
}

impl Look<'_> {
    /// What the rows say: partition and next offset, 0 where nothing has been folded.
    pub fn found(self, checkpoints: &[(u32, u64)]) {
        for &(partition, next) in checkpoints {
            let Some(before) = self.before.get(partition as usize) else { continue };
            self.progress.change(partition, |known| {
                if next < *before {
                    if !known.back {
                        tracing::error!(
                            partition,
                            rows = next,
                            visible = known.highest,
                            "the read models have gone back behind what was visible; a restored database?"
                        );
                    }
                    known.back = true;
                }
                if known.back {
                    known.reached.next = next;
                    known.back = next < known.highest;
                } else {
                    known.reached.next = known.reached.next.max(next);
                }
                known.highest = known.highest.max(next);
            });
        }
    }
}

/// Look at the rows while somebody waits, every 50 ms, and once a second anyway. `read`
/// gives partition and next offset, or nothing if the rows cannot be read just now. Goes
/// on until it is dropped.
pub async fn watch_rows<F, R>(progress: &Progress, mut read: F)
where
    F: FnMut() -> R,
    R: Future<Output = Option<Vec<(u32, u64)>>>,
{
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            () = progress.awaited() => {
                tokio::time::sleep(LOOK_EVERY).await;
                if *progress.waiting.borrow() == 0 && looked.elapsed() < LOOK_IDLY_EVERY {
                    continue;
                }
            }
            () = tokio::time::sleep_until(looked + LOOK_IDLY_EVERY) => {}
        }
        let look = progress.look();
        if let Some(checkpoints) = read().await {
            look.found(&checkpoints);
        }
        looked = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Position, Reached, Visibility};

    const SOON: Duration = Duration::from_secs(1);

    fn at(next: u64) -> Position {
        Position { epoch: [0; 16], partition: 0, next }
    }

    fn heard(next: u64) -> Progress {
        let progress = Progress::new(1);
        progress.hear(0, Reached { next, folding: true }, None);
        progress
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_message_told_is_seen_in_the_rows() {
        let progress = heard(1);
        let looking = watch_rows(&progress, async || Some(vec![(0, 5)]));
        tokio::select! {
            visibility = progress.wait(at(5), SOON) => assert_eq!(visibility, Visibility::Visible),
            () = looking => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_looks_while_nobody_waits_but_once_a_second() {
        let progress = heard(1);
        let mut looks = 0;
        let looking = watch_rows(&progress, || {
            looks += 1;
            std::future::ready(None)
        });
        let _ = tokio::time::timeout(Duration::from_millis(10_500), looking).await;
        assert_eq!(looks, 10);
    }

    #[test]
    fn a_look_that_is_overtaken_by_news_is_no_step_back() {
        let progress = heard(1);
        let look = progress.look();
        progress.hear(0, Reached { next: 9, folding: true }, None);
        look.found(&[(0, 4)]);
        assert_eq!((progress.reached(0).next, progress.gone_back()), (9, None));
    }

    #[test]
    fn rows_that_have_gone_back_are_believed_until_they_have_caught_up() {
        let progress = heard(9);
        progress.look().found(&[(0, 4)]);
        assert_eq!((progress.reached(0).next, progress.gone_back()), (4, Some(0)));
        progress.hear(0, Reached { next: 9, folding: true }, None);
        assert_eq!(progress.reached(0).next, 4, "an old message");
        progress.look().found(&[(0, 8)]);
        assert_eq!((progress.reached(0).next, progress.gone_back()), (8, Some(0)));
        progress.look().found(&[(0, 10)]);
        assert_eq!((progress.reached(0).next, progress.gone_back()), (10, None));
        progress.hear(0, Reached { next: 11, folding: true }, None);
        assert_eq!(progress.reached(0).next, 11);
    }
}
