"""What the console reads, one module a source: frozen values; nothing is changed. No answer: UnreachableError."""
