# Every target is one command of do.py, for fingers that say `make`. PYTHON=python3.12 chooses another Python.
PYTHON ?= python3

.PHONY: demo test lint lock
demo test lint lock:
	$(PYTHON) do.py $@ $(ARGS)
