"""Runs a notebook-style script and prints its text, code and output as Markdown.

usage: render.py SCRIPT [ARGUMENT ...] > page.md

Cells begin with `# %%`; those that begin with `# %% [markdown]` are text. All cells share one namespace,
in which `arguments` is the list of arguments. A cell that raises ends the run with its traceback and exit
code 1, so a page exists only where everything in it worked.
"""

import contextlib
import io
import re
import sys
from pathlib import Path


def cells(text):
    """The cells of a script: (whether it is text, its lines)."""
    parts = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]
    for kind, body in zip(parts[::2], parts[1::2]):
        yield "markdown" in kind, body.strip("\n")


def main():
    script, namespace = Path(sys.argv[1]), {"arguments": sys.argv[2:]}
    page = []
    for is_text, body in cells(script.read_text()):
        if is_text:
            page.append("\n".join(re.sub(r"^# ?", "", line) for line in body.splitlines()))
            continue
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(body, script.name, "exec"), namespace)
        page.append(f"```python\n{body}\n```")
        if said.getvalue().strip():
            page.append(f"```text\n{said.getvalue().rstrip()}\n```")
    print("\n\n".join(page))


if __name__ == "__main__":
    main()
