"""`python -m tests.bench.traffic RATE`: a demo's stack and its leads, so many a second, until it is ended.

Prints the stack's folder once everything is up.
"""

from __future__ import annotations

import asyncio
import sys

from console.demo.session import DemoSession


async def main(rate: float) -> None:
    """Run until a signal ends it."""
    async with DemoSession(rate=rate, seed=1) as demo:
        print(demo.settings.directory, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
