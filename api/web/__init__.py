"""The web half of the service: takes signed webhooks in, and says how it is doing.

`App` answers a `Request` with a `Response` and knows no server; `rsgi` and `asgi` adapt it to one.
"""
