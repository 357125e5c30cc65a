# make demo    four synthetic hospitals, the whole way
# make test    every test, slow ones too
# make check   what CI runs: lint, types, layers, tests
# make evidence   what is run once, for hours, and goes on where it was broken off: verdicts simulated, strategies on
#                 real hospitals, the demo in repeats, documents forged in thousands of ways
#
# with real images in SHIFTSCOPE_DATA:
# make calibration   the planted suite, and the probabilities of the diagnosis fitted on it
# make policy        the expected gains of the advice, fitted on the tables of docs/results/regret
# make removal       what each harmonizer removes of each planted change

VENV ?= .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
SHIFTSCOPE_DATA ?= ../shared/data
PLANTED := build/planted
FROZEN := --model linear --encoder tf_efficientnet_lite0 --weights imagenet --size 128 --rounds 10 --steps 15 --batch 16
TUNED := --weights imagenet --size 96 --rounds 6 --steps 15 --only local zscore quantile_map fedper ditto

.PHONY: demo test fast lint types layers check fixtures basis calibration evidence policy removal golden clean

$(STAMP): pyproject.toml constraints.txt
	python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet -c constraints.txt -e '.[train,dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(VENV)/bin/shiftscope demo

test: $(STAMP)
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 25 --durations-min 20

fast: $(STAMP)
	$(PY) -m pytest -m 'not slow and not real'

lint: $(STAMP)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: $(STAMP)
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy typing_tests

layers: $(STAMP)
	$(VENV)/bin/lint-imports

check: lint types layers test

fixtures: $(STAMP)
	$(PY) fixtures/make_fixtures.py

basis: $(STAMP)
	$(PY) benchmarks/build_basis.py

calibration: $(STAMP)
	$(PY) benchmarks/planted.py $(SHIFTSCOPE_DATA) $(PLANTED)
	rm -f $(PLANTED)/compared.pickle
	$(PY) benchmarks/calibrate.py $(PLANTED) --write

evidence: $(STAMP)
	$(PY) benchmarks/coverage.py build/coverage --write
	$(PY) benchmarks/flamby.py $(SHIFTSCOPE_DATA) --write
	$(PY) benchmarks/concept.py $(SHIFTSCOPE_DATA) build/concept --draws 50 > docs/results/concept.md
	$(PY) benchmarks/engines_agree.py > docs/results/engines-agree.md
	$(PY) benchmarks/deployment_cost.py > docs/results/deployment-cost.md
	$(PY) benchmarks/kills_inline.py > docs/results/kills-inline.md
	$(PY) benchmarks/kills_deployed.py > docs/results/kills-deployed.md
	$(PY) benchmarks/refusals.py > docs/results/refusals.md
	$(PY) benchmarks/update_norms.py > docs/results/update-norms.md
	$(PY) benchmarks/demo_verdicts.py build/demos > docs/results/demo-verdicts.md
	for group in cxr_cls brain_cls breast_cls; do \
	  $(PY) benchmarks/portfolio.py run $(SHIFTSCOPE_DATA) $$group -o build/portfolio/$$group-lite0 $(FROZEN) || exit 1; done
	$(PY) benchmarks/portfolio.py run $(SHIFTSCOPE_DATA) cxr_cls -o build/portfolio/cxr_cls-tuned $(TUNED) --model tf_efficientnet_lite0
	$(PY) benchmarks/portfolio.py run $(SHIFTSCOPE_DATA) breast_us -o build/portfolio/breast_us-tuned $(TUNED) --model smp.Unet \
	  --encoder tf_efficientnet_lite0
	$(PY) benchmarks/portfolio.py table build/portfolio/* > build/portfolio.md
	$(PY) benchmarks/rehearsal_membership.py $(SHIFTSCOPE_DATA) > docs/results/rehearsal-membership.md
	$(PY) benchmarks/regret/cells.py $(SHIFTSCOPE_DATA) build/regret
	$(PY) benchmarks/regret/tune.py run $(SHIFTSCOPE_DATA) build/regret
	$(PY) benchmarks/regret/tune.py table build/regret
	$(PY) benchmarks/regret/table.py build/regret
	$(PY) benchmarks/regret/policy.py --write
	SHIFTSCOPE_EXAMPLES=2000 SHIFTSCOPE_EVIDENCE=docs/results/fuzz.md $(PY) -m pytest tests/forged/test_fuzz.py --timeout 0

policy: $(STAMP)
	$(PY) benchmarks/regret/policy.py --write

removal: $(STAMP)
	$(PY) benchmarks/removal.py --data $(SHIFTSCOPE_DATA)

clean:
	rm -rf $(VENV) build dist *.egg-info

golden: $(STAMP)
	SHIFTSCOPE_REWRITE_GOLDEN=1 $(PY) -m pytest tests/test_golden.py
