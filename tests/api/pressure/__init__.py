"""The service under pressure: real servers that are slow, full or gone, and clients that are slow, greedy or rude."""
