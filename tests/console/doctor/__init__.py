"""What doctor finds, each thing in a good and a bad state."""
