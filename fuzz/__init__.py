"""Coverage-guided fuzzing of everything that reads bytes from elsewhere.

    .venv/bin/pip install --group fuzz
    .venv/bin/python -m fuzz.codec --seconds 600
    .venv/bin/python -m fuzz.public_identity --seconds 600
    .venv/bin/python -m fuzz.sealed_message --seconds 600
    .venv/bin/python -m fuzz.unlock --seconds 600

Exit code 0: the time is over and nothing was found. Any other: a finding (the exception is printed, and the input that
provoked it is written as ``crash-…`` into the current folder, or into ``--findings DIR``), or 2 for a wrong call. A
finding is run again by naming its file: ``python -m fuzz.codec crash-…``.

Each target is a function ``one_input(data)`` that raises only for a finding; ``tests/test_fuzz.py`` runs it over its
seeds, so a target does not rot between two runs of the fuzzer.
"""
