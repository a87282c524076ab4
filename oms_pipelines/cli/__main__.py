"""`python -m oms_pipelines.cli` is the `oms` command."""

from oms_pipelines.cli import main

main()
