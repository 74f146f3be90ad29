# What a person runs; the build itself is meson's. `make help` lists the targets.
BUILD := build
PYTHON := /usr/bin/python3
# A compiler's new warning must not keep a person from running the program; make check turns warnings into errors.
RELEASE := --buildtype=release -Dwerror=false
RUN_ARGS ?= -a face -a license-plate -a person -a vehicle

.PHONY: int8 help run build install packages test check format bench soak fuzz clean

help:
	@echo "make run     install what is missing, build, start the server on port 7000"
	@echo "make build   leave the program at build/obscura"
	@echo "make test    install what is missing, build, run all tests"
	@echo "make check   format, gcc and clang with warnings as errors, cppcheck, tests under ASan and UBSan"
	@echo "make bench   measure against peers and floors"
	@echo "make soak    long runs: crash test, damaged files, memory"
	@echo "make int8    quantize models/*.onnx anew (after training), with photographs of ../shared"
	@echo "make fuzz    coverage-guided fuzzing of every parser, a few minutes each"

run: build
	$(BUILD)/obscura $(RUN_ARGS)

build:
	@scripts/install-packages run
	@scripts/build $(BUILD) $(RELEASE)

test:
	@scripts/install-packages run test
	@scripts/build $(BUILD) $(RELEASE)
	@tests/run $(BUILD)

check:
	@scripts/install-packages run test check
	@scripts/check

format:
	@scripts/format

bench:
	@scripts/install-packages run test bench
	@scripts/build $(BUILD) $(RELEASE)
	@bench/run $(BUILD)

int8:
	@scripts/install-packages run test
	@scripts/build $(BUILD) $(RELEASE)
	@scripts/quantize $(BUILD)

soak: build
	@scripts/install-packages run test
	@tests/soak $(BUILD)

fuzz:
	@scripts/install-packages run check
	@tests/fuzz/run

clean:
	rm -rf build build-*
