"""Where the stack runs: Docker Compose or local processes, behind the same `Runtime`."""
