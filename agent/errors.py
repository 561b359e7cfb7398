"""The agent's errors meant for a person, beside those of `lake.errors`."""

from __future__ import annotations

from lake.errors import InquestError


class RequestError(InquestError):
    """What was asked for cannot be investigated as asked."""


class SettingError(InquestError):
    """An environment variable of ours is unknown or has no meaning."""


class ModelError(InquestError):
    """A language model cannot be used, or gave nothing that can be."""


class PlaybookError(InquestError):
    """A playbook cannot be used: mend its file."""


class RunError(InquestError):
    """What is kept of a run cannot be used, or is not as we wrote it."""


class RunCancelled(InquestError):  # noqa: N818 - a run's end, and no mistake of anyone's
    """Somebody cancelled the run: it ends without a report."""
