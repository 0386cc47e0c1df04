"""Screens: one a number key, and the dialogs over them."""
