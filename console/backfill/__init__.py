"""Brings in leads that no webhook announced: a form's, or a page's forms', through the Graph API into the same queue.

`Backfiller` goes through them; `Asking` makes its calls of the Graph API, and waits where it is told to; `Intake` knows
what came before and puts the rest into the queue; `records` holds what crosses between them and the front ends.
"""
