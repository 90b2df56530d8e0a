//! What roles tell each other beside the log: commands and answers, progress.
