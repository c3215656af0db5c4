"""The warehouse: what Snowflake serves, and how it comes to serve exactly the newest publications.

The only package that imports the Snowflake connector.
"""
