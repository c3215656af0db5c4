"""The lake: catalog, leases, verdicts, publications, ledger and maintenance.

The only package that imports PyIceberg. It starts no Spark and knows nothing of Snowflake.
"""
