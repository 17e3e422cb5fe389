"""Lightning callbacks and loggers: what Lightning's own do not do."""
