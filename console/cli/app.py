"""The command `leadsctl`: global options, the table of commands that are loaded when used, the way into the TUI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from console.cli.coerce import HELP_NAMES, lighten
from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation
from console.cli.lazy import Entry, LazyGroup, plain_typer

NAME = "leadsctl"


COMMANDS: dict[str, Entry] = {
    "up": Entry("stack:up", "Stack", "Create and start the stack, and wait until it is healthy."),
    "down": Entry("stack:down", "Stack", "Stop and remove the stack; its data stays."),
    "start": Entry("stack:start", "Stack", "Start services that are stopped."),
    "stop": Entry("stack:stop", "Stack", "Stop services; a worker finishes what it holds."),
    "restart": Entry("stack:restart", "Stack", "Stop services and start them again."),
    "recreate": Entry("images:recreate", "Stack", "Replace services' containers by new ones."),
    "scale": Entry("images:scale", "Stack", "Run more or fewer replicas of a service: worker=3."),
    "build": Entry("images:build", "Stack", "Build the images from the sources beside the compose files."),
    "pull": Entry("images:pull", "Stack", "Fetch the newest form of the images that are not built here."),
    "ps": Entry("stack:ps", "Stack", "Show the services and how they are."),
    "logs": Entry("logs:logs", "Stack", "Show what the services write."),
    "volumes": Entry("volumes:volumes", "Stack", "Show what lies on disk: volumes, tables, the queue's file."),
    "shell": Entry("shell:shell", "Stack", "Open a shell in a service, or run a command there."),
    "psql": Entry("shell:psql", "Stack", "Open psql on the stack's database."),
    "redis-cli": Entry("shell:redis_cli", "Stack", "Open redis-cli on the stack's queue."),
    "queue": Entry("queue:app", "Leads", "Look at the queue; retry, discard and edit its jobs."),
    "leads": Entry("leads:app", "Leads", "List, show, search, count, export, replay and forget leads."),
    "trace": Entry("trace:trace", "Leads", "Follow one lead from the request to the row."),
    "send": Entry("send:send", "Leads", "Send a signed test webhook to the stack."),
    "backfill": Entry("backfill:backfill", "Leads", "Fetch leads that no webhook announced."),
    "check": Entry("check:check", "Leads", "Prove that no accepted lead is lost; for monitoring."),
    "doctor": Entry("doctor:doctor", "More", "Look for what is wrong, and say how to mend it."),
    "activity": Entry("activity:activity", "More", "List what operators did: who, when, what, and how it ended."),
    "backup": Entry("backup:backup", "More", "Back up leads and queue while the stack runs, in one archive."),
    "restore": Entry("backup:restore", "More", "Restore an archive into the stack, which must be up."),
    "init": Entry("init:init", "More", "Write a stack's files, or bring older ones up to this version."),
    "config": Entry("config:app", "More", "Show what is configured, and where each value comes from."),
    "web": Entry("web:web", "More", "Serve the terminal UI to a browser on this machine."),
    "help": Entry("help:help_", "More", "Show help: on a command, on KEYS of the terminal UI, on exit CODES."),
    "demo": Entry("demo:demo", "More", "Try everything on a local stack with invented traffic."),
}


class Root(LazyGroup):
    """The root group, with our table."""

    table = COMMANDS


app = plain_typer(name=NAME, cls=Root, add_completion=True, context_settings={"help_option_names": list(HELP_NAMES)})


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    *,
    runtime: Annotated[
        bool | None,
        typer.Option("--docker/--local", help="Which stack: Compose, or local processes. [env: LEADSCTL_RUNTIME]"),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="D", help="State directory (local), or the folder with the compose files."),
    ] = None,
    project: Annotated[str, typer.Option("--project", "-p", metavar="NAME", help="Compose project.")] = "",
    files: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", metavar="FILE", help="Compose file; give it again for overlays."),
    ] = None,
    profiles: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="NAME", help="Compose profile; give it again for more: https."),
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="The stack's settings, instead of .env.")
    ] = None,
    redis_url: Annotated[
        str,
        typer.Option(metavar="URL", help="Where the queue is; its password is safer in LEADSCTL_REDIS_URL."),
    ] = "",
    database_url: Annotated[
        str,
        typer.Option(metavar="URL", help="Where the leads are; its password is safer in LEADSCTL_DATABASE_URL."),
    ] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse every verb that changes something.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> int:
    """The lead pipeline in hand: the stack, the queue and the leads.

    Without a command the terminal UI opens.
    """
    if isinstance(ctx.obj, Invocation):  # inside the terminal UI: the stack is the one that is open
        return 0
    ctx.obj = Invocation(
        json=json,
        quiet=quiet,
        options={
            "runtime": {None: "", True: "docker", False: "local"}[runtime],
            "dir": directory,
            "project": project,
            "files": tuple(files or ()),
            "profiles": tuple(profiles or ()),
            "env_file": env_file,
            "redis_url": redis_url,
            "database_url": database_url,
            "read_only": read_only,
        },
    )
    if ctx.invoked_subcommand is not None:
        return 0
    from console.cli.ui import open_ui

    return open_ui(ctx.obj)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Raises what went wrong."""
    command = typer.main.get_command(app)
    lighten(command)
    try:
        value = command.main(args=list(arguments), prog_name=NAME, standalone_mode=False)
    except SystemExit as error:
        # Typer makes a plain failure of a reader that went away.
        if isinstance(error.__context__, BrokenPipeError):
            raise BrokenPipeError from error
        raise
    return value if isinstance(value, int) else 0
