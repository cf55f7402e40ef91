"""The command `wattseal`. Heavy modules are imported where a command runs, not before."""
