"""The HTTP interface and its OpenAPI document agree: tested from outside, on a web process with real servers."""
