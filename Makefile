# make book · make test · make lab · make bench · make pdf · make notebooks — for readers and authors
# make site: the book with its PDF; make book SOLUTIONS=no, make site SOLUTIONS=no — for teachers
# make again CHAPTER=... · make address URL=... — see CONTRIBUTING.md
# make check · make links · make lock — for developers
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# The environment; a relative path, because the absolute one may contain spaces.
VENV ?= .venv
BIN := $(VENV)/bin
# Each notebook and each test module runs as a whole, on one processor.
SIDE_BY_SIDE := --numprocesses auto --dist loadfile
export COLLAPSE_SOLUTIONS := $(SOLUTIONS)

# With PYTHONWARNINGS=error, packages that the book needs do not even start.
unexport PYTHONWARNINGS

.PHONY: address again book test lab bench pdf site notebooks check links lint lock clean

# After a failed build, Sphinx would not read its pages again, nor repeat the warnings.
book: $(VENV)/installed
	$(BIN)/jupyter-book build -W --keep-going . || { rm -rf _build/.doctrees; exit 1; }

test: $(VENV)/installed
	$(BIN)/python -m pytest --nbval $(SIDE_BY_SIDE)

lab: $(VENV)/installed
	$(BIN)/python book/_ext/jupyterlab_words.py
	$(BIN)/jupyter lab book

bench: $(VENV)/developing
	$(BIN)/python -m tests.benchmarks.kernel
	$(BIN)/python -m tests.benchmarks.gpt
	$(BIN)/python -m tests.benchmarks.collapse_time
	$(BIN)/python -m tests.benchmarks.contexts

pdf: $(VENV)/developing book
	$(BIN)/python book/_ext/print_book.py _build/book.pdf

# The book, with a PDF linked from the sidebar, ready for a web server.
site: export COLLAPSE_PDF := yes
site: $(VENV)/developing book
	$(BIN)/python book/_ext/print_book.py _build/html/book.pdf

notebooks: $(VENV)/installed
	$(BIN)/python book/_ext/store_outputs.py book/*.ipynb book/_template/*.ipynb

check: $(VENV)/developing lint book
	$(BIN)/python -m pytest tests/build tests/browser --numprocesses auto --dist loadgroup

# Check that the links that leave the book still work; needs the network. Jupyter Book puts its
# report among the pages.
links: book
	$(BIN)/jupyter-book build --builder linkcheck .; found=$$?; \
	    mv _build/html/output.txt _build/links.txt; rm _build/html/output.json; exit $$found

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/codespell

$(VENV)/installed: requirements.txt pyproject.toml
	@echo "Installing into $(VENV); the first time takes a few minutes"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=...") \
	    if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/developing: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

# Resolve the dependencies of pyproject.toml again, and pin all of them.
lock:
	rm -rf _build/lock && $(PYTHON) -m venv _build/lock
	_build/lock/bin/python -m pip install --quiet --editable ".[book,gpt,test]"
	{ echo "# All that it takes to read, run and validate the book, pinned by 'make lock'."; \
	  _build/lock/bin/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu$$//'; \
	  echo "-e ."; } > requirements.txt
	rm -rf _build/lock
	@! grep -E '^(nvidia|triton)' requirements.txt || \
	    (echo "PyTorch is not the CPU build: see README" && exit 1)

# Execute a chapter again although nothing has changed: make again CHAPTER=absorption
again: $(VENV)/installed
	$(BIN)/python book/_ext/execute_again.py "$(CHAPTER)"
	$(MAKE) book

# Set the address of the repository everywhere: make address URL=https://github.com/someone/book
address:
	$(PYTHON) book/_ext/address.py "$(URL)"

clean:
	rm -rf _build
