//! What any process needs: config, telemetry, lifecycle, health, clock, ids.
