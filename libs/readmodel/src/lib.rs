//! Every read model: its rows, its fold, its queries, one file each.
