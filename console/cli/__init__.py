"""The command line: one module a group of commands. stdout is data, stderr is narration, exit codes are an API.

0 ok · 1 failed · 2 usage · 3 cannot reach · 4 check failed · 130 interrupted · 141 nobody reads the output any more.
"""
