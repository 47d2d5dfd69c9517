"""Makes changes: detectors find, engines change a scratch copy and propose."""
