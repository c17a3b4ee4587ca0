"""Set-up of a checkout: from git, make and a Python to everything that `make up` needs.

Run as ``python3 bootstrap COMMAND`` with any Python from 3.9 on. Standard library only: when this
code runs, nothing is installed yet. Each file is one noun: a tool that is fetched (`uv`,
`interpreter`, `venv`, `go`, `pulumi`, `gcp_plugin`, `zetasql`, `acceptance`), or what fetching
rests on (`way`, `download`, `cache`, `stamp`, `progress`, `command`). `docs/bootstrap.md` is the
guide.
"""
