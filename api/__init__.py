"""The webhook service: accepts signed leads, queues them durably in Redis Streams and stores them in Postgres."""
