"""The durable queue on Redis Streams: the only importer of redis and hiredis.

Publisher puts jobs in, Consumer works on them, Inspector shows them, Operator moves them by hand. Every change is one
script, so that no kill -9, of anything, at any instant, loses a job or has it twice.
"""

from api.queue.backlog import Backlog, Bookmark
from api.queue.consumer import Consumer
from api.queue.inspector import Inspector
from api.queue.operator import Operator
from api.queue.publisher import Publisher
from api.queue.types import Changed, Places, Published, Seen, Taken

__all__ = [
    "Backlog",
    "Bookmark",
    "Changed",
    "Consumer",
    "Inspector",
    "Operator",
    "Places",
    "Published",
    "Publisher",
    "Seen",
    "Taken",
]
