"""Failures as files that check them again: a shell script and a pytest file for each failed clause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from adjourn_contract.reports.verdicts import Verdicts

__all__ = ["write_tests"]


def write_tests(folder: Path, verdicts: Verdicts) -> Sequence[Path]:
    """Write `CLAUSE.sh` and `test_CLAUSE.py` for each failed or accepted clause; the folder is created.

    Both fail on a server that breaks the clause and pass on one that satisfies it. They take the server from
    TRIGGER_API_URL and the keys from TRIGGER_SECRET_KEY and ADJOURN_OTHER_SECRET_KEY.

    Returns the files. A failure that no program can check again has none.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for verdict in verdicts.all():
        if verdict.proof is None or verdict.proof.script is None or verdict.proof.pytest_file is None:
            continue
        script = folder / f"{verdict.clause}.sh"
        script.write_text(verdict.proof.script, encoding="utf-8")
        script.chmod(0o755)
        module = folder / f"test_{re.sub('[^a-z0-9]+', '_', verdict.clause)}.py"
        module.write_text(verdict.proof.pytest_file, encoding="utf-8")
        files += [script, module]
    return files
