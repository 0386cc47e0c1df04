"""Looks at everything a stack needs, and says how to mend what is not well. Every check stands alone.

`examining.Doctor` chooses the checks and runs them side by side; `machine`, `envfile`, `servers`, `webhook` and `meta`
have them; `diagnosis` is what they say.
"""
