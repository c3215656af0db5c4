"""A local server that speaks Snowflake's wire protocol to the unmodified connector.

It answers what it models with Snowflake's semantics, error numbers and messages, reads Iceberg tables through
exactly the metadata file that a statement named, and refuses everything else by name. It never accepts a
clause that it does not model: silence would prove nothing. Nothing in production imports it.
"""

VERSION = "9.99.0-calve"
