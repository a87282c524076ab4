"""Failures as people read them: the cause in one line, and nothing a row could have told."""

import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import PurePath

import dagster as dg

from oms_pipelines.errors import OmsError


@contextmanager
def plainly() -> Generator[None]:
    """Tell what goes wrong inside as one line; Dagster keeps and shows it.

    The hub's own errors carry no value of a row. Those of libraries may, so of any other error
    only its kind and the places it went through are kept.
    """
    try:
        yield
    except OmsError as e:
        raise dg.Failure(str(e), allow_retries=False) from None
    except dg.Failure:
        raise
    except Exception as e:
        steps = traceback.extract_tb(e.__traceback__)
        places = [f"{PurePath(s.filename).name}:{s.lineno} in {s.name}" for s in steps]
        raise dg.Failure(
            f"{type(e).__name__} at {places[-1]}; its text is left out, it may quote a row",
            metadata={"went through": dg.MetadataValue.md("\n".join(f"- {p}" for p in places))},
            allow_retries=False,
        ) from None
