"""What the box pays for being observed, as ratios against floors measured in the same run: tests/bench/run."""
