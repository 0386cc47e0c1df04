"""What a running stack says of itself: metrics, readiness, the cause, one request's way through it."""
