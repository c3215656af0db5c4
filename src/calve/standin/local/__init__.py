"""The local engine: Java, jars, PostgreSQL, S3 and the Snowflake stand-in under one directory.

Everything comes from the package index and from PySpark's own Ivy; nothing is installed into the machine, and
nothing outside the state folder, the jar cache and the temporary folder is written.
"""
