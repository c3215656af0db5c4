"""The business, one module per dataset: pure functions from DataFrames to a DataFrame.

They promise the contract's columns in order, then `_source_at`. They read nothing, write nothing, and look at no clock.
"""
