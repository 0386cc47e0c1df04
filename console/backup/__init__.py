"""Backups: taking one of a running stack, checking it, restoring it.

An archive is a tar: `postgres/000001.zst`, … (pg_dump's custom format), `redis/000001.zst`, … (an RDB snapshot), and at
the end `manifest.json`. A member's parts, joined in order, are one zstd stream, so that tar and zstd alone can open it.
With a recipient the whole tar is encrypted by age (https://age-encryption.org/v1).

Redis is read first and Postgres after it. What had been acknowledged when Redis was read is in the archive: still
queued in Redis' snapshot, or stored by then and so in Postgres' later one.
"""
