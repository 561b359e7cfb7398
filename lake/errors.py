"""Errors meant for a person: one sentence that names the thing, the value and what was expected."""

DUCKDB_INTERRUPTED = "Query interrupted"
"""What DuckDB makes of a KeyboardInterrupt: a RuntimeError that says this."""


class InquestError(Exception):
    """Something the caller can mend; the command line prints the sentence and exits 2."""


class LakeError(InquestError):
    """The lake cannot be opened, written or read as asked."""


class QueryError(InquestError):
    """A query was refused, failed, or went past its caps."""


class UnreadError(QueryError):
    """A file of the lake could not be read just then."""
