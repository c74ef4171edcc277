"""`python -m twinview_cli`."""

from . import main

main()
