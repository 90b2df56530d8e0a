//! PostgreSQL: the server, the read models and the users in it.

use std::time::Duration;

use domain::Time;
use readmodel::postgres::{Inspected, Trigrams, inspect};
use runtime::Clock;

use super::clocks;
use super::finding::{Finding, Findings};
use crate::Settings;
use crate::engines::rows_settings;
use crate::settings::Role;

pub(super) const PART: &str = "PostgreSQL";

/// Connections that a projector opens beside those of `postgres.connections_max`.
const FOLDING: u32 = 4;

pub(super) async fn look(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let mut findings = Findings::of(PART);
    let begun = clock.instant();
    let server = match inspect(&rows_settings(settings)).await {
        Ok(server) => server,
        Err(error) => {
            findings.fail(
                format!("{:#}", anyhow::Error::from(error)),
                "start it, or correct postgres.url: without it nothing is answered",
            );
            return findings.into_vec();
        }
    };
    let took = clock.instant().duration_since(begun);
    findings.ok(format!("version {} answers at {}", server.version, server.address));
    the_server(&server, &mut findings);
    connections(settings, &server, &mut findings);
    searching(settings, &server, &mut findings);
    clocks::against(
        "PostgreSQL",
        Time(server.time_ms),
        (clock.now(), took.max(Duration::from_millis(1))),
        &mut findings,
    );
    schemas(&server, &mut findings);
    identity(settings, &mut findings).await;
    findings.into_vec()
}

fn the_server(server: &Inspected, findings: &mut Findings) {
    if server.is_standby {
        findings.fail(
            "it only follows another server: nothing can be written",
            "name the primary in postgres.url",
        );
    }
    if !server.fsync {
        findings.fail(
            "it does not sync to the disk (fsync = off): a crash can damage the database, users and sessions with it",
            "set fsync = on in postgresql.conf and reload it; the read models do not wait for it anyway",
        );
    }
    if !server.full_page_writes {
        findings.warn(
            "a crash in the middle of writing a page damages it (full_page_writes = off)",
            "set full_page_writes = on, unless the disk writes pages whole",
        );
    }
}

/// What this process with its roles may open, against what the server takes.
fn connections(settings: &Settings, server: &Inspected, findings: &mut Findings) {
    let each = settings.postgres.connections_max;
    let mut needed = 1;
    if settings.roles.has(Role::Gateway) {
        let searches = if settings.search.enabled {
            u32::try_from(settings.search.readers).unwrap_or(u32::MAX)
        } else {
            0
        };
        // Reading, users, and the one that hears of ended sessions.
        needed += each.saturating_mul(2).saturating_add(searches) + 1;
    }
    if settings.roles.has(Role::Command) {
        needed += settings.log.partitions();
    }
    if settings.roles.has(Role::Projector) {
        needed += each + FOLDING;
    }
    let most = server.connections_max;
    let said = format!(
        "a process with these roles opens up to {needed} connections, and the server takes {most} in all"
    );
    match most / needed.max(1) {
        0 => {
            findings.fail(said, "raise max_connections in postgresql.conf, or lower postgres.connections_max")
        }
        1 => findings.warn(said, "raise max_connections in postgresql.conf before a second process starts"),
        _ => findings.ok(said),
    }
}

fn searching(settings: &Settings, server: &Inspected, findings: &mut Findings) {
    match (settings.search.enabled, server.trigrams) {
        (false, _) => findings.ok("searching is switched off"),
        (true, Trigrams::Made) => findings.ok("its extension pg_trgm is there: messages can be searched"),
        (true, Trigrams::Possible) => findings.warn(
            "its extension pg_trgm is not in the database yet",
            "nothing, if its user may make extensions: the first projector does; else have CREATE EXTENSION pg_trgm run",
        ),
        (true, Trigrams::Absent) => findings.warn(
            "its extension pg_trgm is not installed: searches are answered with 503",
            "install the server's contrib package, or set search.enabled = false",
        ),
    }
}

fn schemas(server: &Inspected, findings: &mut Findings) {
    let schema = &server.schema;
    match &server.checkpoints {
        Some(_) => findings.ok(format!("the read models of this version are there ({schema})")),
        None if server.may_create => findings.warn(
            format!("there are no read models of this version yet ({schema})"),
            "nothing: the first projector makes and folds them",
        ),
        None => findings.fail(
            format!("there are no read models of this version ({schema}), and this user may make none"),
            "GRANT CREATE ON DATABASE … to the user of postgres.url",
        ),
    }
    if !server.others.is_empty() {
        findings.ok(format!(
            "{} are of other versions and can be dropped once no process of those runs",
            server.others.join(", ")
        ));
    }
}

async fn identity(settings: &Settings, findings: &mut Findings) {
    match identity::inspect_postgres(settings.postgres.url.expose()).await {
        Ok(Some(found)) if found.format < found.known => findings.warn(
            format!("users and sessions have format {}, and this version writes {}", found.format, found.known),
            "nothing, but back them up: the first gateway of this version changes it, and older ones refuse it then",
        ),
        Ok(Some(_)) => findings.ok("users and sessions are of this version's format (schema identity)"),
        Ok(None) => findings.warn(
            "there are no users yet (schema identity)",
            "nothing, if this cluster is new: the first gateway makes it; else restore it from a backup",
        ),
        Err(error) => findings.fail_with(&error.into()),
    }
}
