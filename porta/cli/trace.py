"""porta trace: what happened until a page showed a support code, over the Admin API."""

from __future__ import annotations

import click

from porta.admin_client.resources.traces import Step, Trace
from porta.cli.answers import line
from porta.cli.nouns import Action, single


def _tell(found: Trace) -> None:
    """One line a request, and what was decided in it below."""
    click.echo(line(f"{found.code} at organization {found.organization_id}"))
    for step in found.steps:
        at = step.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        status = f"{step.status}  " if step.status is not None else ""
        click.echo()
        click.echo(line(f"{at}  {step.step}  {status}request {step.request_id}"))
        for each in _lines(step):
            click.echo(line(f"    {each}"))


def _lines(step: Step) -> list[str]:
    lines = [f"client {step.client_id}"] if step.client_id else []
    if step.asks:
        lines.append(f"waits for {step.asks} ({', '.join(step.reasons) or 'asked for'})")
    for note in step.notes:
        told = ", ".join(f"{name} {value}" for name, value in note.told.items())
        lines.append(f"{note.name}: {told}" if told else note.name)
    return lines


trace = single(
    Action(
        "trace",
        "traces.get",
        says="Tell what happened until a page showed a support code: each step, which rule, which"
        " refusal. It is kept for a day.",
        tell=_tell,
    )
)
