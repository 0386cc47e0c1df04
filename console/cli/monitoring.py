"""Writes a check for monitoring systems: a Nagios plugin's lines, and metrics for a textfile collector. Pure.

Sources: https://nagios-plugins.org/doc/guidelines.html (status line, performance data, exit codes) and
https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.checks import CheckReport, Finding, Verdict
from console.format import safe

NAGIOS = {Verdict.OK: (0, "OK"), Verdict.WARN: (1, "WARNING"), Verdict.FAIL: (2, "CRITICAL")}
_WORST = (Verdict.FAIL, Verdict.WARN, Verdict.OK)
_LEVEL = {Verdict.OK: 0, Verdict.WARN: 1, Verdict.FAIL: 2}


def nagios(report: CheckReport) -> tuple[int, str]:
    """A plugin's exit code, and its output: one line with performance data, then a line a finding."""
    worst = next(verdict for verdict in _WORST if any(found.verdict is verdict for found in report.findings))
    code, word = NAGIOS[worst]
    bad = [found for found in report.findings if found.verdict is worst]
    said = "; ".join(_said(found) for found in bad) if worst is not Verdict.OK else _said(report.findings[0])
    data = " ".join(f"{f.name}={_figure(f.value)}{f.unit}" for f in report.findings if f.value is not None)
    lines = [f"{NAGIOS[found.verdict][1]} {_said(found)}" for found in report.findings]
    return code, "\n".join((f"LEADS {word} - {said} | {data}", *lines)) + "\n"


def nagios_unknown(reason: str) -> str:
    """The line of a check that could not be made."""
    return f"LEADS UNKNOWN - {_plain(reason)}\n"


def prometheus(report: CheckReport) -> str:
    """Metrics in the text format: how each thing is, and its figure."""
    return "".join(_metrics(report))


def _metrics(report: CheckReport) -> Iterator[str]:
    yield "# HELP leadsctl_check_ok Whether nothing failed.\n# TYPE leadsctl_check_ok gauge\n"
    yield f"leadsctl_check_ok {int(report.ok)}\n"
    yield "# HELP leadsctl_check How a thing is: 0 ok, 1 warning, 2 failed.\n# TYPE leadsctl_check gauge\n"
    for found in report.findings:
        yield f'leadsctl_check{{name="{found.name}"}} {_LEVEL[found.verdict]}\n'
    yield "# HELP leadsctl_check_value The figure behind it: seconds, per cent or a count.\n"
    yield "# TYPE leadsctl_check_value gauge\n"
    for found in report.findings:
        if found.value is not None:
            yield f'leadsctl_check_value{{name="{found.name}",unit="{_unit(found)}"}} {_figure(found.value)}\n'
    yield "# HELP leadsctl_check_time_seconds When it was checked.\n# TYPE leadsctl_check_time_seconds gauge\n"
    yield f"leadsctl_check_time_seconds {report.queue.taken_at:.0f}\n"


def _unit(found: Finding) -> str:
    return {"s": "seconds", "%": "percent"}.get(found.unit, "count")


def _said(found: Finding) -> str:
    return f"{found.name}: {_plain(found.text)}"


def _plain(text: str) -> str:
    """The text without what divides a plugin's output."""
    return safe(text, 300).replace("|", "/")


def _figure(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
