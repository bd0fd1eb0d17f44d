"""What is told of the machine, and when it is called noisy."""

import os

from slimml.bench.host_facts import Load, find_gpus, host_facts, measure_load, noise_in_words, parse_gpus

QUIET = Load(average=0.1, busy=0.01, stolen=0.0, waiting=0.0)


def test_the_processors_are_those_this_process_may_use():
    assert host_facts().cores == len(os.sched_getaffinity(0))


def test_memory_is_that_of_the_kernel():
    with open("/proc/meminfo") as file:
        told = int(file.readline().split()[1]) * 1024
    assert abs(host_facts().memory - told) < 0.05 * told


def test_a_processor_has_a_name():
    assert host_facts().cpu


def test_flags_are_few_and_known():
    assert len(host_facts().flags) < 25


def test_load_is_in_shares():
    load = measure_load(0.05)
    assert 0 <= load.busy <= 1
    assert 0 <= load.stolen <= 1


def test_nvidia_smi_s_lines_are_read():
    (gpu,) = parse_gpus("NVIDIA H100 80GB HBM3, 81559, 550.54.15, 9.0, Disabled\n")
    assert (gpu.name, gpu.memory, gpu.capability, gpu.mig) == ("NVIDIA H100 80GB HBM3", 81559 << 20, "9.0", False)


def test_what_nvidia_smi_does_not_know_is_none():
    (gpu,) = parse_gpus("NVIDIA GB10, [N/A], 580.1, 12.1, [N/A]\n")
    assert gpu.memory is None


def test_an_error_of_nvidia_smi_is_no_gpu():
    assert parse_gpus("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n") == ()


def test_a_program_that_fails_is_no_gpu(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexit 9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert all(gpu.memory is None for gpu in find_gpus())


def test_a_quiet_host_gives_no_words():
    assert noise_in_words([QUIET, QUIET, QUIET]) == []


def test_one_busy_moment_is_no_noise():
    assert noise_in_words([QUIET, Load(1.0, 0.9, 0.0, None), QUIET]) == []


def test_a_machine_that_others_use_is_said():
    assert noise_in_words([Load(3.0, 0.4, 0.0, None)] * 3) == ["other programs kept the processors 40% busy"]


def test_processors_taken_away_are_said():
    assert noise_in_words([QUIET, Load(0.1, 0.0, 0.12, 0.0)]) == [
        "the hypervisor took up to 12% of the processors away"
    ]


def test_waiting_for_the_disk_is_said():
    assert noise_in_words([Load(0.1, 0.0, 0.0, 0.6)]) == ["programs waited for the disk"]
