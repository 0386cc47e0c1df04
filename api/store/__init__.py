"""The store: leads, deliveries and attempts in Postgres. The only package that imports psycopg.

`migrate` brings the schema up, `Writer` is the worker's side, `Reader` the console's and the web service's. All of them
raise `StoreUnavailableError` when Postgres does not answer, and work again by themselves once it does.
"""

from __future__ import annotations

from api.store.migrate import migrate
from api.store.reader import Reader
from api.store.records import CHANNEL, FormDay, OperatorAction, Places, Write, Written
from api.store.writer import Writer

__all__ = ["CHANNEL", "FormDay", "OperatorAction", "Places", "Reader", "Write", "Writer", "Written", "migrate"]
