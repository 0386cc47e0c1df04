"""What a queue must be after every step, whatever is done and breaks: the model, its rules, its faults."""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("breaking", "checks", "machine", "operating", "suite", "working"))
)
