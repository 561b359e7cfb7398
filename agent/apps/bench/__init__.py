"""`inquest bench`: recorded cases in; accuracy, calibration and time out, beside simple rules."""

from agent.apps.bench.command import bench

__all__ = ["bench"]
