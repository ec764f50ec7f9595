#!/usr/bin/env bash
# `accelerate launch --cpu --num_processes 2` runs one process.
#
# Packages:  accelerate 1.15.0, torch 2.13.0
# Expected:  two processes, as asked for, or an error that says what is missing (with --cpu they need MPI).
# Happens:   one process and exit status 0. What the launcher prints names other options only.
# Matters:   the global batch is half of what the recipe of an unlearning run says, so the learning rate is wrong for
#            it; and a check of distributed training on a CPU passes without anything distributed.
# Guard:     unsee's test launches two processes on the CPU in another way and counts them:
#            tests/test_training_processes.py::test_two_processes_have_the_losses_of_one_with_the_same_global_batch
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q accelerate==1.15.0 torch==2.13.0 numpy==2.4.6

cd "$work"
export OMP_NUM_THREADS=1 CUDA_VISIBLE_DEVICES=""
cat > count.py <<'PY'
from accelerate import Accelerator

accelerator = Accelerator(cpu=True)
if accelerator.is_main_process:
    print(accelerator.num_processes)
PY
venv/bin/pip list 2>/dev/null | grep -E "^(accelerate|torch) "
launched=$(venv/bin/accelerate launch --cpu --num_processes 2 count.py 2> said)
run=$(venv/bin/torchrun --nproc_per_node 2 count.py 2> /dev/null)
echo "accelerate launch --cpu --num_processes 2: $launched process(es)"
echo "torchrun --nproc_per_node 2:               $run process(es)"
echo "What accelerate said:"
cat said
if [[ $launched != 1 || $run != 2 ]] || grep -qiE "num_processes|mpi" said; then
  echo "The behaviour has changed." >&2
  exit 1
fi
