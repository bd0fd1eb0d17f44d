"""Reports on an optimize run."""

import pytest
from sample_page import optimized, plan_of


@pytest.fixture
def optimize_report(sloppy):
    return optimized(sloppy, 800)


@pytest.fixture
def optimize_plan(sloppy, findings):
    return plan_of(sloppy, findings[1])
