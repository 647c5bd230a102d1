"""Writes ``vectors/v1``: one module per category, no clock, no random generator, nothing of the library imported.

A module states inputs and, for what must be refused, the error and the stage; results come from the reference, which
also has to refuse at exactly that stage.
"""
