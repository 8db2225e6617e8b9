"""The suite; a package, so that tests in sub-directories may share names and import `tests.processes`."""
